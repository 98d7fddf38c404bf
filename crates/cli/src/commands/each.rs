//! Several of a kind, one after another: what is wrong with one keeps nobody from the others.

use serde_json::Value;

use super::Context;
use crate::{
    arguments::Format,
    failure::{Done, Failure, Kind},
    table, terminal,
};

/// Does something with each, and tells of it: people as it is done, programs with a list of all
/// that was, whatever went wrong. Who stops reading stops nothing.
pub(super) async fn each<T>(
    context: &Context,
    things: &[T],
    deed: impl AsyncFn(&T) -> Done<Value>,
    words: impl Fn(&Value) -> String,
) -> Done {
    let mut told = Ok(());
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for thing in things {
        match deed(thing).await {
            Ok(value) => {
                if context.format() == Format::Table && told.is_ok() {
                    told = terminal::print(words(&value));
                }
                done.push(value);
            }
            Err(failure) => {
                let is_for_all = failure.kind.is_for_all();
                failures.push(failure);
                if is_for_all {
                    break;
                }
            }
        }
    }
    if context.format() != Format::Table {
        told = table::show(context.format(), &done.into(), |_| String::new());
    }
    together(failures).map_or(told, Err)
}

/// All failures as one: of the kind that they have in common, or that the last one stopped with.
fn together(mut failures: Vec<Failure>) -> Option<Failure> {
    let last = failures.pop()?;
    let is_one_kind = failures.iter().all(|it| it.kind == last.kind);
    let kind = if is_one_kind || last.kind.is_for_all() { last.kind } else { Kind::Failed };
    let before = failures.iter().map(Failure::summary).collect();
    Some(last.after(before).of(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_failures_have_one_code() {
        let failure = |kind| Failure::new(kind, format_args!("{kind:?}"));
        for (name, kinds, expected) in [
            ("none", &[][..], None),
            ("one", &[Kind::NotFound], Some(Kind::NotFound)),
            ("of one kind", &[Kind::NotFound, Kind::NotFound], Some(Kind::NotFound)),
            ("of several", &[Kind::NotFound, Kind::Failed], Some(Kind::Failed)),
            ("one that stops it", &[Kind::Failed, Kind::Refused], Some(Kind::Refused)),
        ] {
            let found = together(kinds.iter().copied().map(failure).collect());
            assert_eq!(found.as_ref().map(|it| it.kind), expected, "{name}");
            let words: Vec<_> = kinds.iter().map(|it| format!("{it:?}")).collect();
            assert_eq!(found.map_or(String::new(), |it| it.summary()), words.join("; "), "{name}");
        }
    }
}

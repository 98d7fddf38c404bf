//! What must be done so that a deployment has the hooks that files ask for?
//!
//! A hook of a file is the hook of the same id. One without an id is the hook with the same
//! source, event, handler and URL, of those that no id in the files names: where there is no such
//! hook it is made, and where there are several, only an id can tell which one is meant.
//!
//! **Invariant:** after a plan was carried out, the next one has nothing to do.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use crate::{
    hook::{self, Hook, in_words},
    hook_file::Wanted,
};

/// What is done to one hook.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// It is made.
    Create {
        /// Which of the wanted hooks it is.
        wanted: usize,
    },
    /// It is changed.
    Change {
        /// Which of the wanted hooks it is.
        wanted: usize,
        /// As it is.
        before: Hook,
        /// What a PATCH says.
        changes: Hook,
    },
    /// It says already what is wanted.
    Keep {
        /// As it is.
        hook: Hook,
    },
    /// It is removed.
    Delete {
        /// As it was.
        hook: Hook,
    },
}

/// What makes hooks without ids the same.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Likeness(Vec<Option<String>>);

impl Likeness {
    fn of(hook: &Hook) -> Self {
        let text = |name: &str| hook.get(name).and_then(Value::as_str).map(str::to_owned);
        let url = hook::url(hook).map(str::to_owned);
        Self(vec![text("source"), text("event"), text("handler"), url])
    }
}

/// The steps, deletions last; or what is wrong with the files.
pub(crate) fn plan(
    wanted: &[Wanted],
    existing: &[Hook],
    prune: bool,
) -> Result<Vec<Step>, Vec<String>> {
    let matches = matches(wanted, existing)?;
    let mut steps = Vec::new();
    for (index, (wanted, found)) in wanted.iter().zip(&matches).enumerate() {
        steps.push(match found.and_then(|it| existing.get(it)) {
            None => Step::Create { wanted: index },
            Some(hook) => {
                let changes = hook::changes(&wanted.hook, hook);
                if changes.is_empty() {
                    Step::Keep { hook: hook.clone() }
                } else {
                    Step::Change { wanted: index, before: hook.clone(), changes }
                }
            }
        });
    }
    if prune {
        let found: HashSet<usize> = matches.into_iter().flatten().collect();
        let others = existing.iter().enumerate().filter(|(index, _)| !found.contains(index));
        steps.extend(others.map(|(_, hook)| Step::Delete { hook: hook.clone() }));
    }
    Ok(steps)
}

/// Which of the existing hooks each wanted one is.
fn matches(wanted: &[Wanted], existing: &[Hook]) -> Result<Vec<Option<usize>>, Vec<String>> {
    let mut mistakes = Vec::new();
    let by_id: HashMap<Uuid, usize> =
        existing.iter().enumerate().filter_map(|(index, hook)| Some((id(hook)?, index))).collect();
    let mut named = HashMap::new();
    for one in wanted {
        let Some(id) = one.id else { continue };
        if let Some(first) = named.insert(id, one) {
            mistakes.push(one.mistake("id", format_args!("is that of {} too", first.place("id"))));
        }
    }

    let mut alike: HashMap<Likeness, Vec<usize>> = HashMap::new();
    for (index, hook) in existing.iter().enumerate() {
        if id(hook).is_none_or(|it| !named.contains_key(&it)) {
            alike.entry(Likeness::of(hook)).or_default().push(index);
        }
    }
    let mut nameless = HashMap::new();
    let mut matches = Vec::new();
    for one in wanted {
        if let Some(id) = one.id {
            matches.push(by_id.get(&id).copied());
            continue;
        }
        let likeness = Likeness::of(&one.hook);
        let candidates = alike.get(&likeness).map_or(&[][..], Vec::as_slice);
        if let Some(first) = nameless.insert(likeness, one) {
            let why = format!("only an id tells this hook from that of {}", first.place(""));
            mistakes.push(one.mistake("", why));
        } else if candidates.len() > 1 {
            let ids = candidates.iter().filter_map(|it| id(&existing[*it]));
            let ids = ids.map(|it| it.to_string()).collect::<Vec<_>>();
            let words = in_words(&one.hook);
            let why = format!("there are several {words}: say an id, one of {}", ids.join(", "));
            mistakes.push(one.mistake("", why));
        }
        matches.push(candidates.first().copied());
    }
    if mistakes.is_empty() { Ok(matches) } else { Err(mistakes) }
}

/// The id of a hook that exists.
pub(crate) fn id(hook: &Hook) -> Option<Uuid> {
    hook.get("id").and_then(Value::as_str).and_then(|it| it.parse().ok())
}

#[cfg(test)]
mod tests;

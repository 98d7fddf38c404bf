//! What will be different? Two hooks as YAML, line by line, as people read changes.
//!
//! **Promise:** it says whether a secret changes, and never what it is.

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::{
    failure::Done,
    hook::{Hook, Secrets, essence},
    terminal::plain,
    yaml,
};

/// How many lines around a change are shown, so that one sees where it is.
const CONTEXT: usize = 2;
/// What is shown in place of secrets.
const HIDDEN: &str = "(hidden)";

/// The lines that differ, each behind `+`, `-` or a blank, and those around them.
pub(crate) fn between(before: &Hook, after: &Hook) -> Done<String> {
    let (mut old, mut new) = (essence(before, Secrets::Shown), essence(after, Secrets::Shown));
    let is_same = secret_of(&mut old) == secret_of(&mut new);
    hide(&mut old, HIDDEN);
    hide(&mut new, if is_same { HIDDEN } else { "(hidden, another one)" });
    let (old, new) = (written(old)?, written(new)?);
    Ok(lines(&old, &new))
}

/// All lines of a hook that is not there yet.
pub(crate) fn from_nothing(hook: &Hook) -> Done<String> {
    let mut new = essence(hook, Secrets::Shown);
    hide(&mut new, HIDDEN);
    Ok(lines("", &written(new)?))
}

fn secret_of(hook: &mut Hook) -> Option<&mut Value> {
    hook.get_mut("config")?.get_mut("secret")
}

fn hide(hook: &mut Hook, what: &str) {
    if let Some(secret) = secret_of(hook) {
        *secret = what.into();
    }
}

fn written(hook: Hook) -> Done<String> {
    yaml::write(&hook.into())
}

fn lines(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut shown = String::new();
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            shown.push_str("    ⋮\n");
        }
        for change in group.iter().flat_map(|it| diff.iter_changes(it)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', AnsiColor::Red.on_default()),
                ChangeTag::Insert => ('+', AnsiColor::Green.on_default()),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let line = format!("{sign} {}", plain(change.value().trim_end_matches('\n')));
            shown.extend(["    ", &style.render().to_string(), line.trim_end()]);
            shown.extend([&style.render_reset().to_string(), "\n"]);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hook(secret: &str, functions: &str) -> Hook {
        let hook = json!({"source": "crud", "handler": "lambda", "on_change": null, "snooze": 60,
            "config": {"functions": [functions], "secret": secret}});
        hook.as_object().unwrap().clone()
    }

    fn without_colours(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_line_of_lua_that_changes_is_one_line() {
        let (old, new) =
            (hook("s", "return\nfunction()\nend\n"), hook("s", "return\nfunction(x)\nend\n"));
        let shown = without_colours(&between(&old, &new).unwrap());
        let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "        - |",
                "          return",
                "    -     function()",
                "    +     function(x)",
                "          end",
                "        secret: (hidden)",
            ]
        );
        assert_eq!(between(&old, &old).unwrap(), "");
    }

    #[test]
    fn secrets_change_without_being_shown() {
        let shown = between(&hook("s3cr3t", "a"), &hook("0ther", "a")).unwrap();
        let shown = without_colours(&shown);
        assert!(shown.contains("-   secret: (hidden)\n"), "{shown}");
        assert!(shown.contains("+   secret: (hidden, another one)\n"), "{shown}");
        let made = without_colours(&from_nothing(&hook("s3cr3t", "a")).unwrap());
        assert!(made.contains("+   secret: (hidden)\n") && !made.contains("s3cr3t"), "{made}");
    }
}

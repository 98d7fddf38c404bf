//! What does SQS take, and what is a task to it?

use std::time::Duration;

use hooks::{
    digest::Digest,
    ports::{LONGEST_DELAY, Outgoing, PortError},
    task::Queue,
};

/// The largest message, and the largest sum of all messages of a request: 1 MiB.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// The longest name of a group.
const LONGEST_GROUP: usize = 128;

/// A task, as SQS is to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) queue: Queue,
    pub(crate) body: String,
    pub(crate) delay_seconds: i32,
    pub(crate) group: String,
}

/// Why SQS would never take a task.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("a delay of {0:?} is longer than {LONGEST_DELAY:?}")]
    Delay(Duration),
    #[error("a task of {0} bytes is larger than {MOST_BYTES}")]
    Size(usize),
}

impl From<Unfit> for PortError {
    fn from(unfit: Unfit) -> Self {
        Self::Corrupt { what: "a task for the queue", source: unfit.into() }
    }
}

impl TryFrom<Outgoing> for Entry {
    type Error = Unfit;

    fn try_from(outgoing: Outgoing) -> Result<Self, Unfit> {
        let Outgoing { queue, task, delay, group } = outgoing;
        let delay_seconds = delay_seconds(delay)?;
        let body = sendable(task.encode());
        if body.len() > MOST_BYTES {
            return Err(Unfit::Size(body.len()));
        }
        Ok(Self { queue, body, delay_seconds, group: group_id(group) })
    }
}

/// Whole seconds, rounded up: nothing is handed out early.
fn delay_seconds(delay: Duration) -> Result<i32, Unfit> {
    if delay > LONGEST_DELAY {
        return Err(Unfit::Delay(delay));
    }
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    Ok(i32::try_from(seconds).expect("at most LONGEST_DELAY"))
}

/// The same JSON without the two characters that JSON allows and SQS refuses. They can only stand
/// in a string, so that their escapes mean the same.
fn sendable(json: String) -> String {
    if !json.contains(['\u{fffe}', '\u{ffff}']) {
        return json;
    }
    json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
}

/// The group under a name that SQS takes: the group's own, where that is one.
fn group_id(group: String) -> String {
    let is_short = (1..=LONGEST_GROUP).contains(&group.len());
    if is_short && group.bytes().all(|byte| byte.is_ascii_graphic()) {
        return group;
    }
    Digest::of_texts([group.as_str()]).to_string()
}

#[cfg(test)]
mod tests {
    use hooks::event::Event;
    use serde_json::json;
    use testkit::builders::{data, dispatch, event, outgoing};

    use super::*;

    #[test]
    fn a_delay_is_rounded_up_and_never_beyond_the_longest() {
        let nano = Duration::from_nanos(1);
        for (name, delay, expected) in [
            ("none", Duration::ZERO, Ok(0)),
            ("next to none", nano, Ok(1)),
            ("whole seconds", Duration::from_secs(5), Ok(5)),
            ("a little more", Duration::from_secs(5) + nano, Ok(6)),
            ("the longest", LONGEST_DELAY, Ok(900)),
            ("just below it", LONGEST_DELAY.saturating_sub(nano), Ok(900)),
            ("just beyond it", LONGEST_DELAY + nano, Err(Unfit::Delay(LONGEST_DELAY + nano))),
            ("far beyond it", Duration::MAX, Err(Unfit::Delay(Duration::MAX))),
        ] {
            assert_eq!(delay_seconds(delay), expected, "{name}");
        }
    }

    #[test]
    fn what_sqs_refuses_is_escaped_and_reads_the_same() {
        for (name, text) in [
            ("ordinary text", "consumer \"é\" \u{1f980}"),
            ("control characters", "\u{0}\u{1}\u{1f}\u{7f}\u{85}"),
            ("the ends of the plane", "\u{d7ff}\u{e000}\u{fffd}"),
            ("what SQS refuses", "\u{fffe} and \u{ffff}"),
            ("an escape that is text", "\\uffff and \u{ffff}"),
        ] {
            let json = json!({text: [text]});
            let sent = sendable(json.to_string());
            assert!(sent.chars().all(is_taken), "{name}: {sent:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&sent).unwrap(), json, "{name}");
        }
    }

    /// What the documentation of `SendMessage` says.
    fn is_taken(character: char) -> bool {
        matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
            || character >= '\u{10000}'
    }

    #[test]
    fn a_group_keeps_its_name_where_sqs_takes_it_and_its_identity_elsewhere() {
        let longest = "w".repeat(LONGEST_GROUP);
        for (name, group, is_kept) in [
            ("a workspace", "my.work~space_1", true),
            ("a hook", "0192d0c2-7d8e-7c3a-9f30-2b1f6a8f3c11", true),
            ("the longest", longest.as_str(), true),
            ("one longer", &format!("{longest}w"), false),
            ("none", "", false),
            ("with a space", "a b", false),
            ("beyond ASCII", "münchen", false),
        ] {
            let id = group_id(group.to_owned());
            assert_eq!(id == group, is_kept, "{name}: {id}");
            assert!((1..=LONGEST_GROUP).contains(&id.len()), "{name}: {id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {id}");
        }
        assert_ne!(group_id("a b".into()), group_id("a c".into()));
        assert_eq!(group_id("a b".into()), group_id("a b".into()));
    }

    #[test]
    fn a_task_that_sqs_never_takes_is_refused() {
        let filled = |filler: usize| {
            let data = data(json!({"filler": "x".repeat(filler)}));
            dispatch(Event { data, ..event() })
        };
        let bare = filled(0).encode().len();
        let entry = |bytes: usize| Entry::try_from(outgoing(filled(bytes - bare)));
        assert_eq!(entry(MOST_BYTES).unwrap().body.len(), MOST_BYTES);
        assert_eq!(entry(MOST_BYTES + 1).unwrap_err(), Unfit::Size(MOST_BYTES + 1));
    }
}

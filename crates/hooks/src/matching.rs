//! Does this hook listen to this event, and under which name?
//!
//! One change of an entity has three names, whichever of them the gateway posts: `dao:crud` /
//! `create` of schema `consumers`, `crud` / `consumers`, and `crud` / `consumers:create`. A
//! hook sees the name that it registered; where its event is null, `crud` hooks see the
//! schema's name, `dao:crud` hooks the operation, and all others the name that was posted.

use serde::Serialize;

use crate::{
    event::Event,
    hook::EventHook,
    name::{EventName, SourceName},
};

/// One of the three things that can happen to an entity.
const OPERATIONS: [&str; 3] = ["create", "update", "delete"];

/// Why a hook does not listen to an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Unmatched {
    /// It was made in another workspace.
    Workspace,
    /// The event is about a change of the hook itself.
    Itself,
    /// It listens to another source.
    Source {
        /// The event's source that comes closest to the hook's.
        nearest: SourceName,
    },
    /// It listens to another event of the source.
    Event {
        /// The event's name that comes closest to the hook's.
        nearest: EventName,
    },
}

/// All names of an event. Within a source, the name that a hook without an event sees comes
/// first.
pub fn names(event: &Event) -> Vec<(SourceName, EventName)> {
    let posted = (event.source.clone(), event.event.clone());
    let Some(Change { schema, operation }) = Change::of(event) else {
        return vec![posted];
    };
    let name = |source: &str, event: &str| {
        Some((SourceName::parse(source).ok()?, EventName::parse(event).ok()?))
    };
    let with_operation = operation.and_then(|it| name("crud", &format!("{schema}:{it}")));
    let of_dao = operation.and_then(|it| name("dao:crud", it));
    let mut names: Vec<_> =
        [name("crud", schema), with_operation, of_dao].into_iter().flatten().collect();
    // A schema whose name is too long for a name of its own keeps the one it was posted by.
    if !names.contains(&posted) {
        names.insert(0, posted);
    }
    names
}

/// The sources under which an event may be known: where its hooks are to be looked up.
pub fn sources(event: &Event) -> Vec<SourceName> {
    let mut sources: Vec<_> = names(event).into_iter().map(|(source, _)| source).collect();
    sources.dedup();
    sources
}

/// The name under which the hook sees the event, if it listens to it at all.
pub fn seen(hook: &EventHook, event: &Event) -> Result<EventName, Unmatched> {
    if !hook.sees(&event.workspace) {
        return Err(Unmatched::Workspace);
    }
    if is_about(event, hook) {
        return Err(Unmatched::Itself);
    }
    let names = names(event);
    let mut of_source = names.iter().filter(|(source, _)| *source == hook.draft.source).peekable();
    if of_source.peek().is_none() {
        return Err(Unmatched::Source { nearest: nearest(&hook.draft.source, names, |it| it.0) });
    }
    match &hook.draft.event {
        None => Ok(of_source.next().expect("peeked").1.clone()),
        Some(wanted) if of_source.clone().any(|(_, event)| event == wanted) => Ok(wanted.clone()),
        Some(wanted) => {
            let of_source = of_source.cloned().collect();
            Err(Unmatched::Event { nearest: nearest(wanted, of_source, |it| it.1) })
        }
    }
}

/// Is it a change of this very hook? A hook does not hear of those, or it would greet itself.
fn is_about(event: &Event, hook: &EventHook) -> bool {
    let id = || event.data.get("entity")?.get("id")?.as_str();
    Change::of(event).is_some_and(|it| it.schema == "event_hooks")
        && id().is_some_and(|id| id == hook.id.to_string())
}

fn nearest<T: ToString>(
    wanted: &impl ToString,
    names: Vec<(SourceName, EventName)>,
    part: fn((SourceName, EventName)) -> T,
) -> T {
    let wanted = wanted.to_string();
    names
        .into_iter()
        .map(part)
        .min_by_key(|it| strsim::levenshtein(&it.to_string(), &wanted))
        .expect("an event has at least the name it was posted by")
}

/// A change of an entity: what was changed, and how, where the event says so.
struct Change<'a> {
    schema: &'a str,
    operation: Option<&'a str>,
}

impl<'a> Change<'a> {
    fn of(event: &'a Event) -> Option<Self> {
        let operation = |text: &'a str| OPERATIONS.contains(&text).then_some(text);
        match event.source.as_str() {
            "dao:crud" => Some(Self {
                schema: event.data.text("schema").filter(|it| !it.is_empty())?,
                operation: Some(operation(event.event.as_str())?),
            }),
            "crud" => {
                let posted = event.event.as_str();
                let with_operation = posted
                    .rsplit_once(':')
                    .and_then(|(schema, it)| Some((schema, operation(it)?)))
                    .filter(|(schema, _)| !schema.is_empty());
                Some(match with_operation {
                    Some((schema, it)) => Self { schema, operation: Some(it) },
                    None => Self {
                        schema: posted,
                        operation: event.data.text("operation").and_then(operation),
                    },
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::{event::Order, handler::Handler, hook::Draft, name::Workspace, time::Timestamp};

    fn event(workspace: &str, source: &str, name: &str, data: &Value) -> Event {
        Event {
            id: Uuid::nil().into(),
            order: Order {
                accepted: Timestamp::from_millis(0),
                request: Uuid::nil().into(),
                index: 0,
            },
            workspace: Workspace::parse(workspace).unwrap(),
            source: SourceName::parse(source).unwrap(),
            event: EventName::parse(name).unwrap(),
            data: data.as_object().unwrap().clone().into(),
            key: None,
            time: None,
            pid: None,
            trace: None,
        }
    }

    fn hook(workspace: &str, source: &str, name: Option<&str>) -> EventHook {
        let draft = Draft {
            source: SourceName::parse(source).unwrap(),
            event: name.map(|it| EventName::parse(it).unwrap()),
            handler: Handler::Log {},
            on_change: None,
            snooze: None,
            enabled: None,
            group_by: None,
            filter: None,
        };
        let workspace = Workspace::parse(workspace).unwrap();
        draft.into_hook(Uuid::nil().into(), workspace, Timestamp::from_millis(0))
    }

    #[test]
    fn one_change_has_three_names_whichever_is_posted() {
        let data = json!({"operation": "create", "schema": "consumers", "entity": {}});
        for (source, name) in
            [("dao:crud", "create"), ("crud", "consumers"), ("crud", "consumers:create")]
        {
            let event = event("default", source, name, &data);
            for (source, wanted, sees) in [
                ("crud", Some("consumers"), Some("consumers")),
                ("crud", Some("consumers:create"), Some("consumers:create")),
                ("crud", None, Some("consumers")),
                ("dao:crud", Some("create"), Some("create")),
                ("dao:crud", None, Some("create")),
                ("crud", Some("consumers:delete"), None),
                ("crud", Some("routes"), None),
                ("dao:crud", Some("update"), None),
                ("balancer", None, None),
            ] {
                let seen = seen(&hook("default", source, wanted), &event).ok();
                let seen = seen.as_ref().map(EventName::as_str);
                assert_eq!(seen, sees, "posted {name}, hook {source}/{wanted:?}");
            }
        }
    }

    #[test]
    fn what_an_event_does_not_say_does_not_match() {
        for (name, posted, data, source, wanted, sees) in [
            (
                "a change without an operation has no name in dao:crud",
                ("crud", "consumers"),
                json!({}),
                "dao:crud",
                None,
                None,
            ),
            ("… but its own", ("crud", "consumers"), json!({}), "crud", None, Some("consumers")),
            (
                "an operation nobody knows is none",
                ("crud", "consumers"),
                json!({"operation": "upsert"}),
                "dao:crud",
                None,
                None,
            ),
            (
                "a name's operation wins over the data's",
                ("crud", "consumers:create"),
                json!({"operation": "delete"}),
                "dao:crud",
                None,
                Some("create"),
            ),
            (
                "dao:crud without a schema has its own name alone",
                ("dao:crud", "create"),
                json!({}),
                "dao:crud",
                None,
                Some("create"),
            ),
            ("… and none in crud", ("dao:crud", "create"), json!({}), "crud", None, None),
            (
                "a colon that names no operation belongs to the schema",
                ("crud", "a:b"),
                json!({"operation": "create"}),
                "crud",
                Some("a:b:create"),
                Some("a:b:create"),
            ),
            (
                "other sources see what was posted",
                ("balancer", "health"),
                json!({}),
                "balancer",
                None,
                Some("health"),
            ),
        ] {
            let event = event("default", posted.0, posted.1, &data);
            let seen = seen(&hook("default", source, wanted), &event).ok();
            assert_eq!(seen.as_ref().map(EventName::as_str), sees, "{name}");
        }
    }

    #[test]
    fn hooks_see_their_own_workspace_and_those_of_the_default_one_all() {
        for (of_hook, of_event, sees) in [
            ("default", "default", true),
            ("default", "a", true),
            ("a", "a", true),
            ("a", "b", false),
            ("a", "default", false),
        ] {
            let event = event(of_event, "balancer", "health", &json!({}));
            let seen = seen(&hook(of_hook, "balancer", None), &event);
            assert_eq!(seen.is_ok(), sees, "hook of {of_hook}, event of {of_event}");
        }
    }

    #[test]
    fn what_does_not_match_says_what_comes_nearest() {
        let event = event("default", "crud", "consumers:create", &json!({}));
        assert_eq!(
            seen(&hook("default", "crud", Some("consumer:create")), &event),
            Err(Unmatched::Event { nearest: EventName::parse("consumers:create").unwrap() })
        );
        assert_eq!(
            seen(&hook("default", "dao", None), &event),
            Err(Unmatched::Source { nearest: SourceName::parse("crud").unwrap() })
        );
    }
}

//! What do events look like, and what is answered to them? For `GET /openapi.json`.

use std::borrow::Cow;

use hooks::{explain::Explainer, gate::FireReason};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{EXPLAIN, LONGEST_KEY, event::LONGEST_ID, posted::MOST_EVENTS};
use crate::{
    auth::{Needs, ToEmit, ToRead},
    openapi::{
        Answer, Components, Operation, Refused, Tag, Wanted, parameters,
        schema::{self, Member, about, described, one_of, open, record, uuid, visible},
    },
};

/// `POST /events`
pub(super) fn describe_post() -> Operation {
    let elsewhere = Answer::new(307, "With `explain=true`, where who takes events knows no hooks.")
        .header("Location", "Where to send the same request.");
    let taken = "Every event is on disk. With `explain=true`, that is 200 and an explanation.";
    let explain = "Says what would become of the events, for those who may look, and does nothing.";
    let exception = format!(
        "With `explain=true` it is the same as `POST {EXPLAIN}`: for {} instead of the roles in \
         `security`, of at most {} events, and nothing is done.",
        roles(Needs::of::<ToRead>()),
        Explainer::MOST_EVENTS,
    );
    let operation = Operation::new(Tag::Events, "postEvents", "Take events")
        .about(
            "A request is taken whole or not at all. An event is dropped where another one of its \
             `id`, workspace and source came within 24 hours.",
        )
        .about(&exception);
    reading(MOST_EVENTS, operation)
        .needing(Some(Needs::of::<ToEmit>()))
        .refused(&[Refused::TooMuch])
        .takes(parameters::in_query("explain", explain, &schema::boolean()))
        .answers::<Taken>(202, taken)
        .answers::<Explanation>(200, "With `explain=true`: what would become of the events.")
        .answers_with(elsewhere)
}

/// `POST /events/explain`
pub(super) fn describe_explain() -> Operation {
    let most = Explainer::MOST_EVENTS;
    let operation = Operation::new(Tag::Events, "explainEvents", "Say what would become of events")
        .about(&format!("Nothing is done. Of at most {most} events."));
    reading(most, operation).answers::<Explanation>(200, "What each hook would make of each event.")
}

/// What no schema says: OpenAPI has no range of media types such as `*+json`, and its bodies do not
/// depend on headers.
const BINARY: &str = "\
A CloudEvent in binary form has its attributes in `ce-` headers. Its body is its data, an object in \
`application/json`, any type that ends with `+json`, or no type; or nothing at all. Without \
these headers there must be a body.";

fn visible_ascii() -> Value {
    json!({"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": LONGEST_KEY})
}

/// The roles that are let in, for a sentence.
fn roles(needs: Needs) -> String {
    let names: Vec<_> = needs.roles().map(|it| format!("`{}`", it.as_str())).collect();
    names.join(" or ")
}

/// An operation on at most so many events, in any of their forms.
fn reading(most: usize, operation: Operation) -> Operation {
    let event = Event::example();
    let lines = format!("{event}\n");
    let cloud_event = CloudEvent::example();
    let attribute = || json!({"type": "string"});
    let key = "Makes two requests the same.";
    let key = parameters::in_header("Idempotency-Key", key, &visible_ascii());
    let mut operation = operation.about(BINARY).takes(key);
    for name in ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"] {
        let what = "An attribute of a CloudEvent in binary form.";
        operation = operation.takes(parameters::in_header(name, what, &attribute()));
    }
    operation = operation.reads_as("application/json", move |it| in_json(most, it), event);
    for content_type in ["application/x-ndjson", "application/ndjson", "application/jsonl"] {
        operation = operation.reads_as(content_type, move |_| lines_of(most), lines.clone().into());
    }
    operation
        .reads_as("application/cloudevents+json", Components::wanted::<CloudEvent>, cloud_event)
        .reads_as(
            "application/cloudevents-batch+json",
            move |components| schema::list(most, &components.wanted::<CloudEvent>()),
            json!([CloudEvent::example()]),
        )
        .or_no_body()
        .refused(&[Refused::BadEvents, Refused::TooLarge, Refused::UnknownKind])
}

/// An event, a list of them, or what stands beside an event's attributes.
fn in_json(most: usize, components: &mut Components) -> Value {
    let event = components.wanted::<Event>();
    let mut data = about(json!({"type": "object"}), "With the attributes in `ce-` headers.");
    data["title"] = "data of a CloudEvent in binary form".into();
    json!({"anyOf": [event, schema::list(most, &event), data]})
}

fn lines_of(most: usize) -> Value {
    about(json!({"type": "string"}), &format!("An event a line, at most {most}."))
}

fn id() -> Value {
    visible(LONGEST_ID)
}

/// An event in the form of this system.
struct Event;

impl Wanted for Event {
    const NAME: &'static str = "Event";

    fn schema() -> Value {
        let names = || {
            [Member::required("source", schema::name()), Member::required("event", schema::name())]
        };
        let pid = json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX});
        let mut nested = record(names().into_iter().chain([
            Member::required("data", json!({"type": "object"})),
            Member::optional("id", &about(id(), "Makes two posts the same event.")),
            Member::optional("time", &schema::moment()),
            Member::optional("pid", &pid),
        ]));
        nested["title"] = "nested".into();
        let mut flat = open(record(names()));
        flat["title"] = "flat".into();
        flat["description"] = "All but `source` and `event` is its data.".into();
        flat["not"] = json!({
            "required": ["data"],
            "properties": {"data": {"type": "object"}},
        });
        json!({"oneOf": [nested, flat], "description": "The catalog has to know it."})
    }

    fn example() -> Value {
        json!({
            "source": "crud",
            "event": "consumers",
            "data": {"operation": "create", "entity": {"username": "Ada Lovelace"}},
        })
    }
}

/// An event of CloudEvents 1.0, structured.
struct CloudEvent;

impl Wanted for CloudEvent {
    const NAME: &'static str = "CloudEvent";

    fn schema() -> Value {
        let mut event = open(record([
            Member::required("specversion", one_of(["1.0"])),
            Member::required("source", schema::name()),
            Member::required("type", schema::name()),
            Member::required("id", id()),
            Member::optional("time", &schema::moment()),
            Member::optional("data", &json!({"type": "object"})),
            Member::optional(
                "data_base64",
                &about(
                    json!({"type": "string", "format": "json-object-in-base64"}),
                    "Instead of `data`.",
                ),
            ),
        ]));
        event["description"] = "`source` and `type` as the catalog has them.".into();
        event["not"] = json!({
            "required": ["data", "data_base64"],
            "properties": {"data": {"type": "object"}, "data_base64": {"type": "string"}},
        });
        event
    }

    fn example() -> Value {
        json!({
            "specversion": "1.0",
            "id": "c-3",
            "source": "crud",
            "type": "routes",
            "data": {"operation": "delete"},
        })
    }
}

/// The answer for events that were taken.
#[derive(serde::Serialize, JsonSchema)]
#[schemars(rename = "EventsTaken")]
pub(super) struct Taken {
    /// How many.
    pub(super) accepted: usize,
    /// Theirs, in order.
    #[schemars(with = "Vec<schema::Id>")]
    pub(super) ids: Vec<hooks::id::OccurrenceId>,
}

/// What would become of events.
struct Explanation;

impl JsonSchema for Explanation {
    fn schema_name() -> Cow<'static, str> {
        "Explanation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let event = open(record([
            Member::required("index", about(number(), "Its place in the request.")),
            Member::required("source", schema::name()),
            Member::required("event", schema::name()),
            Member::required(
                "hooks",
                json!({
                    "type": "array", "maxItems": Explainer::MOST_HOOKS, "items": {"oneOf": outcomes()},
                }),
            ),
            Member::required("more", about(schema::boolean(), "Are there hooks not shown?")),
        ]));
        let data = json!({"type": "array", "items": event});
        described(&open(record([Member::required("data", data)])))
    }
}

fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// What a hook may make of an event.
fn outcomes() -> Vec<Value> {
    let outcome = |name: &'static str, more: Vec<Member>| {
        let head = [Member::required("hook", uuid()), Member::required("outcome", one_of([name]))];
        open(record(head.into_iter().chain(more)))
    };
    let seen_as = || Member::required("seen_as", schema::name());
    let nearest = || Member::required("nearest", schema::name());
    let because =
        |reasons: &[&'static str]| Member::required("reason", one_of(reasons.iter().copied()));
    let fires = json!({"enum": FireReason::ALL});
    let until = json!({"type": "string", "format": "date-time"});
    vec![
        outcome("would_fire", vec![seen_as(), Member::required("reason", fires)]),
        outcome(
            "held",
            vec![
                seen_as(),
                Member::required("gate", one_of(["on_change", "snooze"])),
                because(&["unchanged", "stale", "snoozed"]),
                Member::sometimes("until", until),
            ],
        ),
        outcome("filtered", vec![seen_as()]),
        outcome("parked", vec![seen_as()]),
        outcome("unmatched", vec![because(&["source", "event"]), nearest()]),
        outcome("unmatched", vec![because(&["workspace", "itself"])]),
    ]
}

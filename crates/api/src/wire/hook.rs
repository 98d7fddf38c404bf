//! Which hook does somebody want? From the decoded object to a [`Draft`], with everything that is
//! wrong with it.

use hooks::{
    filter::Filter,
    handler::{HandlerKind, Secrets},
    hook::{Draft, EventHook, Snooze},
    id::HookId,
    name::{EventName, SourceName},
    time::Timestamp,
    violation::Violations,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    arguments::Arguments,
    config,
    fields::{Read, Record, array, boolean, integer, parsed, text, wrong},
    infer::{FieldType, Fields},
};

/// A hook as a request asks for it.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The id, where the caller chose one.
    pub(crate) id: Option<HookId>,
    /// When it was made, where the caller brings it from elsewhere.
    pub(crate) created_at: Option<Timestamp>,
    /// Everything else.
    pub(crate) draft: Draft,
}

/// What a deployment fills in where a hook does not say.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    /// Are receivers' certificates checked?
    pub ssl_verify: bool,
}

/// The longest name of a member in `group_by`.
pub(super) const LONGEST_MEMBER: usize = 255;
/// How many members `group_by` may name.
pub(super) const MOST_MEMBERS: usize = 16;
/// The end of the year 9999, in seconds.
pub(crate) const END_OF_TIME: i64 = 253_402_300_799;

/// The hook that the arguments of a POST or PUT describe.
pub(crate) fn wanted(arguments: Arguments, defaults: Defaults) -> Result<Wanted, Violations> {
    let kind = arguments.text("handler").and_then(HandlerKind::parse);
    read(arguments.into_fields(fields(kind)), defaults)
}

/// What the arguments of a PATCH make of a hook. Records are merged member by member; maps and
/// lists are replaced whole; null resets to the default. Another handler's configuration is not
/// inherited.
pub(crate) fn changed(
    arguments: Arguments,
    hook: &EventHook,
    defaults: Defaults,
) -> Result<Draft, Violations> {
    let present = hook.draft.handler.kind();
    let kind = arguments.text("handler").map_or(Some(present), HandlerKind::parse);
    let changes = arguments.into_fields(fields(kind));
    let wanted = read(merged(hook, changes, kind == Some(present)), defaults)?;
    let seconds = hook.created_at.as_seconds();
    if wanted.created_at.is_some_and(|it| it.as_seconds() != seconds) {
        return Err(Violations::one("created_at", "cannot be changed"));
    }
    Ok(wanted.for_id(hook.id)?.draft)
}

impl Wanted {
    /// The same hook under the id in the path, which no other id in the body may contradict.
    pub(crate) fn for_id(self, id: HookId) -> Result<Self, Violations> {
        match self.id {
            Some(other) if other != id => Err(Violations::one("id", "must be the id in the path")),
            _ => Ok(Self { id: Some(id), ..self }),
        }
    }
}

fn merged(
    hook: &EventHook,
    mut changes: Map<String, Value>,
    same_handler: bool,
) -> Map<String, Value> {
    let mut fields = hook.view(Secrets::Shown);
    for identity in ["id", "created_at", "updated_at"] {
        fields.shift_remove(identity);
    }
    if !same_handler {
        fields.shift_remove("config");
    }
    match (fields.get_mut("config"), changes.shift_remove("config")) {
        (Some(Value::Object(config)), Some(Value::Object(more))) => config.extend(more),
        (_, Some(other)) => drop(fields.insert("config".into(), other)),
        (_, None) => {}
    }
    fields.extend(changes);
    fields
}

fn read(members: Map<String, Value>, defaults: Defaults) -> Result<Wanted, Violations> {
    let kind = handler(&members)?;
    let mut violations = Violations::default();
    let mut hook = Record::new("", members, &mut violations);

    let id = hook.optional("id", parsed(|text| uuid(text).ok_or("expected a valid UUID")));
    let created_at = hook.optional("created_at", integer(0, END_OF_TIME));
    hook.optional("updated_at", integer(0, END_OF_TIME));
    hook.optional("handler", |_| Ok(()));
    let source = hook.required("source", parsed(SourceName::parse));
    let event = hook.optional("event", parsed(EventName::parse));
    let on_change = hook.optional("on_change", boolean);
    let snooze = hook.optional("snooze", snooze);
    let enabled = hook.optional("enabled", boolean);
    let group_by = hook.optional("group_by", array(MOST_MEMBERS, text(LONGEST_MEMBER)));
    let filter = hook.optional("filter", filter);
    let config = hook.record("config");
    hook.finish();

    let handler = config.and_then(|it| config::read(kind, it, defaults, &mut violations));
    let (Some(source), Some(handler)) = (source, handler) else { return Err(violations) };
    violations.into_result()?;
    let draft = Draft { source, event, handler, on_change, snooze, enabled, group_by, filter };
    Ok(Wanted {
        id: id.map(HookId::from),
        created_at: created_at.map(Timestamp::from_seconds),
        draft,
    })
}

/// The handler decides which configuration there can be: without one, nothing else is judged.
fn handler(members: &Map<String, Value>) -> Result<HandlerKind, Violations> {
    let refuse = |message: &str| Err(Violations::one("handler", message));
    match members.get("handler") {
        None | Some(Value::Null) => refuse("required field missing"),
        Some(Value::String(name)) => match HandlerKind::parse(name) {
            Some(kind) => Ok(kind),
            None => refuse(&format!("unknown type: {name}")),
        },
        Some(_) => refuse("expected a string"),
    }
}

/// A UUID in its usual notation; the others that parsers know are not taken.
pub(crate) fn uuid(text: &str) -> Option<Uuid> {
    const HYPHENATED: usize = 36;
    Uuid::try_parse(text).ok().filter(|_| text.len() == HYPHENATED)
}

fn snooze(value: Value) -> Read<Snooze> {
    let seconds = integer(0, u32::MAX.into())(value)?;
    Ok(Snooze::seconds(u32::try_from(seconds).unwrap_or(u32::MAX)))
}

/// A pattern, or a text that holds one.
#[expect(clippy::needless_pass_by_value, reason = "readers take the value that they read")]
fn filter(value: Value) -> Read<Filter> {
    match &value {
        Value::String(text) => text.parse(),
        other => Filter::parse(other),
    }
    .map_err(wrong)
}

/// The fields of a hook with this handler, as forms are inferred by them.
pub fn fields(handler: Option<HandlerKind>) -> Fields {
    const TEXT: FieldType = FieldType::String;
    const TEXTS: FieldType = FieldType::Array(&TEXT);
    const TEXT_BY_NAME: FieldType = FieldType::Map(&TEXT);
    const FLAG: FieldType = FieldType::Boolean;
    const fn with(config: Fields) -> [(&'static str, FieldType); 12] {
        [
            ("id", TEXT),
            ("created_at", FieldType::Integer),
            ("updated_at", FieldType::Integer),
            ("source", TEXT),
            ("event", TEXT),
            ("handler", TEXT),
            ("on_change", FLAG),
            ("snooze", FieldType::Integer),
            ("enabled", FLAG),
            ("group_by", TEXTS),
            // Forms have it as JSON in a text.
            ("filter", TEXT),
            ("config", FieldType::Record(config)),
        ]
    }
    static WEBHOOK: [(&str, FieldType); 12] = with(&[
        ("url", TEXT),
        ("headers", TEXT_BY_NAME),
        ("secret", TEXT),
        ("ssl_verify", FLAG),
        ("format", TEXT),
    ]);
    static WEBHOOK_CUSTOM: [(&str, FieldType); 12] = with(&[
        ("url", TEXT),
        ("method", TEXT),
        ("headers", TEXT_BY_NAME),
        ("headers_format", FLAG),
        ("payload", TEXT_BY_NAME),
        ("payload_format", FLAG),
        ("body", TEXT),
        ("body_format", FLAG),
        ("secret", TEXT),
        ("ssl_verify", FLAG),
        ("template_engine", TEXT),
    ]);
    static LAMBDA: [(&str, FieldType); 12] = with(&[("functions", TEXTS)]);
    static OTHER: [(&str, FieldType); 12] = with(&[]);
    match handler {
        Some(HandlerKind::Webhook) => &WEBHOOK,
        Some(HandlerKind::WebhookCustom) => &WEBHOOK_CUSTOM,
        Some(HandlerKind::Lambda) => &LAMBDA,
        Some(HandlerKind::Log) | None => &OTHER,
    }
}

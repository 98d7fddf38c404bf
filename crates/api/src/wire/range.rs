//! Which deliveries does somebody want to be sent again? From the decoded object to a [`Range`].

use hooks::{
    delivery::Status,
    replay::{Range, Replays},
    violation::Violations,
};
use serde_json::{Value, json};

use super::{
    arguments::Arguments,
    fields::{Read, Record, array, moment, parsed},
    infer::{FieldType, Fields},
};
use crate::openapi::{
    Wanted,
    schema::{self, Member, about, list, one_of, record},
};

const FIELDS: Fields = &[
    ("since", FieldType::String),
    ("until", FieldType::String),
    ("status", FieldType::Array(&FieldType::String)),
];

/// A range as it is asked for.
pub(crate) struct RangeWanted;

impl Wanted for RangeWanted {
    const NAME: &'static str = "RangeWanted";

    fn schema() -> Value {
        let status = one_of(Replays::STATUSES.map(Status::as_str));
        let several = list(Status::ALL.len(), &status);
        let usual = Replays::USUAL.map(Status::as_str).join(" and ");
        let statuses = json!({
            "description": format!("One, or a list. By default {usual}."),
            "anyOf": [several, status],
        });
        record([
            Member::required("since", schema::moment()),
            Member::optional("until", &about(schema::moment(), "After `since`.")),
            Member::optional("status", &statuses),
        ])
    }

    fn example() -> Value {
        json!({"since": "2026-11-21T10:00:00Z", "status": ["parked"]})
    }
}

/// The range that the arguments of a request describe.
pub(crate) fn wanted(arguments: Arguments) -> Result<Range, Violations> {
    let mut violations = Violations::default();
    let mut range = Record::new("", arguments.into_fields(FIELDS), &mut violations);
    let since = range.required("since", moment);
    let until = range.optional("until", moment);
    let statuses = range.optional("status", statuses);
    range.finish();

    if since.zip(until).is_some_and(|(since, until)| until <= since) {
        violations.add("until", "must be after since");
    }
    let Some(since) = since else { return Err(violations) };
    let statuses = statuses.unwrap_or_else(|| Replays::USUAL.into());
    violations.into_result().map(|()| Range { since, until, statuses })
}

/// One status, or a list of them.
fn statuses(value: Value) -> Read<Vec<Status>> {
    match value {
        Value::Array(_) => array(Status::ALL.len(), status)(value),
        one => status(one).map(|status| vec![status]),
    }
}

fn status(value: Value) -> Read<Status> {
    parsed(|name| {
        let status = Replays::STATUSES.into_iter().find(|status| status.as_str() == name);
        let all = Replays::STATUSES.map(Status::as_str).join(", ");
        status.ok_or(format!("expected one of: {all}"))
    })(value)
}

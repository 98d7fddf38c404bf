//! How is it shown what came of running a handler on request?

use std::collections::BTreeMap;

use hooks::delivery::{HandlerResult, LogLevel, Outcome, Report};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::openapi::schema;

/// Headers by their names.
pub(crate) type Headers = BTreeMap<String, String>;

/// A line that a script logged.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what is shown is the line itself")]
pub(crate) struct LoggedLine {
    #[schemars(schema_with = "levels")]
    level: LogLevel,
    text: String,
}

fn levels(_: &mut SchemaGenerator) -> Schema {
    schema::named(&LogLevel::ALL)
}

/// What came of running a handler.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "what is shown is made from the report")]
pub(crate) enum Came {
    /// What the receiver answered, with the beginning of its body.
    Answered { status: u16, headers: Headers, body: String },
    /// What functions returned and logged.
    Returned { returns: Vec<Value>, logs: Vec<LoggedLine> },
    /// `log` wrote it.
    Logged(bool),
    /// It did not come that far.
    Nothing(()),
}

/// What is shown of a run.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what is shown is made from the report")]
pub(crate) struct Shown {
    result: Came,
    /// Why the handler failed, where it did.
    #[schemars(skip_serializing_if = "Option::is_none", with = "String")]
    error: Option<String>,
}

/// A ping that the receiver did not take.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what is shown is made from the report")]
#[schemars(rename = "PingNotTaken")]
pub(crate) struct NotTaken {
    message: String,
    #[schemars(flatten)]
    came: Shown,
}

/// `result`, and `error` beside it where the handler failed.
pub(crate) fn shown(report: Report) -> Map<String, Value> {
    let result = match report.result {
        HandlerResult::Nothing => Value::Null,
        HandlerResult::Logged => Value::Bool(true),
        HandlerResult::Returned { returns, logs } => json!({"returns": returns, "logs": logs}),
        HandlerResult::Answered { status, headers, body } => {
            json!({"status": status, "headers": by_name(headers), "body": body})
        }
    };
    let mut shown = Map::from_iter([("result".to_owned(), result)]);
    if let Outcome::Failed(failure) = report.outcome {
        shown.insert("error".into(), failure.reason.into());
    }
    shown
}

/// Headers of one name are one list, as HTTP reads them.
pub(super) fn by_name(headers: Vec<(String, String)>) -> Map<String, Value> {
    let mut by_name = Map::new();
    for (name, value) in headers {
        let joined = match by_name.get(&name).and_then(Value::as_str) {
            Some(present) => format!("{present}, {value}"),
            None => value,
        };
        by_name.insert(name, joined.into());
    }
    by_name
}

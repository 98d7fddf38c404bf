//! How is it shown what came of running a handler on request?

use hooks::delivery::{HandlerResult, Outcome, Report};
use serde_json::{Map, Value, json};

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

//! What does an answer mean that is no success? From status and body to what people are told.

use http::StatusCode;
use serde_json::Value;

use crate::failure::{Failure, Kind};

/// What an answer of this status says, which has this text.
pub(super) fn failure(status: StatusCode, text: &str, has_token: bool) -> Failure {
    let body = serde_json::from_str::<Value>(text).unwrap_or_default();
    let message = body["message"].as_str();
    let told =
        || message.map_or_else(|| format!("the deployment answered {status}"), str::to_owned);
    match status {
        StatusCode::UNAUTHORIZED => unauthorized(has_token),
        StatusCode::FORBIDDEN => Failure::new(Kind::Refused, told())
            .hint("the token may not do this, or not in this workspace"),
        StatusCode::NOT_FOUND if message.is_some() => Failure::new(Kind::NotFound, told()),
        _ if message.is_some() => told_of(&body, &told()),
        _ => Failure::failed(told()).hint("is that an Event Hooks deployment? --url says where"),
    }
}

fn unauthorized(has_token: bool) -> Failure {
    let refused = |why| Failure::new(Kind::Refused, why);
    if has_token {
        refused("the token is not known here").hint("--token or EVENT_HOOKS_TOKEN says which")
    } else {
        refused("a token is needed here").hint("set EVENT_HOOKS_TOKEN, or say --token")
    }
}

/// A refusal with all that it says is wrong.
fn told_of(body: &Value, message: &str) -> Failure {
    let mut fields = Vec::new();
    if body["name"] == "schema violation" {
        leaves("", &body["fields"], &mut fields);
    }
    let events = body["errors"].as_array().into_iter().flatten().filter_map(|error| {
        let index = usize::try_from(error["index"].as_u64()?).ok()?;
        Some((index, error["message"].as_str()?.to_owned()))
    });
    Failure::failed(message).blaming(fields, events.collect())
}

/// Each field that is wrong, by its dotted name.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(message) => found.push((path.to_owned(), message.clone())),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            leaves(&path, value, found);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_an_exit_code_and_words() {
        let message = r#"{"message": "why"}"#;
        for (name, status, text, has_token, kind, words) in [
            ("no token", 401, message, false, Kind::Refused, "a token is needed here"),
            ("a wrong one", 401, message, true, Kind::Refused, "the token is not known here"),
            ("one that may not", 403, message, true, Kind::Refused, "why"),
            ("not there", 404, message, true, Kind::NotFound, "why"),
            (
                "somebody else",
                404,
                "<html>",
                true,
                Kind::Failed,
                "the deployment answered 404 Not Found",
            ),
            ("a conflict", 409, message, true, Kind::Failed, "why"),
            (
                "a redirect",
                301,
                "",
                true,
                Kind::Failed,
                "the deployment answered 301 Moved Permanently",
            ),
            ("a defect", 500, message, true, Kind::Failed, "why"),
        ] {
            let failure = failure(StatusCode::from_u16(status).unwrap(), text, has_token);
            assert_eq!((failure.kind, failure.summary()), (kind, words.to_owned()), "{name}");
        }
    }

    #[test]
    fn fields_and_events_that_are_wrong_are_named() {
        let text = r#"{"message": "two", "name": "schema violation", "fields":
            {"snooze": "no", "config": {"url": "bad", "functions": {"2": "worse"}}}}"#;
        let refused = failure(StatusCode::BAD_REQUEST, text, false);
        let expected = [("snooze", "no"), ("config.url", "bad"), ("config.functions.2", "worse")];
        assert_eq!(refused.fields, expected.map(|(name, why)| (name.to_owned(), why.to_owned())));

        let text = r#"{"message": "one", "errors": [{"index": 3, "message": "unknown"}]}"#;
        let refused = failure(StatusCode::BAD_REQUEST, text, false);
        assert_eq!(refused.events, [(3, "unknown".to_owned())]);
    }
}

//! Why a request was not done, in the gateway's words.
//!
//! A refusal says what its caller can do about it. What went wrong inside is logged here, once,
//! and never answered.

use std::{fmt::Display, time::Duration};

use axum::response::{IntoResponse, Response};
use hooks::{
    id::HookId, manage::ManageError, poison::PoisonError, ports::PortError, replay::ReplayError,
    violation::Violations,
};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::{answer, openapi::schema::Anything, wire::arguments::ArgumentsError};

/// The deepest that an answer nests what is wrong; names of callers have as many dots as they like.
const MOST_DOTS: usize = 16;

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// There is no such thing.
    NotFound,
    /// There is, but nobody can do this to it.
    MethodNotAllowed {
        /// What can be done to it.
        allow: HeaderValue,
    },
    /// There is no hook of this id to change.
    NothingToChange(HookId),
    /// An id in the path is none.
    InvalidKey,
    /// The entity cannot be as it was wanted.
    Violations(Violations),
    /// The id is taken.
    Taken(HookId),
    /// The size of a page is none.
    InvalidSize(&'static str),
    /// The offset of a page is none.
    InvalidOffset {
        /// As it came.
        offset: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The body could not be read.
    Arguments(ArgumentsError),
    /// No token, or none that is known.
    Unauthenticated,
    /// Too many tokens that are not known were shown from where this one comes from.
    TooManyGuesses {
        /// How long until the next one is looked at.
        wait: Duration,
    },
    /// The token does not allow it.
    Forbidden {
        /// The token's name.
        name: String,
        /// What was wanted, as a verb.
        verb: &'static str,
    },
    /// Any other reason, said in a sentence.
    Because(StatusCode, String),
    /// Any other reason, with an answer of its own.
    With(StatusCode, Value),
    /// No more events may wait than do already.
    QueueFull {
        /// How long until some more may.
        wait: Duration,
    },
    /// As much is being read as there is memory for.
    NoRoom {
        /// How long until there is some again.
        wait: Duration,
    },
    /// Something that is needed does not answer.
    Unavailable,
    /// A defect, or data that is broken.
    Unexpected,
}

/// Why a request was not done.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what is shown is made from the refusal")]
#[schemars(rename = "Refusal")]
pub(crate) struct Written {
    /// For people.
    message: String,
    /// What is wrong, as the gateway numbers it.
    #[schemars(skip_serializing_if = "Option::is_none", with = "u8")]
    code: Option<u8>,
    /// The same in words.
    #[schemars(skip_serializing_if = "Option::is_none", with = "String")]
    name: Option<String>,
    /// What is wrong with each field, nested as they are.
    #[schemars(skip_serializing_if = "Option::is_none", with = "Anything")]
    fields: Option<Value>,
}

impl Refusal {
    /// 400, for this reason.
    pub(crate) fn bad_request(reason: impl Display) -> Self {
        Self::Because(StatusCode::BAD_REQUEST, reason.to_string())
    }

    /// 413: a body of more than so many bytes.
    pub(crate) fn too_large(most: usize) -> Self {
        let reason = format!("the body is larger than {most} bytes");
        Self::Because(StatusCode::PAYLOAD_TOO_LARGE, reason)
    }

    /// 500. The error goes to the log, and nowhere else.
    pub(crate) fn unexpected(error: &dyn Display) -> Self {
        tracing::error!(%error, "request failed unexpectedly");
        Self::Unexpected
    }
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Conflict => {
                Self::Because(StatusCode::CONFLICT, "changed meanwhile, try again".into())
            }
            PortError::Unavailable { .. } => {
                tracing::warn!(%error, "request failed for now");
                Self::Unavailable
            }
            PortError::Corrupt { .. } => Self::unexpected(&error),
        }
    }
}

impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound(_) => Self::NotFound,
            ManageError::Taken(id) => Self::Taken(id),
            ManageError::Invalid(violations) => Self::Violations(violations),
            ManageError::NotPingable(_) => Self::bad_request(error),
            ManageError::Port(error) => error.into(),
        }
    }
}

impl From<ReplayError> for Refusal {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::NoHook(_) | ReplayError::NoDelivery(_) | ReplayError::NoRecovery(_) => {
                Self::NotFound
            }
            ReplayError::AnotherLife(_) | ReplayError::Disabled(_) => {
                Self::Because(StatusCode::CONFLICT, error.to_string())
            }
            ReplayError::Port(error) => error.into(),
        }
    }
}

impl From<PoisonError> for Refusal {
    fn from(error: PoisonError) -> Self {
        match error {
            PoisonError::NotFound(_) => Self::NotFound,
            PoisonError::NoTask(_) => Self::Because(StatusCode::CONFLICT, error.to_string()),
            PoisonError::Port(error) => error.into(),
        }
    }
}

impl From<ArgumentsError> for Refusal {
    fn from(error: ArgumentsError) -> Self {
        Self::Arguments(error)
    }
}

impl From<Violations> for Refusal {
    fn from(violations: Violations) -> Self {
        Self::Violations(violations)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let bad = |body: &Value| answer::json(StatusCode::BAD_REQUEST, body);
        match self {
            Self::NotFound => sentence(StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed { allow } => {
                let response = sentence(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
                with(response, header::ALLOW, allow)
            }
            Self::NothingToChange(id) => answer::json(StatusCode::NOT_FOUND, &nothing(id)),
            Self::InvalidKey => bad(&json!({
                "code": 1,
                "name": "invalid primary key",
                "message": "invalid primary key: '{id=\"expected a valid UUID\"}'",
                "fields": {"id": "expected a valid UUID"},
            })),
            Self::Violations(violations) => bad(&schema_violation(&violations)),
            Self::Taken(id) => bad(&json!({
                "code": 3,
                "name": "primary key violation",
                "message": format!("primary key violation on key '{{id=\"{id}\"}}'"),
                "fields": {"id": id},
            })),
            Self::InvalidSize(why) => {
                bad(&json!({"code": 9, "name": "invalid size", "message": why}))
            }
            Self::InvalidOffset { offset, why } => bad(&json!({
                "code": 7,
                "name": "invalid offset",
                "message": format!("'{offset}' is not a valid offset: {why}"),
            })),
            Self::Arguments(error) => not_understood(&error),
            Self::Unauthenticated => sentence(StatusCode::UNAUTHORIZED, "Invalid RBAC credentials"),
            Self::TooManyGuesses { wait } => later(wait, "too many wrong tokens, try again later"),
            Self::QueueFull { wait } => later(
                wait,
                "as many events wait to be dispatched as the setting queue_limit allows, nothing \
                 was accepted; try again later",
            ),
            Self::NoRoom { wait } => later(
                wait,
                "too much is being posted at once, nothing was accepted; try again later",
            ),
            Self::Forbidden { name, verb } => sentence(
                StatusCode::FORBIDDEN,
                &format!("{name}, you do not have permissions to {verb} this resource"),
            ),
            Self::Because(status, reason) => sentence(status, &reason),
            Self::With(status, body) => answer::json(status, &body),
            Self::Unavailable => {
                let reason = "a part of the service is unavailable, try again";
                let response = sentence(StatusCode::SERVICE_UNAVAILABLE, reason);
                with(response, header::RETRY_AFTER, HeaderValue::from_static("1"))
            }
            Self::Unexpected => {
                sentence(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error occurred")
            }
        }
    }
}

fn sentence(status: StatusCode, message: &str) -> Response {
    answer::json(status, &json!({"message": message}))
}

/// 429, until so much time is over.
fn later(wait: Duration, reason: &str) -> Response {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    let retry_after = HeaderValue::from_str(&seconds.to_string()).expect("digits are visible");
    with(sentence(StatusCode::TOO_MANY_REQUESTS, reason), header::RETRY_AFTER, retry_after)
}

fn with(mut response: Response, name: header::HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}

fn not_understood(error: &ArgumentsError) -> Response {
    match error {
        ArgumentsError::UnsupportedContentType => {
            StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()
        }
        ArgumentsError::ManyContentTypes => {
            (StatusCode::BAD_REQUEST, error.to_string()).into_response()
        }
        other => sentence(StatusCode::BAD_REQUEST, &other.to_string()),
    }
}

fn nothing(id: HookId) -> Value {
    json!({
        "code": 6,
        "name": "not found",
        "message": format!("could not find the entity with primary key '{{id=\"{id}\"}}'"),
        "fields": {"id": id},
    })
}

fn schema_violation(violations: &Violations) -> Value {
    let each: Vec<_> =
        violations.iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
    let count = match each.len() {
        1 => "schema violation".to_owned(),
        several => format!("{several} schema violations"),
    };
    let mut fields = Map::new();
    for violation in violations.iter() {
        nest(&mut fields, &violation.field, &violation.message);
    }
    json!({
        "code": 2,
        "name": "schema violation",
        "message": format!("{count} ({})", each.join("; ")),
        "fields": fields,
    })
}

/// Puts a message where its dotted field says. Where a record is wrong as a whole, what is wrong
/// within it is left to the sentence.
fn nest(fields: &mut Map<String, Value>, field: &str, message: &str) {
    let is_deep = field.matches('.').nth(MOST_DOTS).is_some();
    let (name, rest) = match field.split_once('.') {
        Some((name, rest)) if !is_deep && !name.is_empty() && !rest.is_empty() => {
            (name, Some(rest))
        }
        _ => (field, None),
    };
    match (rest, fields.get_mut(name)) {
        (Some(rest), Some(Value::Object(inner))) => nest(inner, rest, message),
        (_, Some(_)) => {}
        (None, None) => drop(fields.insert(name.to_owned(), message.into())),
        (Some(rest), None) => {
            let mut inner = Map::new();
            nest(&mut inner, rest, message);
            fields.insert(name.to_owned(), inner.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_nest_as_their_fields_do() {
        let mut violations = Violations::default();
        violations.add("snooze", "expected an integer");
        violations.add("config.url", "missing host in url");
        violations.add("config.functions.2", "expected a string");
        violations.add("config", "too long");
        assert_eq!(
            schema_violation(&violations)["fields"],
            json!({
                "config": "too long",
                "snooze": "expected an integer",
            }),
            "a record that is wrong as a whole comes first"
        );

        let mut violations = Violations::default();
        violations.add("config.functions.2", "expected a string");
        violations.add("config.url", "missing host in url");
        violations.add(".odd.", "unknown field");
        assert_eq!(
            schema_violation(&violations),
            json!({
                "code": 2,
                "name": "schema violation",
                "message": "3 schema violations (.odd.: unknown field; \
                    config.functions.2: expected a string; config.url: missing host in url)",
                "fields": {
                    ".odd.": "unknown field",
                    "config": {
                        "functions": {"2": "expected a string"},
                        "url": "missing host in url",
                    },
                },
            })
        );
    }
}

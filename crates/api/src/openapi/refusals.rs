//! In which ways can a request be refused, and how is that written?

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use super::schema::Components;
use crate::{error::Written, ingest::RefusedEvents};

/// A way to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// 400
    Unreadable,
    /// 400, with what is wrong with each event where they were looked at.
    BadEvents,
    /// 401
    Unknown,
    /// 403
    Foreign,
    /// 404
    NotFound,
    /// 408
    Late,
    /// 409
    Conflict,
    /// 413
    TooLarge,
    /// 415, without a body.
    UnknownForm,
    /// 415, with a reason.
    UnknownKind,
    /// 429
    Guessing,
    /// 429, where there is room for so many events only.
    TooMuch,
    /// 500
    Defect,
    /// 503
    Unavailable,
}

/// All of them, as components of the document.
pub(super) fn all(components: &mut Components) -> Map<String, Value> {
    const ALL: [Refused; 14] = [
        Refused::Unreadable,
        Refused::BadEvents,
        Refused::Unknown,
        Refused::Foreign,
        Refused::NotFound,
        Refused::Late,
        Refused::Conflict,
        Refused::TooLarge,
        Refused::UnknownForm,
        Refused::UnknownKind,
        Refused::Guessing,
        Refused::TooMuch,
        Refused::Defect,
        Refused::Unavailable,
    ];
    ALL.map(|it| (it.said().0.to_owned(), it.response(components))).into_iter().collect()
}

impl Refused {
    /// Its status.
    pub(super) fn status(self) -> u16 {
        self.said().1
    }

    /// Where the document says more of it.
    pub(super) fn reference(self) -> Value {
        json!({"$ref": format!("#/components/responses/{}", self.said().0)})
    }

    /// Its name in the document, its status, and when it happens.
    fn said(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::Unreadable => ("BadRequest", 400, "It cannot be as it was wanted."),
            Self::BadEvents => (
                "BadEvents",
                400,
                "Nothing was accepted. `errors` has the events to blame, if any; it is missing \
                 where the request was refused before its events were looked at.",
            ),
            Self::Unknown => ("Unauthorized", 401, "No token, or a wrong one."),
            Self::Foreign => (
                "Forbidden",
                403,
                "The token does not allow it, or not in this workspace. Where no token is \
                 configured: it was sent by a page of another site, or to another host.",
            ),
            Self::NotFound => {
                ("NotFound", 404, "There is no such thing, or not in this workspace.")
            }
            Self::Late => ("RequestTimeout", 408, "It took longer than 90 seconds."),
            Self::Conflict => ("Conflict", 409, "It cannot be done as things are."),
            Self::TooLarge => ("ContentTooLarge", 413, "It is larger than what is read."),
            Self::UnknownForm => {
                ("UnsupportedMediaType", 415, "The content type is not one that is read.")
            }
            Self::UnknownKind => {
                ("UnsupportedEvents", 415, "The content type is not one that is read.")
            }
            Self::Guessing => ("TooManyRequests", 429, "Too many wrong tokens were sent there."),
            Self::TooMuch => (
                "TooManyEvents",
                429,
                "Nothing was accepted. As many events wait to be dispatched as may, or more is \
                 being posted than there is memory for; or too many wrong tokens were sent there.",
            ),
            Self::Defect => ("InternalServerError", 500, "A defect; the server's log has more."),
            Self::Unavailable => ("ServiceUnavailable", 503, "A part of the service is away."),
        }
    }

    fn response(self, components: &mut Components) -> Value {
        let mut response = json!({"description": self.said().2});
        match self {
            Self::Late | Self::UnknownForm => {}
            Self::BadEvents => {
                let of_events = components.shown(SchemaGenerator::subschema_for::<RefusedEvents>);
                let of_requests = components.shown(SchemaGenerator::subschema_for::<Written>);
                response["content"] = in_json(&json!({"anyOf": [of_events, of_requests]}));
            }
            _ => {
                let written = components.shown(SchemaGenerator::subschema_for::<Written>);
                response["content"] = in_json(&written);
            }
        }
        if self.status() == 400 {
            // Of a request with two content types.
            response["content"]["text/plain"] = json!({"schema": {"type": "string"}});
        }
        if matches!(self, Self::Guessing | Self::TooMuch | Self::Unavailable) {
            response["headers"] = json!({"Retry-After": {
                "description": "After how many seconds it may be tried again.",
                "required": true,
                "schema": {"type": "integer", "minimum": 1},
            }});
        }
        response
    }
}

fn in_json(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

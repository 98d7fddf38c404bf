//! What does a body of the admin API say? Forms, multipart forms and JSON become one object.

use axum::body::Bytes;
use http::{HeaderMap, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use super::{
    form,
    infer::{Fields, infer},
    json, multipart,
    names::{Brackets, Node, Table, TooDeep},
};

/// The most arguments that a request may have.
pub const MOST_ARGUMENTS: usize = 1_000;

/// The arguments of a request, and whether they have types of their own.
#[derive(Debug, Clone, PartialEq)]
pub enum Arguments {
    /// From a form: texts, whose types are the fields' to say.
    Untyped(Map<String, Value>),
    /// From JSON, where text is text.
    Typed(Map<String, Value>),
}

/// Why a body was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// It has two content types, or more.
    #[error("Multiple Content-Type headers not allowed")]
    ManyContentTypes,
    /// It is of another kind, or of none.
    #[error("the content type is not supported")]
    UnsupportedContentType,
    /// More than [`MOST_ARGUMENTS`].
    #[error("Too many arguments")]
    TooMany,
    /// It is no JSON object.
    #[error("Cannot parse JSON body")]
    NotJson,
    /// It is no multipart form.
    #[error("Cannot parse multipart body: {0}")]
    NotMultipart(String),
    /// A part of a multipart form without a name.
    #[error("Cannot parse multipart body: a part has no name")]
    NamelessPart,
    /// Bytes that are no text.
    #[error("the body is not valid UTF-8")]
    NotUtf8,
    /// A name that nests too deep.
    #[error("an argument's name nests too deep")]
    TooDeep,
}

impl From<multer::Error> for ArgumentsError {
    fn from(error: multer::Error) -> Self {
        Self::NotMultipart(error.to_string())
    }
}

impl From<TooDeep> for ArgumentsError {
    fn from(_: TooDeep) -> Self {
        Self::TooDeep
    }
}

impl Arguments {
    /// Reads a request's body. A request without one has no arguments.
    pub async fn read(
        method: &Method,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Self, ArgumentsError> {
        match (content_type(headers)?, method) {
            (Some(json), _) if is(json, "application/json") => object(&body).map(Self::Typed),
            (Some(form), method) if is(form, "application/x-www-form-urlencoded") => {
                Ok(Self::Untyped(decode(form::arguments(&body)?, method)?))
            }
            (Some(multipart), method) if is(multipart, "multipart/form-data") => {
                Ok(Self::Untyped(decode(multipart::arguments(multipart, body).await?, method)?))
            }
            (None, _) if body.is_empty() => Ok(Self::Untyped(Map::new())),
            _ => Err(ArgumentsError::UnsupportedContentType),
        }
    }

    /// The arguments as the fields of a record.
    pub fn into_fields(self, fields: Fields) -> Map<String, Value> {
        match self {
            Self::Typed(members) => json::expand(members),
            Self::Untyped(mut members) => {
                infer(&mut members, fields);
                members
            }
        }
    }

    /// The arguments as they came.
    pub fn into_object(self) -> Map<String, Value> {
        match self {
            Self::Typed(members) | Self::Untyped(members) => members,
        }
    }

    /// An argument that is text, whatever it means.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (Self::Typed(members) | Self::Untyped(members)) = self;
        members.get(name)?.as_str()
    }
}

/// The content type of a request, if it has one; [`ArgumentsError::ManyContentTypes`] where it
/// has several.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<Option<&str>, ArgumentsError> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => {
            one.to_str().map(Some).map_err(|_| ArgumentsError::UnsupportedContentType)
        }
        (Some(_), Some(_)) => Err(ArgumentsError::ManyContentTypes),
    }
}

/// Is this the media type, whatever its parameters? The gateway compares in lower case only.
fn is(content_type: &str, media_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|it| it.trim() == media_type)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, ArgumentsError> {
    let text = str::from_utf8(body).map_err(|_| ArgumentsError::NotUtf8)?;
    let members: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| ArgumentsError::NotJson)?;
    let config = members.get("config").and_then(Value::as_object).map_or(0, Map::len);
    if members.len() + config > MOST_ARGUMENTS {
        return Err(ArgumentsError::TooMany);
    }
    Ok(members)
}

/// Puts arguments where their names say, those of one name together.
fn decode(
    arguments: Vec<(String, Value)>,
    method: &Method,
) -> Result<Map<String, Value>, ArgumentsError> {
    let brackets = match *method {
        Method::POST | Method::PUT | Method::PATCH => Brackets::Nest,
        _ => Brackets::Stay,
    };
    let mut by_name: Vec<(String, Vec<Value>)> = Vec::with_capacity(arguments.len());
    for (name, value) in arguments {
        match by_name.iter_mut().find(|(it, _)| *it == name) {
            Some((_, values)) => values.push(value),
            None => by_name.push((name, vec![value])),
        }
    }
    let mut table = Table::default();
    for (name, mut values) in by_name {
        let node = match values.len() {
            1 => Node::Leaf(values.remove(0)),
            _ => Node::list(values),
        };
        table.add(&name, node, brackets)?;
    }
    Ok(table.into_object())
}

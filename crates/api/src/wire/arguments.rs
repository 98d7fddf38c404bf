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

/// The most arguments that a form or a query may have.
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

/// How a body is written.
enum Form<'a> {
    /// Nothing is.
    Nothing,
    Json,
    UrlEncoded,
    /// With its content type, which has the boundary.
    Multipart(&'a str),
}

impl<'a> Form<'a> {
    /// What the headers say; without a content type there is nothing to be read.
    fn of(headers: &'a HeaderMap, has_body: bool) -> Result<Self, ArgumentsError> {
        match content_type(headers)? {
            Some(json) if is(json, "application/json") => Ok(Self::Json),
            Some(form) if is(form, "application/x-www-form-urlencoded") => Ok(Self::UrlEncoded),
            Some(multipart) if is(multipart, "multipart/form-data") => {
                Ok(Self::Multipart(multipart))
            }
            None if !has_body => Ok(Self::Nothing),
            _ => Err(ArgumentsError::UnsupportedContentType),
        }
    }
}

impl Arguments {
    /// Refuses a request by its headers alone, before there is a body.
    pub(crate) fn judge(headers: &HeaderMap, has_body: bool) -> Result<(), ArgumentsError> {
        Form::of(headers, has_body).map(drop)
    }

    /// Reads a request's body. A request without one has no arguments.
    pub async fn read(
        method: &Method,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Self, ArgumentsError> {
        match Form::of(headers, !body.is_empty())? {
            Form::Nothing => Ok(Self::Untyped(Map::new())),
            Form::Json => object(&body).map(Self::Typed),
            Form::UrlEncoded => Ok(Self::Untyped(decode(form::arguments(&body)?, method)?)),
            Form::Multipart(content_type) => {
                let arguments = multipart::arguments(content_type, body).await?;
                Ok(Self::Untyped(decode(arguments, method)?))
            }
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
    serde_json::from_str(text).map_err(|_| ArgumentsError::NotJson)
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

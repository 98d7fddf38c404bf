//! Which part of a list is wanted, and where does the next one begin?
//!
//! An offset is base64 of JSON. `next` is the path and query of the next page, with everything
//! that was asked for; `offset` stands beside it for callers who write their own.

use std::{borrow::Cow, marker::PhantomData};

use axum::response::Response;
use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hooks::ports::PageRequest;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{
    json,
    value::{RawValue, Value, to_raw_value},
};

use super::{infer::lua_number, query::Query};
use crate::{
    answer,
    error::Refusal,
    openapi::schema::{about, described},
};

/// How many items a page has where nobody says.
pub(crate) const DEFAULT_SIZE: usize = 100;
/// How many items a page may have.
pub(crate) const MOST_ITEMS: u32 = 1000;
/// A page ends after the item that makes it this long.
const MOST_BYTES: usize = 1024 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The page that a query asks for.
pub(crate) fn wanted<C: DeserializeOwned>(query: &Query) -> Result<PageRequest<C>, Refusal> {
    let size = query.get("size").map(size).transpose()?.unwrap_or(DEFAULT_SIZE);
    let after = query.get("offset").map(cursor).transpose()?;
    Ok(PageRequest { size, after })
}

fn size(text: &str) -> Result<usize, Refusal> {
    let number = lua_number(text).ok_or(Refusal::InvalidSize("size must be a number"))?;
    if number.fract() != 0.0 || !(1.0..=f64::from(MOST_ITEMS)).contains(&number) {
        return Err(Refusal::InvalidSize("size must be an integer between 1 and 1000"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and within the range just above"
    )]
    Ok(number as usize)
}

fn cursor<C: DeserializeOwned>(text: &str) -> Result<C, Refusal> {
    let refuse = |why| Refusal::InvalidOffset { offset: text.to_owned(), why };
    let decoded = BASE64.decode(text).map_err(|_| refuse("bad base64 encoding"))?;
    let json: Value = serde_json::from_slice(&decoded).map_err(|_| refuse("bad json encoding"))?;
    serde_json::from_value(json).map_err(|_| refuse("it is not one of this list"))
}

/// A page of a list, as it is answered.
#[derive(Serialize)]
struct Listed {
    data: Vec<Box<RawValue>>,
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

/// A page of these, as it is described.
pub(crate) struct Page<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Page<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Page", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        described(&json!({
            "type": "object",
            "properties": {
                "data": {"type": "array", "items": generator.subschema_for::<T>()},
                "next": about(
                    json!({"type": ["string", "null"]}),
                    "The path of the next page; null: there is none.",
                ),
                "offset": about(
                    json!({"type": "string"}),
                    "Of the next page, for callers who write their own path.",
                ),
            },
            "required": ["data", "next"],
        }))
    }
}

/// Answers a page: items, each with its own cursor, and the cursor of the next page. `path` and
/// the parameters of `query` that are `kept` lead to the next page.
pub(crate) fn answer<T: Serialize, C: Serialize>(
    items: impl IntoIterator<Item = (T, C)>,
    mut next: Option<C>,
    path: &str,
    query: &Query,
    kept: &[&str],
) -> Result<Response, Refusal> {
    let mut items = items.into_iter().peekable();
    let (mut data, mut bytes) = (Vec::new(), 0);
    while let Some((item, cursor)) = items.next() {
        let item = to_raw_value(&item).map_err(|error| Refusal::unexpected(&error))?;
        bytes += item.get().len();
        data.push(item);
        if bytes >= MOST_BYTES && items.peek().is_some() {
            next = Some(cursor);
            break;
        }
    }
    let offset = next.map(|it| serde_json::to_vec(&it).map(|json| BASE64.encode(json)));
    let offset = offset.transpose().map_err(|error| Refusal::unexpected(&error))?;
    let next = offset.as_ref().map(|it| format!("{path}?{}", query.kept(kept, ("offset", it))));
    Ok(answer::ok(&Listed { data, next, offset }))
}

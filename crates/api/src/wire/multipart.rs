//! What does a multipart form say? The content of each part is its value, files included.

use axum::body::{Body, Bytes};
use serde_json::Value;

use super::arguments::{ArgumentsError, MOST_ARGUMENTS};

/// The arguments of `multipart/form-data`, in order. Nothing in them is percent-decoded.
pub(super) async fn arguments(
    content_type: &str,
    body: Bytes,
) -> Result<Vec<(String, Value)>, ArgumentsError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let boundary = multer::parse_boundary(content_type)?;
    let mut parts = multer::Multipart::new(Body::from(body).into_data_stream(), boundary);
    let mut arguments = Vec::new();
    while let Some(part) = parts.next_field().await? {
        let name = part.name().ok_or(ArgumentsError::NamelessPart)?.to_owned();
        let content = part.bytes().await?;
        let value = str::from_utf8(&content).map_err(|_| ArgumentsError::NotUtf8)?;
        if arguments.len() == MOST_ARGUMENTS {
            return Err(ArgumentsError::TooMany);
        }
        arguments.push((name, value.into()));
    }
    Ok(arguments)
}

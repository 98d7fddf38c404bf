//! What came with a request? Bodies are read whole, up to a limit.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Request},
};
use http_body_util::LengthLimitError;

use crate::{error::Refusal, wire::arguments::Arguments};

/// The largest body of the admin API.
const MOST_BYTES: usize = 1024 * 1024;

/// Reads a body of at most so many bytes.
pub(crate) async fn read(body: Body, most: usize) -> Result<Bytes, Refusal> {
    to_bytes(body, most).await.map_err(|error| match std::error::Error::source(&error) {
        Some(cause) if cause.is::<LengthLimitError>() => Refusal::too_large(most),
        _ => Refusal::bad_request("the body ended before it was complete"),
    })
}

/// The arguments that came as a request's body.
pub(crate) struct Sent(pub(crate) Arguments);

impl<S: Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        let body = read(body, MOST_BYTES).await?;
        Ok(Self(Arguments::read(&head.method, &head.headers, body).await?))
    }
}

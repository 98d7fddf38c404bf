//! What came with a request? Bodies are read whole, up to a limit.
//!
//! What can be judged by the headers is judged before the first byte is asked for: a client that
//! waits to be told to go on (`Expect: 100-continue`) is then answered instead.

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{FromRequest, Request},
};
use futures_util::StreamExt as _;
use http::{HeaderMap, header::EXPECT};
use http_body_util::LengthLimitError;

use crate::{error::Refusal, wire::arguments::Arguments};

/// The largest body of the admin API.
const MOST_BYTES: usize = 1024 * 1024;
/// How much of a body that is too large is taken off a client's hands.
const MOST_DISCARDED: u64 = 16 * 1024 * 1024;

/// Reads a body of at most so many bytes.
pub(crate) async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Refusal> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).is_ok_and(|it| it <= most) {
        return to_bytes(body, most).await.map_err(|error| {
            match std::error::Error::source(&error) {
                Some(cause) if cause.is::<LengthLimitError>() => Refusal::too_large(most),
                _ => Refusal::bad_request("the body ended before it was complete"),
            }
        });
    }
    if announced <= MOST_DISCARDED && !headers.contains_key(EXPECT) {
        discard(body).await;
    }
    Err(Refusal::too_large(most))
}

/// Clients that do not wait look for the answer when they have sent everything. If the connection
/// were closed before that, they would see it break, and no answer.
async fn discard(body: Body) {
    let mut rest = body.into_data_stream();
    while let Some(Ok(_)) = rest.next().await {}
}

/// The arguments that came as a request's body.
pub(crate) struct Sent(pub(crate) Arguments);

impl<S: Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        Arguments::judge(&head.headers, body.size_hint().lower() > 0)?;
        let body = read(&head.headers, body, MOST_BYTES).await?;
        Ok(Self(Arguments::read(&head.method, &head.headers, body).await?))
    }
}

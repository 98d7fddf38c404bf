//! What came with a request? Bodies are read whole, up to a limit.
//!
//! What can be judged by the headers is judged before the first byte is asked for: a client that
//! waits to be told to go on (`Expect: 100-continue`) is then answered instead.

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::{FromRequest, Request},
};
use futures_util::StreamExt as _;
use http::{HeaderMap, header::EXPECT};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::{error::Refusal, wire::arguments::Arguments};

/// The largest body of the admin API.
const MOST_BYTES: usize = 1024 * 1024;
/// How much of a body that is too large is taken off a client's hands.
const MOST_DISCARDED: u64 = 16 * 1024 * 1024;

/// Reads a body of at most so many bytes.
pub(crate) async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Refusal> {
    read_as_kept(headers, body, most, |_| true).await
}

/// The same, but for the pieces that are not to be `kept`: it is asked for each, with its length.
pub(crate) async fn read_as_kept(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    mut kept: impl FnMut(usize) -> bool,
) -> Result<Bytes, Refusal> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).is_ok_and(|it| it > most) {
        discard(headers, body).await;
        return Err(Refusal::too_large(most));
    }
    let mut piece = |it: Bytes| if kept(it.len()) { it } else { Bytes::new() };
    let pieces = Limited::new(body, most).map_frame(|frame| frame.map_data(&mut piece));
    match pieces.collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large(most)),
        Err(_) => Err(Refusal::bad_request("the body ended before it was complete")),
    }
}

/// Reads what nobody wants, unless it is very much or its sender waits to be told to go on. Clients
/// that do not wait look for the answer when they have sent everything. If the connection were
/// closed before that, they would see it break, and no answer.
pub(crate) async fn discard(headers: &HeaderMap, body: Body) {
    if body.size_hint().lower() > MOST_DISCARDED || headers.contains_key(EXPECT) {
        return;
    }
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

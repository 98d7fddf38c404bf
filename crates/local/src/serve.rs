//! Answers HTTP until it is told to stop.

use std::{convert::Infallible, sync::Arc, time::Duration};

use api::ClientAddress;
use axum::{Router, body::Body};
use http::{HeaderValue, Request, Response, StatusCode, header::CONNECTION};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use nix::sys::resource::{Resource, getrlimit};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use tower::ServiceExt as _;

use crate::request_body::Watched;

/// How long a caller may take for the head of a request, and a kept connection may idle.
const HEAD: Duration = Duration::from_secs(75);

/// How long a request may take in all: reading it, and the longest attempt that it can wait for.
const REQUEST: Duration = Duration::from_secs(90);

/// How long requests may go on when the process is to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How many connections there are at once: each takes memory, and one of the files that the system
/// lets this process have.
const MOST_CONNECTIONS: usize = 8_192;

/// Serves `router` until `stop` says so; then lets running requests end, for a while.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    serve_at_once(most_connections(), listener, router, stop).await;
}

/// Half of the files are for others: the store, and what goes out.
fn most_connections() -> usize {
    let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    usize::try_from(files / 2).unwrap_or(usize::MAX).clamp(1, MOST_CONNECTIONS)
}

/// The same, with so many connections at once. Who comes with one more waits until one ends.
async fn serve_at_once(
    most: usize,
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(most));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            next = next => next,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: it passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ClientAddress(peer.ip()));
            answer(router.clone(), request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still running are cut off");
    }
}

async fn answer(router: Router, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let (body, end) = Watched::new(body);
    let request = Request::from_parts(head, Body::new(body));
    let answered = tokio::time::timeout(REQUEST, router.oneshot(request)).await;
    let mut response = answered.unwrap_or_else(|_| {
        let late = format!(r#"{{"message":"the request took longer than {REQUEST:?}"}}"#);
        let mut late = Response::new(Body::from(late));
        *late.status_mut() = StatusCode::REQUEST_TIMEOUT;
        Ok(late)
    })?;
    if !end.is_reached() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    mod connections;
}

//! Is a request refused before its body is asked for, where its headers say enough?

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use http::{Method, Request};
use http_body::{Frame, SizeHint};

use crate::doors::{Doors, FORM, JSON, request};

const PIECE: usize = 64 * 1024;

/// A body that says how long it is, and counts what is read of it.
struct Announced {
    length: u64,
    read: Arc<AtomicU64>,
}

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.read.fetch_add(PIECE as u64, Ordering::Relaxed) >= self.length {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(vec![b' '; PIECE].into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// A request with a body of so many bytes, and how many of them have been read.
fn announcing(
    path: &str,
    headers: &[(&str, &str)],
    length: u64,
) -> (Request<Body>, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let body = Body::new(Announced { length, read: Arc::clone(&read) });
    (request(Method::POST, path, headers, body), read)
}

#[tokio::test]
async fn what_is_refused_by_its_headers_is_not_asked_for() {
    let text = ("content-type", "text/plain");
    let waits = ("expect", "100-continue");
    let gzip = ("content-encoding", "gzip");
    let admin_most = 1024 * 1024;
    let events_most = 4 * admin_most;
    let doors = Doors::open();
    for (name, path, headers, length, status) in [
        ("a text for a hook", "/event-hooks", &[text][..], 5, 415),
        ("a hook without a type", "/event-hooks", &[], 5, 415),
        ("a text for events", "/events", &[text], 5, 415),
        ("compressed events", "/events", &[JSON, gzip], 5, 415),
        ("a text to be explained", "/events?explain=true", &[text], 5, 415),
        ("a hook that is too large", "/event-hooks", &[JSON, waits], admin_most + 1, 413),
        ("events that are too large", "/events", &[JSON, waits], events_most + 1, 413),
        ("without end", "/events", &[JSON], u64::MAX, 413),
    ] {
        let (posted, read) = announcing(path, headers, length);
        let answer = doors.send(posted).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert_eq!(read.load(Ordering::Relaxed), 0, "{name}");
    }

    let guarded = Doors::guarded("first");
    for path in ["/event-hooks", "/events", "/events?explain=true", "/events?explain=zzz"] {
        let (posted, read) = announcing(path, &[text], events_most + 1);
        guarded.send(posted).await.expect(401);
        assert_eq!(read.load(Ordering::Relaxed), 0, "{path}");
    }
}

#[tokio::test]
async fn who_does_not_wait_is_heard_out_and_then_answered() {
    let length = 5 * 1024 * 1024;
    for (path, headers) in [("/event-hooks", [FORM]), ("/events", [JSON])] {
        let (posted, read) = announcing(path, &headers, length);
        Doors::open().send(posted).await.expect(413);
        assert!(read.load(Ordering::Relaxed) >= length, "{path}");
    }
}

//! Was the body of a request read to its end?
//!
//! An answer that is given before leaves the rest of the body on the connection, where the next
//! request should begin. Then the connection is not kept.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use hyper::body::{Body, Frame, Incoming, SizeHint};

/// A body that notes its end.
pub(crate) struct Watched {
    body: Incoming,
    ended: Arc<AtomicBool>,
}

/// What is known of a body's end, while somebody else reads it.
pub(crate) struct End(Arc<AtomicBool>);

impl Watched {
    /// Watches a body.
    pub(crate) fn new(body: Incoming) -> (Self, End) {
        let ended = Arc::new(AtomicBool::new(body.is_end_stream()));
        (Self { body, ended: Arc::clone(&ended) }, End(ended))
    }
}

impl End {
    /// Was it reached?
    pub(crate) fn is_reached(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Body for Watched {
    type Data = <Incoming as Body>::Data;
    type Error = <Incoming as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

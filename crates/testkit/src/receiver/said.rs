//! The bodies of a receiver's answers: where what is said goes wrong on purpose.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::Manner;

/// The body of an answer, in its manner.
pub(super) struct Said {
    bytes: Bytes,
    manner: Manner,
    flushed: bool,
}

impl Said {
    pub(super) fn new(bytes: Bytes, manner: Manner) -> Self {
        Self { bytes, manner, flushed: false }
    }
}

impl Body for Said {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))));
        }
        let manner = self.manner;
        match manner {
            Manner::Polite | Manner::Close | Manner::HangUp => Poll::Ready(None),
            Manner::Stall => Poll::Pending,
            // What was said so far leaves while there is nothing more to say.
            Manner::BreakOff if !std::mem::replace(&mut self.flushed, true) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Manner::BreakOff => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && !matches!(self.manner, Manner::Stall | Manner::BreakOff)
    }

    fn size_hint(&self) -> SizeHint {
        match self.manner {
            Manner::Stall | Manner::BreakOff => SizeHint::default(),
            _ => SizeHint::with_exact(self.bytes.len() as u64),
        }
    }
}

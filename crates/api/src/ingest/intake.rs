//! Is there room for more events? Asked before a request is looked at, and while it is read.
//!
//! Whoever finds none is told when to come again, and nothing of the request is kept: not in the
//! queue, and not in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::{Body, Bytes};
use http::HeaderMap;

use super::MOST_BYTES;
use crate::{body, error::Refusal};

/// Says whether more events may wait to be dispatched.
///
/// **Promise:** it answers at once. It is asked for what is posted, and for nothing else: retries,
/// pings and what the system says of itself are never kept from their queue.
pub trait Intake: Send + Sync {
    /// How long to come again after, where no more may wait now.
    fn full(&self) -> Option<Duration>;
}

/// Room in memory for what is posted, of all requests together.
#[derive(Default)]
pub(super) struct Room(AtomicUsize);

impl Room {
    /// What there may be at once, in bytes of bodies. A body counts as it comes, so that who sends
    /// slowly takes no more than what was sent.
    const BYTES: usize = 64 * 1024 * 1024;
    /// What a body that was read counts for at least: requests are bounded by number too.
    const LEAST: usize = 64 * 1024;
    /// When to come again after there was no room: it passes in a moment.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Reads a body, and keeps room for it for as long as the place is held. One that finds no
    /// room is read to its end all the same, so that its sender sees an answer.
    pub(super) async fn read(
        self: &Arc<Self>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Bytes, Place), Refusal> {
        let mut place = Place { room: Arc::clone(self), bytes: 0 };
        let mut has_room = true;
        let read = body::read_as_kept(headers, body, MOST_BYTES, |bytes| {
            has_room = has_room && place.grow(bytes);
            has_room
        });
        let body = read.await?;
        let rest = Self::LEAST.saturating_sub(place.bytes);
        if has_room && place.grow(rest) {
            return Ok((body, place));
        }
        note_refused("memory");
        Err(Refusal::NoRoom { wait: Self::PAUSE })
    }
}

/// Room that is taken, for as long as this is held.
pub(super) struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Place {
    /// Takes so much more; answers whether there was so much.
    fn grow(&mut self, bytes: usize) -> bool {
        let taken = &self.room.0;
        let has_room = taken.fetch_add(bytes, Ordering::Relaxed) + bytes <= Room::BYTES;
        if has_room {
            self.bytes += bytes;
        } else {
            taken.fetch_sub(bytes, Ordering::Relaxed);
        }
        has_room
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Turns a request away where no more may wait.
pub(super) async fn turn_away_if_full(
    intake: Option<&dyn Intake>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Body, Refusal> {
    let Some(wait) = intake.and_then(Intake::full) else { return Ok(body) };
    body::discard(headers, body).await;
    note_refused("queue");
    Err(Refusal::QueueFull { wait })
}

fn note_refused(why: &'static str) {
    metrics::counter!("event_hooks_refused_total", "reason" => why).increment(1);
}

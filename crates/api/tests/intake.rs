//! What is said to those for whose events there is no room, and what is left of their requests?

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::Intake;
use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, poll, stream};
use http::Method;
use serde_json::json;

use crate::doors::{Doors, JSON, request, webhook};

/// A queue that is full while a test says so.
#[derive(Default)]
struct Full(AtomicBool);

impl Intake for Full {
    fn full(&self) -> Option<Duration> {
        self.0.load(Ordering::Relaxed).then_some(Duration::from_millis(6_001))
    }
}

fn event() -> serde_json::Value {
    json!({"source": "crud", "event": "consumers", "data": {"a": 1}})
}

#[tokio::test]
async fn while_the_queue_is_full_what_is_posted_is_refused_whole_and_nothing_else_is() {
    let full = Arc::new(Full::default());
    let doors = Doors::open().with_intake(full.clone());
    doors.post_events(&event()).await.expect(202);
    doors.queue.take_all();
    full.0.store(true, Ordering::Relaxed);

    let cloud = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "crud"),
        ("ce-type", "consumers"),
    ];
    for (name, headers, body) in [
        ("one event", &[JSON][..], event().to_string()),
        ("a list of them", &[JSON], json!([event(), event()]).to_string()),
        ("lines", &[("content-type", "application/x-ndjson")], event().to_string()),
        ("a CloudEvent", &cloud, "{}".to_owned()),
        ("what is not looked at", &[JSON], "{".to_owned()),
    ] {
        let refused = doors.send(request(Method::POST, "/team/events", headers, body)).await;
        assert_eq!(refused.header("retry-after"), Some("7"), "{name}: no sooner than it was told");
        let message = "as many events wait to be dispatched as the setting queue_limit allows, \
                       nothing was accepted; try again later";
        assert_eq!(refused.expect(429), json!({"message": message}), "{name}");
    }
    assert_eq!(doors.queue.take_all(), [], "nothing of them was taken");

    doors.json(Method::POST, "/events?explain=true", &event()).await.expect(200);
    doors.hook(&webhook()).await;
    assert_eq!(doors.queue.take_all().len(), 2, "the ping of a hook, and what is said of it");

    full.0.store(false, Ordering::Relaxed);
    doors.post_events(&event()).await.expect(202);
}

const PIECE: usize = 32 * 1024;
/// How many pieces are in memory at once, of all that is posted.
const MOST_PIECES: usize = 2_048;

/// So many pieces of a body, and whether they end. They are counted when they are read.
fn pieces(count: usize, ends: bool) -> (Body, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let piece = Bytes::from(vec![b' '; PIECE]);
    let pieces = stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()))
        .take(count)
        .inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    let body = if ends {
        Body::from_stream(pieces)
    } else {
        Body::from_stream(pieces.chain(stream::pending()))
    };
    (body, read)
}

#[tokio::test]
async fn no_more_is_in_memory_at_once_than_there_is_room_for() {
    let doors = Doors::open();
    let post = |body: Body| doors.send(request(Method::POST, "/events", &[JSON], body));
    let slow = |count| {
        let (body, read) = pieces(count, false);
        (Box::pin(post(body)), read)
    };
    let mut senders: Vec<_> = (0..15).map(|_| slow(128)).collect();
    senders.push(slow(124));
    for (sender, _) in &mut senders {
        assert!(poll!(sender).is_pending(), "it has not sent all");
    }
    let kept: usize = senders.iter().map(|(_, read)| read.load(Ordering::Relaxed)).sum();
    assert_eq!(kept, MOST_PIECES - 4);

    let (large, read) = pieces(8, true);
    let refused = post(large).await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    let message = "too much is being posted at once, nothing was accepted; try again later";
    assert_eq!(refused.expect(429), json!({"message": message}));
    assert_eq!(read.load(Ordering::Relaxed), 8, "it was heard out");

    doors.post_events(&event()).await.expect(202);
    doors.queue.take_all();
    let (mut last, _) = slow(3);
    assert!(poll!(&mut last).is_pending());
    doors.post_events(&event()).await.expect(429);
    assert_eq!(doors.queue.take_all(), [], "a small one counts for more than it is");

    drop(senders);
    doors.post_events(&event()).await.expect(202);
}

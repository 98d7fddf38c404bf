use std::pin::pin;

use async_trait::async_trait;
use futures_util::poll;
use serde_json::json;
use tokio::sync::Semaphore;

use super::*;
use crate::{
    name::{EventName, SourceName, Workspace},
    publish::{NewEvent, Posting, accept},
};

const NOW: Timestamp = Timestamp::from_seconds(1);

/// A queue that answers when it is let go.
struct Held {
    sent: Mutex<Vec<Vec<Outgoing>>>,
    let_go: Mutex<Vec<Answer>>,
    answers: Semaphore,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Done,
    Failed,
    Panicked,
}

#[async_trait]
impl TaskQueue for Held {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        locked(&self.sent).push(tasks);
        self.answers.acquire().await.unwrap().forget();
        let answer = locked(&self.let_go).remove(0);
        match answer {
            Answer::Done => Ok(()),
            Answer::Failed => {
                Err(PortError::Unavailable { what: "the queue", source: "held".into() })
            }
            Answer::Panicked => panic!("the queue"),
        }
    }
}

impl Held {
    fn let_go(&self, answer: Answer) {
        locked(&self.let_go).push(answer);
        self.answers.add_permits(1);
    }

    /// Of each message of each send, which events it holds, by their padding.
    fn sent(&self) -> Vec<Vec<Vec<usize>>> {
        let events = |it: &Outgoing| match &it.task {
            Task::Dispatch { events, again: false } => events.iter().map(padding).collect(),
            other => panic!("{other:?}"),
        };
        locked(&self.sent).iter().map(|send| send.iter().map(events).collect()).collect()
    }
}

fn held() -> (Arc<Held>, Lots) {
    let queue = Arc::new(Held {
        sent: Mutex::default(),
        let_go: Mutex::default(),
        answers: Semaphore::new(0),
    });
    (Arc::clone(&queue), Lots::new(queue))
}

fn padding(event: &Event) -> usize {
    event.data.text("x").map_or(0, str::len)
}

fn event(padding: usize) -> Event {
    of("default", padding)
}

fn of(workspace: &str, padding: usize) -> Event {
    let new = NewEvent {
        source: SourceName::parse("crud").unwrap(),
        event: EventName::parse("consumers").unwrap(),
        data: json!({"x": "x".repeat(padding)}).as_object().unwrap().clone().into(),
        id: None,
        time: None,
        pid: None,
    };
    accept(&Workspace::parse(workspace).unwrap(), vec![new], Posting::default(), NOW).remove(0)
}

#[tokio::test]
async fn what_comes_while_a_lot_is_on_its_way_is_sent_together_after_it() {
    let (queue, lots) = held();
    let mut first = pin!(lots.send(NOW, |_| vec![event(1)]));
    assert!(poll!(&mut first).is_pending());
    let mut second = pin!(lots.send(NOW, |_| vec![event(2)]));
    let mut third = pin!(lots.send(NOW, |_| vec![event(3), event(4)]));
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    assert_eq!(queue.sent(), [[[1]]], "one lot at a time");

    queue.let_go(Answer::Done);
    first.await.unwrap();
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    assert_eq!(queue.sent()[1], [[2, 3, 4]], "one message, in order");
    queue.let_go(Answer::Done);
    second.await.unwrap();
    third.await.unwrap();
}

#[tokio::test]
async fn a_lot_that_fails_is_told_to_all_of_its_requests_and_to_no_other() {
    let (queue, lots) = held();
    let mut first = pin!(lots.send(NOW, |_| vec![event(1)]));
    assert!(poll!(&mut first).is_pending());
    let mut second = pin!(lots.send(NOW, |_| vec![event(2)]));
    let mut third = pin!(lots.send(NOW, |_| vec![event(3)]));
    assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
    queue.let_go(Answer::Done);
    first.await.expect("it went before");
    queue.let_go(Answer::Failed);
    for told in [second.await, third.await] {
        assert_eq!(told.unwrap_err().to_string(), "the queue is unavailable: held");
    }
    queue.let_go(Answer::Done);
    lots.send(NOW, |_| vec![event(4)]).await.expect("it comes after");
}

#[tokio::test]
async fn who_stops_waiting_keeps_nobody_else_waiting() {
    let (queue, lots) = held();
    {
        let mut first = pin!(lots.send(NOW, |_| vec![event(1)]));
        let mut second = pin!(lots.send(NOW, |_| vec![event(2)]));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    }
    queue.let_go(Answer::Done);
    queue.let_go(Answer::Done);
    lots.send(NOW, |_| vec![event(3)]).await.unwrap();
    assert_eq!(queue.sent(), [vec![vec![1]], vec![vec![2, 3]]], "what was accepted is sent");
}

#[tokio::test]
async fn a_panic_ends_its_own_lot_and_no_other() {
    let (queue, lots) = held();
    let mut first = pin!(AssertUnwindSafe(lots.send(NOW, |_| vec![event(1)])).catch_unwind());
    assert!(poll!(&mut first).is_pending());
    let mut second = pin!(lots.send(NOW, |_| vec![event(2)]));
    assert!(poll!(&mut second).is_pending());
    queue.let_go(Answer::Panicked);
    first.await.unwrap_err();
    queue.let_go(Answer::Done);
    second.await.expect("it waited for a panic");
    queue.let_go(Answer::Done);
    lots.send(NOW, |_| vec![event(3)]).await.expect("it comes after");
}

#[tokio::test]
async fn what_comes_later_is_never_older() {
    let (queue, lots) = held();
    let mut times = Vec::new();
    for now in [10, 5, 20] {
        queue.let_go(Answer::Done);
        let accept = |at: Timestamp| {
            times.push(at.as_seconds());
            vec![event(1)]
        };
        lots.send(Timestamp::from_seconds(now), accept).await.unwrap();
    }
    assert_eq!(times, [10, 10, 20]);
}

#[test]
fn events_share_messages_that_are_small_enough() {
    for (name, sizes, expected) in [
        ("nothing", vec![], vec![]),
        ("one", vec![10], vec![1]),
        ("two that fit", vec![100, 100], vec![2]),
        ("a large one travels alone", vec![10, 5_000, 10], vec![1, 1, 1]),
        ("full and the rest", vec![600, 600, 600], vec![1, 1, 1]),
    ] {
        let events: Vec<_> = sizes.into_iter().map(event).collect();
        let packs = pack(events.clone(), 1_500);
        assert_eq!(packs.iter().map(Vec::len).collect::<Vec<_>>(), expected, "{name}");
        assert_eq!(packs.concat(), events, "{name}: in order");
    }
}

#[test]
fn workspaces_share_no_message() {
    let sent = tasks(vec![of("a", 1), of("a", 2), of("b", 3), of("a", 4)]);
    assert_eq!(sent.iter().map(|it| it.group.as_str()).collect::<Vec<_>>(), ["a", "b", "a"]);
}

#[test]
fn a_message_that_was_packed_is_no_larger_than_promised() {
    let most = Publisher::PACK_BYTES;
    for pack in pack((0..1_000).map(|_| event(300)).collect(), most) {
        let size = Task::Dispatch { events: pack, again: false }.encode().len();
        assert!(size <= most, "{size}");
    }
}

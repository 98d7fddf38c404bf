//! The receiving half, beyond what every queue must do.

use std::{
    task::Poll,
    time::{Duration, Instant},
};

use embedded::{Depth, Message, Store, Waiting};
use hooks::{
    event::Event,
    ports::{Clock, LONGEST_DELAY, Outgoing, TaskQueue},
    task::{Queue, Task},
};
use serde_json::json;
use testkit::{
    builders::{data, dispatch, event, outgoing},
    fakes::HandClock,
};

use crate::{folder, open};

/// A store that lives as long as its folder.
struct World {
    store: Store,
    clock: HandClock,
    _folder: tempfile::TempDir,
}

fn world() -> World {
    let (folder, clock) = (folder(), HandClock::default());
    World { store: open(folder.path(), &clock), clock, _folder: folder }
}

/// A task that can be told from others by its number.
fn numbered(number: i64) -> Outgoing {
    outgoing(dispatch(Event { data: data(json!({"number": number})), ..event() }))
}

fn of_group(group: &str, number: i64) -> Outgoing {
    Outgoing { group: group.to_owned(), ..numbered(number) }
}

fn numbers(messages: &[Message]) -> Vec<i64> {
    let number = |message: &Message| match Task::decode(&message.body) {
        Ok(Task::Dispatch { events, .. }) => {
            events[0].data.get("number").and_then(serde_json::Value::as_i64).expect("a number")
        }
        other => panic!("not what was sent: {other:?}"),
    };
    messages.iter().map(number).collect()
}

impl World {
    async fn send(&self, tasks: impl IntoIterator<Item = Outgoing>) {
        self.store.send(tasks.into_iter().collect()).await.expect("the queue takes tasks");
    }

    async fn receive(&self, most: usize) -> Vec<Message> {
        self.store.receive(Queue::Events, most).await.expect("the queue hands out tasks")
    }
}

#[tokio::test]
async fn the_oldest_due_comes_first_and_those_of_one_moment_in_the_order_of_sending() {
    let world = world();
    let after =
        |seconds, number| Outgoing { delay: Duration::from_secs(seconds), ..numbered(number) };
    world.send([after(30, 3), after(10, 1), after(0, 0), after(10, 2)]).await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(numbers(&world.receive(10).await), [0, 1, 2, 3]);
}

#[tokio::test]
async fn no_more_is_handed_out_at_once_than_fits_into_memory() {
    let world = world();
    let filler = "x".repeat(128 * 1024);
    let large = |number| {
        let data = data(json!({"number": number, "filler": filler}));
        outgoing(dispatch(Event { data, ..event() }))
    };
    world.send((0..12).map(large)).await;
    assert_eq!(numbers(&world.receive(100).await), (0..8).collect::<Vec<_>>());
    assert_eq!(numbers(&world.receive(100).await), (8..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_group_with_its_share_in_hand_comes_after_the_others() {
    let world = world();
    world.send((0..100).map(|number| of_group("hanging", number))).await;
    assert_eq!(world.receive(40).await.len(), 40, "nobody else has anything: no hand stays idle");

    world.send([of_group("a", 1_000), of_group("z", 1_001), of_group("a", 1_002)]).await;
    let mut next = numbers(&world.receive(4).await);
    next.sort_unstable();
    assert_eq!(next, [40, 1_000, 1_001, 1_002], "the others, then the oldest");
    assert_eq!(numbers(&world.receive(2).await), [41, 42], "and on with it");
}

#[tokio::test]
async fn groups_beyond_the_oldest_tasks_each_get_their_turn() {
    let world = world();
    world.send((0..500).map(|number| of_group("hanging", number))).await;
    world.receive(100).await;
    let others = (0..200).map(|number| of_group(&format!("group-{number}"), 1_000 + number));
    world.send(others).await;

    let mut served = Vec::new();
    for _ in 0..25 {
        let messages = world.receive(8).await;
        let ids: Vec<_> = messages.iter().map(|it| it.id).collect();
        world.store.acknowledge(&ids).await.unwrap();
        served.extend(numbers(&messages).into_iter().filter(|it| *it >= 1_000));
    }
    served.sort_unstable();
    assert_eq!(served, (1_000..1_200).collect::<Vec<_>>(), "each once, none behind the flood");
}

#[tokio::test]
async fn a_group_that_only_waits_is_passed_over() {
    let world = world();
    let waiting = |number| Outgoing { delay: LONGEST_DELAY, ..of_group("waiting", number) };
    world.send((0..50).map(|number| of_group("hanging", number))).await;
    world.send((100..200).map(waiting)).await;
    assert_eq!(numbers(&world.receive(50).await), (0..50).collect::<Vec<_>>());
    assert_eq!(world.receive(50).await, []);
}

#[tokio::test]
async fn a_clock_that_was_put_back_holds_nothing_up() {
    const HOUR: Duration = Duration::from_hours(1);
    let world = world();
    let begin = world.clock.now();
    world.clock.set(begin + HOUR);
    world.send([numbered(0), numbered(1)]).await;
    world.clock.set(begin);
    world.send([Outgoing { delay: LONGEST_DELAY, ..numbered(2) }]).await;
    assert_eq!(numbers(&world.receive(10).await), [0, 1], "nothing waits for longer than can be");
    world.clock.advance(LONGEST_DELAY);
    assert_eq!(numbers(&world.receive(10).await), [2], "what can be is waited for");
}

#[tokio::test]
async fn a_receive_that_was_cancelled_leaves_its_tasks_to_the_next() {
    let world = world();
    world.send((0..10).map(numbered)).await;
    let mut received = Vec::new();
    for _ in 0..10 {
        let mut receiving = Box::pin(world.store.receive(Queue::Events, 10));
        // Polled once: the writer has the job, and as a rule nobody waits for its answer.
        let polled = std::future::poll_fn(|context| Poll::Ready(receiving.as_mut().poll(context)));
        if let Poll::Ready(Ok(messages)) = polled.await {
            received.extend(numbers(&messages));
        }
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while received.len() < 10 && Instant::now() < deadline {
        received.extend(numbers(&world.receive(10).await));
    }
    received.sort_unstable();
    assert_eq!(received, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_buried_task_is_kept_aside_and_never_handed_out() {
    let world = world();
    world.send([numbered(0), numbered(1)]).await;
    let messages = world.receive(10).await;
    world.store.bury(messages[0].id, "it kills the process").await.unwrap();
    world.store.bury(messages[0].id, "it is dead already").await.unwrap();
    world.store.release(messages[0].id, Duration::ZERO).await.unwrap();
    assert_eq!(world.receive(10).await, []);
    let depth = world.store.depth().await.unwrap();
    assert_eq!(depth, Depth { events: 1, dead: 1, ..Depth::default() });
}

#[tokio::test]
async fn what_is_given_back_through_no_fault_of_its_own_is_not_counted_against_it() {
    let world = world();
    world.send([numbered(0)]).await;
    for _ in 0..100 {
        let messages = world.receive(10).await;
        assert!(messages[0].receives <= 2, "{}", messages[0].receives);
        world.store.forgive(messages[0].id, Duration::ZERO).await.unwrap();
    }
    let messages = world.receive(10).await;
    assert_eq!(messages[0].receives, 2, "it was handed out before, and that counts");
}

#[tokio::test]
async fn depth_counts_what_is_not_done() {
    let world = world();
    assert_eq!(world.store.depth().await.unwrap(), Depth::default());
    let retry = |number| Outgoing { queue: Queue::Retries, ..numbered(number) };
    let later = |task: Outgoing| Outgoing { delay: LONGEST_DELAY, ..task };
    world.send([numbered(0), numbered(1), later(numbered(2)), retry(3), later(retry(4))]).await;
    let in_hand = world.receive(1).await;
    let expected = Depth { events: 3, retries: 2, dead: 0 };
    assert_eq!(world.store.depth().await.unwrap(), expected, "in hand is not done");
    world.store.acknowledge(&[in_hand[0].id]).await.unwrap();
    let expected = Depth { events: 2, retries: 2, dead: 0 };
    assert_eq!(world.store.depth().await.unwrap(), expected);
}

/// How much a task counts for, as it stands in the queue.
fn size(task: &Outgoing) -> u64 {
    u64::try_from(task.task.encode().len()).expect("a length") + Waiting::BESIDE_THE_TEXT
}

#[tokio::test]
async fn what_waits_is_known_through_all_that_befalls_it() {
    let world = world();
    let retry = Outgoing { queue: Queue::Retries, ..numbered(1_000_000) };
    let kept = size(&retry);
    let each = size(&numbered(0));
    let waits = |tasks: u64, gone: u64| Waiting { tasks, bytes: tasks * each, gone: gone * each };
    let events = || world.store.waiting(Queue::Events);
    assert_eq!(events(), waits(0, 0));

    world.send((0..5).map(numbered)).await;
    world.send([retry]).await;
    assert_eq!(events(), waits(5, 0), "sent");
    let ids: Vec<_> = world.receive(10).await.iter().map(|it| it.id).collect();
    assert_eq!(events(), waits(5, 0), "in hand");
    world.store.release(ids[0], Duration::ZERO).await.unwrap();
    world.store.forgive(ids[1], Duration::ZERO).await.unwrap();
    assert_eq!(events(), waits(5, 0), "given back");
    world.store.acknowledge(&ids[2..4]).await.unwrap();
    assert_eq!(events(), waits(3, 2), "done");
    world.store.acknowledge(&ids[2..4]).await.unwrap();
    assert_eq!(events(), waits(3, 2), "done before");
    world.store.bury(ids[4], "a test wants it dead").await.unwrap();
    assert_eq!(events(), waits(2, 3), "put aside");
    let mut left = Box::pin(world.store.send(vec![numbered(5)]));
    // Polled once: the writer has it, and nobody waits for the answer.
    let _ = std::future::poll_fn(|context| Poll::Ready(left.as_mut().poll(context))).await;
    drop(left);
    world.send([numbered(6)]).await;
    assert_eq!(events(), waits(4, 3), "sent by somebody who has left");
    assert_eq!(world.store.waiting(Queue::Retries), Waiting { tasks: 1, bytes: kept, gone: 0 });

    let World { store, clock, _folder: folder } = world;
    drop(store);
    let store = open(folder.path(), &clock);
    assert_eq!(store.waiting(Queue::Events), waits(4, 0), "after a restart");
    assert_eq!(store.waiting(Queue::Retries), Waiting { tasks: 1, bytes: kept, gone: 0 });
}

#[tokio::test]
async fn a_release_cannot_be_for_longer_than_a_sending() {
    let world = world();
    world.send([numbered(0)]).await;
    let message = world.receive(1).await.remove(0);
    let too_long = LONGEST_DELAY + Duration::from_millis(1);
    assert!(world.store.release(message.id, too_long).await.is_err());
}

/// How long waiting takes at the most, where nothing is due.
const A_SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn waiting_ends_at_once_where_something_is_due() {
    let world = world();
    world.send([numbered(0)]).await;
    let begun = Instant::now();
    world.store.wait(Queue::Events).await;
    assert!(begun.elapsed() < A_SECOND * 9 / 10, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn waiting_ends_when_something_is_sent() {
    let world = world();
    let begun = Instant::now();
    tokio::join!(world.store.wait(Queue::Events), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.send([numbered(0)]).await;
    });
    assert!(begun.elapsed() < A_SECOND * 9 / 10, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn waiting_ends_when_something_is_released() {
    let world = world();
    world.send([numbered(0)]).await;
    let message = world.receive(1).await.remove(0);
    let begun = Instant::now();
    tokio::join!(world.store.wait(Queue::Events), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.store.release(message.id, Duration::ZERO).await.unwrap();
    });
    assert!(begun.elapsed() < A_SECOND * 9 / 10, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn waiting_ends_when_the_earliest_task_falls_due() {
    let world = world();
    let soon = Outgoing { delay: Duration::from_millis(100), ..numbered(0) };
    world.send([soon]).await;
    let begun = Instant::now();
    world.store.wait(Queue::Events).await;
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(90) && waited < A_SECOND, "{waited:?}");
}

#[tokio::test]
async fn waiting_looks_at_its_own_queue() {
    let world = world();
    world.send([numbered(0)]).await;
    let begun = Instant::now();
    world.store.wait(Queue::Retries).await;
    assert!(begun.elapsed() >= A_SECOND / 2, "{:?}", begun.elapsed());
}

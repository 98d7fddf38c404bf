//! [`TaskQueue`]: whatever was taken is handed out, at least once, and not before it is due.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hooks::{
    delivery::State,
    event::Event,
    ports::{LONGEST_DELAY, Outgoing, PortResult, TaskQueue},
    task::{Owed, Queue, Retry, Task},
};
use serde_json::json;

use super::{check_each, races};
use crate::{
    builders::{at, attempt_step, data, delivery, dispatch, event, outgoing, record_of},
    fakes::HandClock,
};

/// The receiving half of an adapter under test.
#[async_trait]
pub trait Receiving: TaskQueue {
    /// Some of what is due, at most so many. Each is handed out to nobody else meanwhile.
    async fn receive(&self, queue: Queue, most: usize) -> PortResult<Vec<Received>>;

    /// Done: it is not handed out again.
    async fn acknowledge(&self, received: &Received) -> PortResult<()>;

    /// Not done: it is handed out again, after this delay.
    async fn release(&self, received: &Received, delay: Duration) -> PortResult<()>;

    /// Lets time pass: moves the clock by hand where the adapter goes by one, sleeps otherwise.
    async fn wait(&self, span: Duration);
}

/// A task that was handed out.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// What the adapter knows it by.
    pub handle: String,
    /// The task.
    pub task: Task,
    /// How often it was handed out, this time included.
    pub receives: u32,
}

type Subject = Arc<dyn Receiving>;

/// Long enough to see that a task waits, short enough to wait for it.
const DELAY: Duration = Duration::from_secs(2);

/// How often a suite asks before it believes that a queue has nothing more to hand out.
const TRIES: usize = 20;

/// Holds a queue to its promise. `fresh` makes an empty one that goes by this clock.
pub async fn run(fresh: impl AsyncFn(HandClock) -> Subject) {
    check_each!(fresh(HandClock::default()).await =>
        every_kind_of_task_arrives_as_it_was_sent,
        the_two_queues_are_apart,
        a_sending_of_many_arrives_whole,
        sending_nothing_sends_nothing,
        no_more_is_handed_out_than_was_asked_for,
        a_task_is_not_handed_out_before_it_is_due,
        a_delay_beyond_the_longest_is_refused_with_all_that_was_sent_beside_it,
        what_is_in_hand_is_handed_to_nobody_else,
        what_was_acknowledged_never_comes_back,
        what_was_released_comes_back_after_its_delay_and_is_counted,
        receivers_at_once_share_the_tasks,
        senders_at_once_lose_nothing,
    );
}

/// A task that is like no other.
fn task() -> Task {
    dispatch(event())
}

/// Everything that a queue hands out now, as long as it is no more than this.
async fn drain(queue: &Subject, which: Queue, expected: usize) -> PortResult<Vec<Received>> {
    let mut received = Vec::new();
    for _ in 0..TRIES {
        received.extend(queue.receive(which, 10).await?);
        if received.len() >= expected {
            break;
        }
    }
    Ok(received)
}

fn tasks(received: &[Received]) -> Vec<Task> {
    let mut tasks: Vec<_> = received.iter().map(|it| it.task.clone()).collect();
    tasks.sort_by_key(Task::encode);
    tasks
}

fn sorted(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by_key(Task::encode);
    tasks
}

async fn nothing_is_due(queue: &Subject) -> PortResult<bool> {
    Ok(queue.receive(Queue::Events, 10).await?.is_empty())
}

async fn every_kind_of_task_arrives_as_it_was_sent(queue: &Subject) -> PortResult<()> {
    let delivery = delivery();
    let sent = vec![
        dispatch(event()),
        Task::Deliver { event: Box::new(event()), owed: vec![Owed::from(&delivery)] },
        Task::Retry(Box::new(Retry {
            delivery: delivery.clone(),
            attempt: 2,
            due: at(5),
            waits_since: None,
        })),
        Task::Record(Box::new(record_of(delivery, attempt_step(1), State::Delivered))),
    ];
    queue.send(sent.iter().cloned().map(outgoing).collect()).await?;
    let received = drain(queue, Queue::Events, sent.len()).await?;
    assert_eq!(tasks(&received), sorted(sent));
    assert!(received.iter().all(|it| it.receives == 1), "{received:?}");
    Ok(())
}

async fn the_two_queues_are_apart(queue: &Subject) -> PortResult<()> {
    let (fresh, failed) = (task(), task());
    let retry = Outgoing { queue: Queue::Retries, ..outgoing(failed.clone()) };
    queue.send(vec![outgoing(fresh.clone()), retry]).await?;
    assert_eq!(tasks(&drain(queue, Queue::Events, 1).await?), [fresh]);
    assert_eq!(tasks(&drain(queue, Queue::Retries, 1).await?), [failed]);
    Ok(())
}

async fn a_sending_of_many_arrives_whole(queue: &Subject) -> PortResult<()> {
    let filler = "x".repeat(20 * 1024);
    let large = |_| dispatch(Event { data: data(json!({"filler": filler})), ..event() });
    let sent: Vec<_> = (0..40).map(large).collect();
    queue.send(sent.iter().cloned().map(outgoing).collect()).await?;
    assert_eq!(tasks(&drain(queue, Queue::Events, 40).await?), sorted(sent));
    Ok(())
}

async fn sending_nothing_sends_nothing(queue: &Subject) -> PortResult<()> {
    queue.send(Vec::new()).await?;
    assert!(nothing_is_due(queue).await?);
    Ok(())
}

async fn no_more_is_handed_out_than_was_asked_for(queue: &Subject) -> PortResult<()> {
    queue.send((0..5).map(|_| outgoing(task())).collect()).await?;
    assert!(queue.receive(Queue::Events, 2).await?.len() <= 2);
    Ok(())
}

async fn a_task_is_not_handed_out_before_it_is_due(queue: &Subject) -> PortResult<()> {
    let (now, later) = (task(), task());
    let delayed = Outgoing { delay: DELAY, ..outgoing(later.clone()) };
    queue.send(vec![delayed, outgoing(now.clone())]).await?;
    assert_eq!(tasks(&drain(queue, Queue::Events, 1).await?), [now]);
    assert!(nothing_is_due(queue).await?, "the other one is not due");
    queue.wait(DELAY).await;
    assert_eq!(tasks(&drain(queue, Queue::Events, 1).await?), [later]);
    Ok(())
}

async fn a_delay_beyond_the_longest_is_refused_with_all_that_was_sent_beside_it(
    queue: &Subject,
) -> PortResult<()> {
    let too_long = Outgoing { delay: LONGEST_DELAY + DELAY, ..outgoing(task()) };
    assert!(queue.send(vec![outgoing(task()), too_long]).await.is_err());
    assert!(nothing_is_due(queue).await?, "nothing was sent");
    let longest = Outgoing { delay: LONGEST_DELAY, ..outgoing(task()) };
    queue.send(vec![longest]).await
}

async fn what_is_in_hand_is_handed_to_nobody_else(queue: &Subject) -> PortResult<()> {
    queue.send(vec![outgoing(task())]).await?;
    assert_eq!(drain(queue, Queue::Events, 1).await?.len(), 1);
    assert!(nothing_is_due(queue).await?);
    Ok(())
}

async fn what_was_acknowledged_never_comes_back(queue: &Subject) -> PortResult<()> {
    let kept = task();
    queue.send(vec![outgoing(task())]).await?;
    let done = drain(queue, Queue::Events, 1).await?;
    queue.acknowledge(&done[0]).await?;
    queue.acknowledge(&done[0]).await?;
    queue.send(vec![outgoing(kept.clone())]).await?;
    queue.wait(DELAY).await;
    assert_eq!(tasks(&drain(queue, Queue::Events, 1).await?), [kept], "and harms no other");
    Ok(())
}

async fn what_was_released_comes_back_after_its_delay_and_is_counted(
    queue: &Subject,
) -> PortResult<()> {
    let sent = task();
    queue.send(vec![outgoing(sent.clone())]).await?;
    let first = drain(queue, Queue::Events, 1).await?;
    queue.release(&first[0], DELAY).await?;
    assert!(nothing_is_due(queue).await?, "its delay is not over");
    queue.wait(DELAY).await;
    let second = drain(queue, Queue::Events, 1).await?;
    queue.release(&second[0], Duration::ZERO).await?;
    let third = drain(queue, Queue::Events, 1).await?;
    let receives: Vec<_> = [&first, &second, &third].map(|it| it[0].receives).into();
    assert_eq!(receives, [1, 2, 3]);
    assert_eq!(tasks(&third), [sent]);
    Ok(())
}

async fn receivers_at_once_share_the_tasks(queue: &Subject) -> PortResult<()> {
    let sent: Vec<_> = (0..60).map(|_| task()).collect();
    queue.send(sent.iter().cloned().map(outgoing).collect()).await?;
    let racers = (0..6).map(|_| {
        let queue = Arc::clone(queue);
        async move { drain(&queue, Queue::Events, 10).await }
    });
    let shares: PortResult<Vec<_>> = races::run(racers).await.into_iter().collect();
    let mut received = shares?.concat();
    received.extend(drain(queue, Queue::Events, 60 - received.len().min(60)).await?);
    assert_eq!(tasks(&received), sorted(sent), "each to one of them");
    Ok(())
}

async fn senders_at_once_lose_nothing(queue: &Subject) -> PortResult<()> {
    let sent: Vec<_> = (0..30).map(|_| task()).collect();
    let racers = sent.clone().into_iter().map(|task| {
        let queue = Arc::clone(queue);
        async move { queue.send(vec![outgoing(task)]).await }
    });
    races::run(racers).await.into_iter().collect::<PortResult<()>>()?;
    assert_eq!(tasks(&drain(queue, Queue::Events, 30).await?), sorted(sent));
    Ok(())
}

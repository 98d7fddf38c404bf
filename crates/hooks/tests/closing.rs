//! Working on borrowed time: what is not begun in time is sent on, and nothing is lost or doubled.

use std::{pin::pin, time::Duration};

use futures_util::poll;
use hooks::{
    closing::Closing,
    delivery::State,
    dispatch::{Dispatcher, Handled},
    hook::{Draft, Snooze},
    task::Task,
};
use testkit::{builders::draft, fakes::Script};
use tokio::sync::oneshot;

use crate::world::{World, change};

/// A moment that has come already.
fn at_once() -> Closing {
    Closing::when(std::future::ready(()))
}

/// A moment that comes when it is told to.
fn when_told() -> (oneshot::Sender<()>, Closing) {
    let (tell, told) = oneshot::channel();
    (tell, Closing::when(async { drop(told.await) }))
}

fn is_done(handled: &[Handled]) -> bool {
    handled.iter().all(|it| matches!(it, Handled::Done))
}

fn last_sent(world: &World) -> Task {
    world.queue.sent().pop().expect("something was sent").outgoing.task
}

#[tokio::test]
async fn first_attempts_of_one_event_that_were_not_begun_are_sent_on_in_one_task() {
    let world = World::new();
    let hooks = [world.hook(draft()).await, world.hook(draft()).await];
    let event = world.accept(vec![change()]).await[0];
    assert!(is_done(&world.run_until(&at_once()).await), "giving it back would count against it");
    assert!(world.handlers.runs().is_empty());

    assert_eq!(world.queue.depth(), 1);
    let Task::Deliver { owed, .. } = last_sent(&world) else { panic!("another task") };
    assert_eq!(owed.len(), 2);
    world.run().await;
    let mut run = world.handlers.hooks_run();
    run.sort();
    let mut expected = hooks;
    expected.sort();
    assert_eq!(run, expected, "each once");
    for hook in hooks {
        let (_, state) = world.standing(world.delivery(hook, event).await).await;
        assert_eq!(state, State::Delivered);
    }
}

#[tokio::test]
async fn a_continuation_may_run_out_of_time_too() {
    let world = World::new();
    world.hook(draft()).await;
    world.accept(vec![change()]).await;
    for _ in 0..3 {
        assert!(is_done(&world.run_until(&at_once()).await));
        assert_eq!(world.queue.depth(), 1, "never more than one");
    }
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 1);
}

#[tokio::test]
async fn what_waits_for_room_is_sent_on_and_what_runs_may_end() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, Script::Hang);
    let most = Dispatcher::MOST_IN_FLIGHT_OF_A_HOOK;
    let events = world.accept(vec![change(); most + 6]).await;

    let (tell, closing) = when_told();
    let mut running = pin!(world.run_until(&closing));
    assert!(poll!(&mut running).is_pending());
    assert_eq!(world.handlers.runs().len(), most, "as many as there is room for");
    tell.send(()).unwrap();
    assert!(poll!(&mut running).is_pending(), "those that run go on");
    world.handlers.let_go();
    assert!(is_done(&running.await));
    assert_eq!(world.handlers.runs().len(), most, "and none was begun after closing");

    world.run().await;
    let mut run: Vec<_> = world.handlers.runs().iter().map(|it| it.event.id).collect();
    run.sort();
    let mut expected = events;
    expected.sort();
    assert_eq!(run, expected, "each event once");
}

#[tokio::test]
async fn a_retry_that_was_not_begun_keeps_its_attempt_and_its_row() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    let before = world.standing(delivery).await;

    world.clock.advance(Duration::from_secs(7));
    assert!(is_done(&world.run_until(&at_once()).await));
    assert_eq!(world.standing(delivery).await, before, "it is no attempt");
    assert_eq!(world.queue.depth(), 1);
    let Task::Retry(retry) = last_sent(&world) else { panic!("another task") };
    assert_eq!(retry.attempt, 2);
    world.run().await;
    assert_eq!(world.standing(delivery).await.1, State::Delivered);
}

#[tokio::test]
async fn an_event_that_passed_its_gate_is_not_gated_again() {
    let world = World::new();
    world
        .hook(Draft { on_change: Some(true), snooze: Some(Snooze::seconds(3_600)), ..draft() })
        .await;
    world.accept(vec![change()]).await;
    assert!(is_done(&world.run_until(&at_once()).await));
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 1, "its own mark does not hold it");
}

#[tokio::test]
async fn what_could_not_be_sent_on_is_given_back() {
    let world = World::new();
    world.hook(draft()).await;
    world.accept(vec![change()]).await;
    world.queue.fail_next();
    let handled = world.run_until(&at_once()).await;
    assert!(matches!(handled[..], [Handled::Again(_)]), "{handled:?}");
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 1);
}

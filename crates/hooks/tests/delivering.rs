//! Attempts, what follows from them, and what a crash leaves behind.

use std::time::Duration;

use hooks::{
    access::By,
    deliver::DeliveryLog,
    delivery::{ExhaustedReason, State, Status, Step},
    dispatch::{Dispatcher, Handled, Message},
    event::Event,
    handler::Handler,
    hook::Draft,
    name::Scope,
    ports::{Clock as _, Ledger as _, TaskQueue as _},
    task::{Queue, Task},
    trace::TraceParent,
};
use testkit::{
    builders::{draft, event, outgoing},
    fakes::{LedgerCall, Script},
};

use crate::world::{World, a_webhook, change};

const fn step(attempt: u32) -> Step {
    Step { run: 0, attempt }
}

#[tokio::test]
async fn a_failed_attempt_is_made_again_on_the_schedule() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    let (at_step, state) = world.standing(delivery).await;
    assert_eq!((at_step, state.status()), (step(1), Status::Pending));

    world.advance(Duration::from_secs(3)).await;
    assert_eq!(world.handlers.runs().len(), 1, "not before 4 s");
    world.advance(Duration::from_secs(4)).await;
    assert_eq!(world.handlers.runs().len(), 2, "after 6 s at the latest");
    assert_eq!(world.standing(delivery).await, (step(2), State::Delivered));
    let ids: Vec<_> = world.handlers.runs().iter().map(|it| it.delivery).collect();
    assert_eq!(ids, [delivery, delivery], "the same webhook-id on every attempt");
}

#[tokio::test]
async fn the_schedule_ends_after_ten_attempts_and_every_one_is_in_the_ledger() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, Script::FAIL);
    let event = world.publish(change()).await;
    for _ in 0..9 {
        world.advance_to_next_attempt().await;
    }
    let delivery = world.delivery(hook, event).await;
    let reason = ExhaustedReason::ScheduleOver;
    assert_eq!(world.standing(delivery).await, (step(10), State::Exhausted { reason }));
    assert_eq!(world.queue.depth(), 0, "nothing is left to do");
    let entry = world.ledger.delivery(delivery, world.clock.now()).await.unwrap().unwrap();
    let attempts: Vec<_> = entry.attempts.iter().map(|it| it.step.attempt).collect();
    assert_eq!(attempts, (1..=10).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_the_failing_hook_is_retried() {
    let world = World::new();
    let (failing, healthy) = (world.hook(draft()).await, world.hook(draft()).await);
    world.handlers.next(failing, [Script::FAIL]);
    world.publish(change()).await;
    world.advance(Duration::from_secs(10)).await;
    let runs = world.handlers.hooks_run();
    assert_eq!(runs.iter().filter(|it| **it == failing).count(), 2);
    assert_eq!(runs.iter().filter(|it| **it == healthy).count(), 1);
}

#[tokio::test]
async fn a_failure_for_good_is_not_retried() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let reason = ExhaustedReason::TemplateError;
    world.handlers.next(hook, [Script::FailForGood(reason)]);
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    assert_eq!(world.standing(delivery).await, (step(1), State::Exhausted { reason }));
    assert_eq!(world.retries_sent(), 0);
}

#[tokio::test]
async fn a_panic_ends_one_delivery_and_no_other() {
    let world = World::new();
    let (panicking, healthy) = (world.hook(draft()).await, world.hook(draft()).await);
    world.handlers.next(panicking, [Script::Panic]);
    let event = world.publish(change()).await;
    let reason = ExhaustedReason::Panicked;
    let (_, state) = world.standing(world.delivery(panicking, event).await).await;
    assert_eq!(state, State::Exhausted { reason });
    let (_, state) = world.standing(world.delivery(healthy, event).await).await;
    assert_eq!(state, State::Delivered);
}

/// Breaks when the retry is sent after the attempt is recorded.
#[tokio::test]
async fn a_retry_that_could_not_be_sent_is_not_recorded_as_pending() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL, Script::Succeed]);
    world.accept(vec![change()]).await;
    world.queue.fail_next();
    let handled = world.run_once().await;
    assert!(matches!(handled[..], [Handled::Again(_)]), "{handled:?}");

    world.run().await;
    assert_eq!(world.handlers.runs().len(), 2, "made again, for nobody would have else");
}

#[tokio::test]
async fn a_success_that_could_not_be_recorded_is_not_made_again() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.ledger.fail_next(LedgerCall::Record);
    let event = world.publish(change()).await;
    world.advance(Duration::from_secs(1)).await;
    assert_eq!(world.handlers.runs().len(), 1);
    let delivery = world.delivery(hook, event).await;
    assert_eq!(world.standing(delivery).await, (step(1), State::Delivered), "recorded later");
}

#[tokio::test]
async fn a_message_handed_over_again_does_only_what_is_left() {
    let world = World::new();
    let (quick, hanging) = (world.hook(draft()).await, world.hook(draft()).await);
    world.handlers.next(hanging, [Script::Hang]);
    world.accept(vec![change()]).await;

    world.run_and_crash().await;
    world.run().await;

    let runs = world.handlers.hooks_run();
    assert_eq!(runs.iter().filter(|it| **it == quick).count(), 1, "was recorded before the crash");
    assert_eq!(runs.iter().filter(|it| **it == hanging).count(), 2);
}

#[tokio::test]
async fn a_retry_handed_over_twice_is_made_once() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    world.publish(change()).await;
    let retry = world.queue.sent().into_iter().find(|it| it.outgoing.queue == Queue::Retries);
    world.queue.send(vec![retry.unwrap().outgoing]).await.unwrap();
    world.advance(Duration::from_secs(10)).await;
    assert_eq!(world.handlers.runs().len(), 2, "one first attempt, one retry");
}

#[tokio::test]
async fn packed_events_that_come_again_travel_alone() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::Succeed, Script::Hang]);
    world.accept(vec![change(), change(), change()]).await;
    world.run_and_crash().await;
    let begun = world.handlers.runs().len();

    assert!(matches!(world.run_once().await[..], [Handled::Done]));
    assert_eq!(world.handlers.runs().len(), begun, "split before anything runs");
    assert_eq!(world.queue.depth(), 3);
    world.run().await;
    assert_eq!(world.queue.depth(), 0);
}

#[tokio::test]
async fn what_was_done_of_packed_events_is_not_done_again_after_the_split() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::Succeed, Script::Succeed, Script::Hang]);
    world.accept(vec![change(), change(), change()]).await;
    world.run_and_crash().await;
    assert_eq!(world.handlers.runs().len(), 3, "two recorded, one hanging");
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 4, "only the one that hung is made again");
}

/// A crash between sending a retry and recording its attempt leaves a retry that nobody needs.
#[tokio::test]
async fn a_leftover_retry_of_what_was_delivered_is_dropped() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    let entry = world.ledger.delivery(delivery, world.clock.now()).await.unwrap().unwrap();
    let leftover = hooks::task::Retry {
        delivery: entry.delivery,
        attempt: 2,
        due: world.clock.now(),
        waits_since: None,
    };
    world.queue.send(vec![outgoing(Task::Retry(Box::new(leftover)))]).await.unwrap();
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 1);
    assert_eq!(world.standing(delivery).await, (step(1), State::Delivered));
}

#[tokio::test]
async fn a_hook_that_hangs_leaves_room_for_others() {
    let world = World::new();
    let (hanging, healthy) = (world.hook(draft()).await, world.hook(draft()).await);
    world.handlers.always(hanging, Script::Hang);
    let many = 2 * Dispatcher::MOST_IN_FLIGHT;
    world.accept((0..many).map(|_| change()).collect()).await;
    world.run_and_crash().await;
    let runs = world.handlers.hooks_run();
    let of = |hook| runs.iter().filter(|it| **it == hook).count();
    assert_eq!(of(hanging), Dispatcher::MOST_IN_FLIGHT_OF_A_HOOK);
    assert!(of(healthy) > Dispatcher::MOST_IN_FLIGHT_OF_A_HOOK, "{}", of(healthy));
}

#[tokio::test]
async fn what_a_message_cannot_hold_is_sent_on() {
    let world = World::new();
    for _ in 0..=2 * Dispatcher::MOST_OF_A_MESSAGE {
        world.hook(draft()).await;
    }
    world.accept(vec![change()]).await;
    world.run_once().await;
    assert_eq!(world.handlers.runs().len(), Dispatcher::MOST_OF_A_MESSAGE);
    world.run().await;
    let mut runs = world.handlers.hooks_run();
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len(), 2 * Dispatcher::MOST_OF_A_MESSAGE + 1, "everybody, once");
}

#[tokio::test]
async fn a_disabled_hooks_deliveries_are_parked_retries_too() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let retried = world.publish(change()).await;
    world.change(hook, |draft| draft.enabled = Some(false)).await;
    let fresh = world.publish(change()).await;
    world.advance(Duration::from_secs(10)).await;

    assert_eq!(world.handlers.runs().len(), 1);
    for (event, expected) in [(retried, step(2)), (fresh, step(1))] {
        let delivery = world.delivery(hook, event).await;
        assert_eq!(world.standing(delivery).await, (expected, State::Parked));
    }
}

#[tokio::test]
async fn what_a_deleted_hook_is_owed_is_cancelled() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    world.hooks.delete(&By::default(), &Scope::All, hook).await.unwrap();
    world.advance(Duration::from_secs(10)).await;
    assert_eq!(world.standing(delivery).await, (step(2), State::Cancelled));
    assert_eq!(world.handlers.runs().len(), 1);
}

#[tokio::test]
async fn a_hook_made_again_under_its_old_id_owes_nothing_of_the_old_one() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    world.hooks.delete(&By::default(), &Scope::All, hook).await.unwrap();
    let workspace = hooks::name::Workspace::default_workspace();
    world.hooks.create(&By::default(), &workspace, Some(hook), draft(), None).await.unwrap();
    world.advance(Duration::from_secs(10)).await;
    assert_eq!(world.standing(delivery).await, (step(2), State::Cancelled));
    assert_eq!(world.handlers.runs().len(), 1);
}

#[tokio::test]
async fn a_long_delay_is_reached_in_hops_that_are_no_attempts() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, Script::FAIL);
    let event = world.publish(change()).await;
    for _ in 0..4 {
        world.advance_to_next_attempt().await;
    }
    let delivery = world.delivery(hook, event).await;
    assert_eq!(world.standing(delivery).await.0, step(5), "the next step takes half an hour");
    for _ in 0..4 {
        world.advance(Duration::from_mins(5)).await;
    }
    assert_eq!(world.standing(delivery).await.0, step(5), "20 minutes are not enough");
    assert_eq!(world.handlers.runs().len(), 5);
    world.advance_to_next_attempt().await;
    assert_eq!(world.standing(delivery).await.0, step(6));
}

#[tokio::test]
async fn each_attempt_sees_the_hook_as_it_is_then() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    world.publish(change()).await;
    world.change(hook, |draft| draft.on_change = Some(false)).await;
    world.advance(Duration::from_secs(10)).await;
    let versions: Vec<_> = world.handlers.runs().iter().map(|it| it.version).collect();
    assert_eq!(versions, [1, 2]);
}

#[tokio::test]
async fn a_log_of_failures_keeps_what_did_not_succeed_at_once() {
    let world = World::keeping(DeliveryLog::Failures);
    let hook = world.hook(draft()).await;
    let smooth = world.publish(change()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let rough = world.publish(change()).await;
    world.advance(Duration::from_secs(10)).await;
    let (smooth, rough) = (world.delivery(hook, smooth).await, world.delivery(hook, rough).await);
    assert!(world.ledger.delivery(smooth, world.clock.now()).await.unwrap().is_none());
    assert_eq!(world.standing(rough).await, (step(2), State::Delivered));
}

#[tokio::test]
async fn making_a_webhook_sends_a_ping_through_the_queue() {
    let world = World::new();
    let hook = world.hook(a_webhook()).await;
    assert_eq!(world.queue.depth(), 1);
    world.handlers.next(hook, [Script::FAIL]);
    world.run().await;
    world.advance(Duration::from_secs(10)).await;
    let runs = world.handlers.runs();
    assert_eq!(runs.len(), 2, "retried as any delivery");
    let ping = &runs[0].event;
    assert_eq!((ping.source.as_str(), ping.event.as_str()), ("kong:event_hooks", "ping"));
    assert_eq!(ping.data.text("operation"), Some("create"));
}

#[tokio::test]
async fn making_a_hook_of_another_kind_sends_none() {
    let world = World::new();
    world.hook(Draft { handler: Handler::Log {}, ..draft() }).await;
    assert_eq!(world.queue.depth(), 0);
}

#[tokio::test]
async fn a_message_that_is_no_task_is_poison_and_harms_no_other() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let message = |body: String| Message { body, receives: 1 };
    let good = outgoing(Task::Dispatch { events: vec![event()], again: false }).task.encode();
    let handled = world
        .hand_over(vec![message("{".to_owned()), message(good), message(r#"{"v":9}"#.to_owned())])
        .await;
    assert!(
        matches!(handled[..], [Handled::Poison(_), Handled::Done, Handled::Poison(_)]),
        "{handled:?}"
    );
    assert_eq!(world.handlers.hooks_run(), [hook]);
}

#[tokio::test]
async fn each_attempt_is_a_span_of_its_own_in_the_events_trace() {
    let parent: TraceParent =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    world.enqueue(vec![Event { trace: Some(parent), ..event() }]).await;
    world.run().await;
    world.advance(Duration::from_secs(7)).await;
    let spans: Vec<_> = world.handlers.runs().iter().map(|it| it.event.trace.unwrap()).collect();
    let [first, second] = spans[..] else { panic!("{spans:?}") };
    assert!(spans.iter().all(|it| it.trace_id() == parent.trace_id()));
    assert_ne!(first.span_id(), second.span_id());
    assert!(spans.iter().all(|it| it.span_id() != parent.span_id()));
}

//! A receiver that is not doing well: the circuit, and slow hooks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hooks::{
    deliver::DeliveryLog,
    delivery::{
        Delivery, ExhaustedReason, Failure, FailureClass, HandlerResult, Outcome, PendingReason,
        Report, State, Status, Step,
    },
    dispatch::{Dispatcher, Handled},
    health::{HOP, Health, OPENS_AFTER, PROBE_LEASE},
    id::{DeliveryId, HookId},
    name::Scope,
    ports::{Clock as _, HookStore as _, Ledger as _, TaskQueue as _},
    task::{Owed, Task},
};
use testkit::{
    builders::draft,
    fakes::{LedgerCall, Script},
};

use crate::world::{World, change};

const fn step(attempt: u32) -> Step {
    Step { run: 0, attempt }
}

fn waiting(world: &World, reason: PendingReason, wait: Duration) -> State {
    State::Pending { due: world.clock.now() + wait, reason }
}

/// A hook whose circuit five deliveries have just opened.
async fn shut(world: &World) -> (HookId, Vec<DeliveryId>) {
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, Script::FAIL);
    let mut failed = Vec::new();
    for _ in 0..OPENS_AFTER {
        let event = world.publish(change()).await;
        failed.push(world.delivery(hook, event).await);
    }
    (hook, failed)
}

/// A hook whose circuit stays open, for somebody has a probe for ever.
async fn shut_for_ever(world: &World) -> HookId {
    let hook = world.hook(draft()).await;
    let until = Some(world.clock.now() + Duration::from_hours(1_000));
    world.set_health(hook, |it| Health { failures: 5, probe_until: until, ..it }).await;
    hook
}

async fn all_stand(world: &World, deliveries: &[DeliveryId], status: Status) {
    for delivery in deliveries {
        let (at, state) = world.standing(*delivery).await;
        assert_eq!(state.status(), status, "{at:?}: {state:?}");
    }
}

#[tokio::test]
async fn after_five_failures_first_attempts_are_put_off() {
    let world = World::new();
    let (hook, _) = shut(&world).await;
    assert_eq!(world.handlers.runs().len(), 5);
    let other = world.hook(draft()).await;

    let event = world.publish(change()).await;

    assert_eq!(world.handlers.hooks_run().last(), Some(&other), "another hook is not concerned");
    assert_eq!(world.handlers.runs().len(), 6, "this one is not tried");
    let delivery = world.delivery(hook, event).await;
    let expected = waiting(&world, PendingReason::Circuit, HOP);
    assert_eq!(world.standing(delivery).await, (step(0), expected), "that was no attempt");
    let retries = world.retries_of(delivery);
    assert_eq!(retries.len(), 1);
    assert_eq!((retries[0].0.attempt, retries[0].1), (1, world.clock.now() + HOP));
}

#[tokio::test]
async fn one_probe_at_a_time_finds_out_and_its_success_lets_the_others_follow() {
    let world = World::new();
    let (hook, mut deliveries) = shut(&world).await;
    for _ in 0..20 {
        let event = world.publish(change()).await;
        deliveries.push(world.delivery(hook, event).await);
    }
    world.handlers.next(hook, [Script::Hang]);
    world.clock.advance(HOP);
    world.run_and_crash().await;
    assert_eq!(world.handlers.runs().len(), 6, "of 25 that are due, one is made");
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 6, "and none until it has lost its lease");

    world.handlers.always(hook, Script::Succeed);
    world.advance(PROBE_LEASE).await;
    world.advance(HOP).await;
    all_stand(&world, &deliveries, Status::Delivered).await;
    assert_eq!(world.handlers.runs().len(), 6 + 25);
    let health = world.health(hook).await.unwrap();
    assert_eq!((health.failures, health.probe_until), (0, None));

    world.publish(change()).await;
    assert_eq!(world.handlers.runs().len(), 6 + 25 + 1, "first attempts are made at once again");
}

/// Breaks when the circuit is free for the next probe as soon as one has failed.
#[tokio::test]
async fn a_probe_that_fails_costs_no_other_delivery_an_attempt() {
    let world = World::new();
    let (hook, _) = shut(&world).await;
    let mut put_off = Vec::new();
    for _ in 0..20 {
        let event = world.publish(change()).await;
        put_off.push(world.delivery(hook, event).await);
    }
    for probes in 1..=4 {
        world.advance(HOP).await;
        assert_eq!(world.handlers.runs().len(), 5 + probes, "one for each time they come by");
    }
    let mut tried = 0;
    for delivery in put_off {
        let (at, state) = world.standing(delivery).await;
        assert_eq!(state.status(), Status::Pending);
        tried += at.attempt;
    }
    assert!(tried <= 4, "{tried} attempts");
}

#[tokio::test]
async fn what_waits_for_its_receiver_for_a_day_beyond_its_schedule_is_given_up() {
    let world = World::new();
    let hook = shut_for_ever(&world).await;
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    for _ in 0..96 {
        world.advance(HOP).await;
        assert_eq!(world.standing(delivery).await.1.status(), Status::Pending);
    }
    assert_eq!(world.names_said(), [""; 0]);
    world.advance(HOP).await;

    let reason = ExhaustedReason::ScheduleOver;
    assert_eq!(world.standing(delivery).await, (step(1), State::Exhausted { reason }));
    assert_eq!(world.handlers.runs(), [], "it was never tried");
    assert_eq!(world.names_said(), ["delivery-exhausted"]);
    assert_eq!(world.queue.depth(), 0);
}

#[tokio::test]
async fn a_change_of_the_hook_starts_afresh() {
    let world = World::new();
    let (hook, _) = shut(&world).await;
    world.handlers.always(hook, Script::Succeed);
    world.change(hook, |draft| draft.on_change = Some(false)).await;
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    assert_eq!(world.standing(delivery).await, (step(1), State::Delivered));
}

/// Breaks when the circuit is looked at only before room is waited for.
#[tokio::test]
async fn what_waits_for_room_while_the_circuit_opens_is_put_off() {
    let mut world = World::new();
    world.during_attempts(|_| {});
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, Script::FAIL);
    world.accept((0..150).map(|_| change()).collect()).await;
    world.run().await;
    let runs = world.handlers.runs().len();
    assert_eq!(runs, Dispatcher::MOST_IN_FLIGHT_OF_A_HOOK, "those that were on their way");
}

#[tokio::test]
async fn what_an_earlier_version_met_is_not_held_against_the_next() {
    let mut world = World::new();
    let hook = world.hook(draft()).await;
    let (store, ledger, now) = (world.store.clone(), world.ledger.clone(), world.clock.now());
    world.during_attempts(move |it| {
        let next = it.changed(it.draft.clone(), now);
        let health = Health { failures: 7, ..Health::unknown(next.version) };
        let known = async {
            store.replace(&next, it.version).await.unwrap();
            ledger.keep_health(it.id, it.generation, &health, 0, now + HOP).await.unwrap();
        };
        futures_util::FutureExt::now_or_never(known).expect("in memory");
    });
    world.handlers.next(hook, [Script::FAIL]);
    world.publish(change()).await;
    let health = world.health(hook).await.unwrap();
    assert_eq!((health.hook_version, health.failures), (2, 7));
}

#[tokio::test]
async fn what_fails_for_good_says_nothing_about_the_receiver() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, Script::FailForGood(ExhaustedReason::TemplateError));
    for _ in 0..2 * OPENS_AFTER {
        world.publish(change()).await;
    }
    assert_eq!(world.handlers.runs().len(), 10);
    assert_eq!(world.health(hook).await, None);
}

#[tokio::test]
async fn a_ledger_that_knows_no_health_stops_nobody() {
    let world = World::new();
    let (hook, failed) = shut(&world).await;
    world.handlers.always(hook, Script::Succeed);
    world.clock.advance(Duration::from_secs(10));
    world.ledger.fail_next(LedgerCall::Health);
    world.ledger.fail_next(LedgerCall::KeepHealth);
    world.run().await;
    assert!(world.handlers.runs().len() > 5, "the probe is made without leave");

    world.advance(HOP).await;
    world.advance(HOP).await;
    all_stand(&world, &failed, Status::Delivered).await;
}

#[tokio::test]
async fn a_healthy_hook_is_asked_about_once_a_second_and_not_written_about() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.publish(change()).await;
    world.ledger.fail_next(LedgerCall::Health);
    world.ledger.fail_next(LedgerCall::KeepHealth);
    world.clock.advance(Duration::from_millis(999));
    world.accept((0..50).map(|_| change()).collect()).await;
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 51);
    let hook = world.store.hook(hook).await.unwrap().unwrap();
    let now = world.clock.now();
    let asked = world.ledger.health(hook.id, hook.generation, now).await;
    assert!(asked.is_err(), "the call that fails was still to come");
    let health = Health::unknown(hook.version);
    let kept = world.ledger.keep_health(hook.id, hook.generation, &health, 0, now).await;
    assert!(kept.is_err(), "this one, too");
}

/// Breaks when the record goes first.
#[tokio::test]
async fn what_could_not_be_put_off_is_not_shown_as_waiting() {
    let world = World::new();
    let hook = shut_for_ever(&world).await;
    let event = world.accept(vec![change()]).await[0];
    world.queue.fail_next();
    assert!(matches!(world.run_once().await[..], [Handled::Again(_)]));
    let delivery = world.delivery(hook, event).await;
    assert!(world.ledger.delivery(delivery, world.clock.now()).await.unwrap().is_none());

    world.run().await;
    assert_eq!(world.standing(delivery).await.1.status(), Status::Pending);
    assert_eq!(world.retries_of(delivery).len(), 1);
}

#[tokio::test]
async fn that_it_waits_is_written_later_when_the_ledger_is_out_of_reach() {
    let world = World::new();
    let hook = shut_for_ever(&world).await;
    world.ledger.fail_next(LedgerCall::Record);
    let event = world.publish(change()).await;
    world.advance(Duration::from_secs(1)).await;
    let delivery = world.delivery(hook, event).await;
    let (at, state) = world.standing(delivery).await;
    assert_eq!((at, state.status()), (step(0), Status::Pending));
    assert_eq!(world.retries_of(delivery).len(), 1, "it was put off once");
}

#[tokio::test]
async fn what_was_put_off_is_not_put_off_again_when_its_message_comes_again() {
    let world = World::new();
    let (hook, hanging) = (shut_for_ever(&world).await, world.hook(draft()).await);
    world.handlers.next(hanging, [Script::Hang]);
    let event = world.accept(vec![change()]).await[0];
    world.run_and_crash().await;
    world.run().await;
    assert_eq!(world.handlers.hooks_run(), [hanging, hanging]);
    let delivery = world.delivery(hook, event).await;
    assert_eq!(world.retries_of(delivery).len(), 1, "one task stands for it");
}

#[tokio::test]
async fn a_continuation_that_comes_again_puts_nothing_off_again() {
    let world = World::new();
    let hook = shut_for_ever(&world).await;
    let found = world.store.hook(hook).await.unwrap().unwrap();
    let delivery = Delivery::first(&found, testkit::builders::event());
    let event = Box::new(delivery.event.clone());
    let task = Task::Deliver { event, owed: vec![Owed::from(&delivery)] };
    for _ in 0..3 {
        world.queue.send(vec![testkit::builders::outgoing(task.clone())]).await.unwrap();
        world.run().await;
    }
    assert_eq!(world.standing(delivery.id()).await.1.status(), Status::Pending);
    assert_eq!(world.retries_of(delivery.id()).len(), 1);
}

#[tokio::test]
async fn a_log_of_failures_is_told_how_what_waited_ends() {
    let world = World::keeping(DeliveryLog::Failures);
    let (hook, failed) = shut(&world).await;
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    assert_eq!(world.standing(delivery).await.1.status(), Status::Pending);
    world.handlers.always(hook, Script::Succeed);
    world.advance(HOP).await;
    world.advance(HOP).await;
    assert_eq!(world.standing(delivery).await, (step(1), State::Delivered));
    all_stand(&world, &failed, Status::Delivered).await;
}

/// A world whose attempts take so many milliseconds each, and the knob for that.
fn with_duration(took: u64) -> (World, Arc<AtomicU64>) {
    let mut world = World::new();
    let (clock, knob) = (world.clock.clone(), Arc::new(AtomicU64::new(took)));
    let span = Arc::clone(&knob);
    world.during_attempts(move |_| {
        clock.advance(Duration::from_millis(span.load(Ordering::Relaxed)));
    });
    (world, knob)
}

#[tokio::test]
async fn a_slow_hook_is_tried_from_the_other_queue_until_it_is_fast_again() {
    let (world, took) = with_duration(3_000);
    let hook = world.hook(draft()).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.runs().len(), 1, "nothing was known of it");

    let event = world.publish(change()).await;
    assert_eq!(world.handlers.runs().len(), 1, "the second one is put off");
    let delivery = world.delivery(hook, event).await;
    let expected = waiting(&world, PendingReason::Slow, Duration::from_secs(5));
    assert_eq!(world.standing(delivery).await, (step(0), expected));

    took.store(10, Ordering::Relaxed);
    world.advance(Duration::from_secs(5)).await;
    assert_eq!(world.standing(delivery).await, (step(1), State::Delivered));
    for _ in 0..3 {
        world.publish(change()).await;
        world.advance(Duration::from_secs(5)).await;
    }
    let runs = world.handlers.runs().len();
    world.publish(change()).await;
    assert_eq!(world.handlers.runs().len(), runs + 1, "made at once");
}

#[tokio::test]
async fn one_slow_hook_puts_off_no_other() {
    let (world, took) = with_duration(3_000);
    world.hook(draft()).await;
    world.publish(change()).await;
    took.store(0, Ordering::Relaxed);
    let other = world.hook(draft()).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run().last(), Some(&other));
    assert_eq!(world.handlers.runs().len(), 2);
}

#[tokio::test]
async fn a_disabled_hook_that_is_enabled_again_has_a_clean_slate() {
    let world = World::new();
    let (hook, _) = shut(&world).await;
    world.change(hook, |draft| draft.enabled = Some(false)).await;
    world.change(hook, |draft| draft.enabled = None).await;
    world.hooks.get(&Scope::All, hook).await.unwrap();
    let runs = world.handlers.runs().len();
    world.publish(change()).await;
    assert_eq!(world.handlers.runs().len(), runs + 1, "tried at once");
}

#[tokio::test]
async fn what_found_no_room_on_our_side_was_no_attempt_and_says_nothing_of_the_receiver() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let (class, reason) = (FailureClass::NotTried, "no worker became free".to_owned());
    let outcome = Outcome::Failed(Failure { class, reason });
    let not_tried = Script::Report(Report::without_request(outcome, HandlerResult::Nothing));
    world.handlers.next(hook, vec![not_tried; 6]);

    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    let expected = waiting(&world, PendingReason::Slow, Duration::from_secs(5));
    assert_eq!(world.standing(delivery).await, (step(0), expected));
    for _ in 0..20 {
        world.clock.advance(Duration::from_mins(1));
        world.run().await;
    }
    assert_eq!(world.standing(delivery).await, (step(1), State::Delivered));
    assert_eq!(world.handlers.runs().len(), 7, "no circuit opened in between");
}

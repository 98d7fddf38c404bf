//! Deliveries that are sent again: one of them, or all of a range.

use std::time::Duration;

use hooks::{
    access::By,
    deliver::DeliveryLog,
    delivery::{ExhaustedReason, PendingReason, State, Status, Step},
    dispatch::Handled,
    id::{DeliveryId, HookId, RecoveryId},
    name::Scope,
    ports::{Clock as _, Ledger as _, Recovery, RecoveryState, TaskQueue as _},
    replay::{Range, ReplayError, Replays},
    task::Task,
    time::Timestamp,
};
use testkit::{
    builders::{START, draft, workspace},
    fakes::{LedgerCall, Script},
};

use crate::world::{World, change};

const fn step(run: u32, attempt: u32) -> Step {
    Step { run, attempt }
}

const FOR_GOOD: Script = Script::FailForGood(ExhaustedReason::TemplateError);

async fn published(world: &World, hook: HookId) -> DeliveryId {
    let event = world.publish(change()).await;
    world.delivery(hook, event).await
}

async fn redeliver(world: &World, hook: HookId, delivery: DeliveryId) -> Result<u32, ReplayError> {
    world.replays.redeliver(&By::default(), &Scope::All, hook, delivery).await
}

/// A hook with so many deliveries that were parked, a second apart, and that is enabled again.
async fn with_parked(world: &World, many: usize) -> (HookId, Vec<DeliveryId>) {
    let hook = world.hook(draft()).await;
    world.change(hook, |draft| draft.enabled = Some(false)).await;
    let mut parked = Vec::new();
    for _ in 0..many {
        parked.push(published(world, hook).await);
        world.clock.advance(Duration::from_secs(1));
    }
    world.change(hook, |draft| draft.enabled = None).await;
    (hook, parked)
}

/// Everything since the beginning, in these states.
fn all(statuses: &[Status]) -> Range {
    Range { since: START, until: None, statuses: statuses.to_vec() }
}

async fn recover(world: &World, hook: HookId, range: Range) -> Recovery {
    world.replays.recover(&By::default(), &Scope::All, hook, range).await.unwrap()
}

async fn progress(world: &World, hook: HookId, id: RecoveryId) -> (u64, u64, RecoveryState) {
    let it = world.replays.recovery(&Scope::All, hook, id).await.unwrap();
    (it.accepted, it.done, it.state)
}

async fn stand(world: &World, deliveries: &[DeliveryId], expected: Status) {
    for delivery in deliveries {
        assert_eq!(world.standing(*delivery).await.1.status(), expected);
    }
}

/// How often each of these was tried.
fn tries(world: &World, deliveries: &[DeliveryId]) -> Vec<usize> {
    let runs = world.handlers.runs();
    let of = |id: &DeliveryId| runs.iter().filter(|it| it.delivery == *id).count();
    deliveries.iter().map(of).collect()
}

#[tokio::test]
async fn whatever_its_state_a_delivery_is_sent_again_under_its_id() {
    for (name, script) in [
        ("delivered", Script::Succeed),
        ("exhausted", FOR_GOOD),
        ("waiting for a retry", Script::FAIL),
    ] {
        let world = World::new();
        let hook = world.hook(draft()).await;
        world.handlers.next(hook, [script]);
        let delivery = published(&world, hook).await;
        assert_eq!(redeliver(&world, hook, delivery).await.unwrap(), 1, "{name}");
        let due = world.clock.now();
        let waiting = State::Pending { due, reason: PendingReason::Redelivery };
        assert_eq!(world.standing(delivery).await, (step(1, 0), waiting), "{name}");
        world.run().await;
        assert_eq!(world.standing(delivery).await, (step(1, 1), State::Delivered), "{name}");

        world.advance(Duration::from_mins(5)).await;
        assert_eq!(
            tries(&world, &[delivery]),
            [2],
            "{name}: what the first run had left is dropped"
        );
        assert_eq!(redeliver(&world, hook, delivery).await.unwrap(), 2, "{name}: and again");
        world.run().await;
        assert_eq!(world.standing(delivery).await, (step(2, 1), State::Delivered), "{name}");
    }
}

#[tokio::test]
async fn a_run_has_a_schedule_of_its_own() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let delivery = published(&world, hook).await;
    world.handlers.next(hook, [Script::FAIL]);
    redeliver(&world, hook, delivery).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(delivery).await.0, step(1, 1));
    world.advance(Duration::from_secs(10)).await;
    assert_eq!(world.standing(delivery).await, (step(1, 2), State::Delivered));
    let entry = world.ledger.delivery(delivery, world.clock.now()).await.unwrap().unwrap();
    let attempts: Vec<_> = entry.attempts.iter().map(|it| it.step).collect();
    assert_eq!(attempts, [step(0, 1), step(1, 1), step(1, 2)]);
}

#[tokio::test]
async fn what_cannot_be_sent_again_says_why() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let other = world.hook(draft()).await;
    let delivery = published(&world, hook).await;
    let unknown = "00000000-0000-0000-0000-000000000007".parse().unwrap();

    let elsewhere = Scope::Only(workspace("a"));
    let refused = world.replays.redeliver(&By::default(), &elsewhere, hook, delivery).await;
    assert!(matches!(refused, Err(ReplayError::NoHook(_))), "{refused:?}");
    let refused = redeliver(&world, HookId::random(), delivery).await;
    assert!(matches!(refused, Err(ReplayError::NoHook(_))), "{refused:?}");
    for (hook, delivery) in [(other, delivery), (hook, unknown)] {
        let refused = redeliver(&world, hook, delivery).await;
        assert!(matches!(refused, Err(ReplayError::NoDelivery(_))), "{refused:?}");
    }
    let begun = recover(&world, other, all(&Replays::USUAL)).await;
    let refused = world.replays.recovery(&Scope::All, hook, begun.id).await;
    assert!(matches!(refused, Err(ReplayError::NoRecovery(_))), "another hook's: {refused:?}");

    world.change(hook, |draft| draft.enabled = Some(false)).await;
    let refused = redeliver(&world, hook, delivery).await;
    assert!(matches!(refused, Err(ReplayError::Disabled(_))), "{refused:?}");
    let refused =
        world.replays.recover(&By::default(), &Scope::All, hook, all(&Replays::USUAL)).await;
    assert!(matches!(refused, Err(ReplayError::Disabled(_))), "{refused:?}");

    world.hooks.delete(&By::default(), &Scope::All, hook).await.unwrap();
    let here = hooks::name::Workspace::default_workspace();
    world.hooks.create(&By::default(), &here, Some(hook), draft(), None).await.unwrap();
    let refused = redeliver(&world, hook, delivery).await;
    assert!(matches!(refused, Err(ReplayError::AnotherLife(_))), "{refused:?}");
}

/// Breaks when the ledger is told first.
#[tokio::test]
async fn what_could_not_be_sent_again_stands_as_it_did() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let delivery = published(&world, hook).await;
    world.queue.fail_next();
    assert!(matches!(redeliver(&world, hook, delivery).await, Err(ReplayError::Port(_))));
    assert_eq!(world.standing(delivery).await, (step(0, 1), State::Delivered));

    world.ledger.fail_next(LedgerCall::Record);
    assert_eq!(redeliver(&world, hook, delivery).await.unwrap(), 1, "it is on its way");
    assert_eq!(world.standing(delivery).await, (step(0, 1), State::Delivered), "shown late");
    world.run().await;
    assert_eq!(world.standing(delivery).await, (step(1, 1), State::Delivered));
}

#[tokio::test]
async fn a_log_of_failures_is_told_how_a_redelivery_ends() {
    let world = World::keeping(DeliveryLog::Failures);
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [FOR_GOOD]);
    let delivery = published(&world, hook).await;
    redeliver(&world, hook, delivery).await.unwrap();
    world.run().await;
    assert_eq!(world.standing(delivery).await, (step(1, 1), State::Delivered));
}

#[tokio::test]
async fn a_range_is_sent_in_slices_and_says_how_far_it_is() {
    let world = World::new();
    let (hook, parked) = with_parked(&world, 60).await;
    let begun = recover(&world, hook, all(&[Status::Parked])).await;
    assert_eq!(begun.accepted, 60);
    assert_eq!(progress(&world, hook, begun.id).await, (60, 0, RecoveryState::Running));
    assert_eq!(world.handlers.runs(), [], "it is not waited for");

    world.run_once().await;
    assert_eq!(progress(&world, hook, begun.id).await, (60, 25, RecoveryState::Running));
    world.run_once().await;
    assert_eq!(progress(&world, hook, begun.id).await, (60, 50, RecoveryState::Running));
    world.run().await;
    assert_eq!(progress(&world, hook, begun.id).await, (60, 60, RecoveryState::Done));
    stand(&world, &parked, Status::Delivered).await;
    assert_eq!(tries(&world, &parked), [1; 60], "each once");
}

#[tokio::test]
async fn a_range_is_of_accepted_times_and_states_and_ends_when_it_was_asked_for() {
    let world = World::new();
    let (hook, parked) = with_parked(&world, 6).await;
    let delivered = published(&world, hook).await;
    world.handlers.next(hook, [FOR_GOOD]);
    let exhausted = published(&world, hook).await;
    world.clock.advance(Duration::from_secs(1));

    let second = |number: u64| START + Duration::from_secs(number);
    let until = |until| Some(until);
    for (name, since, until, statuses, expected) in [
        ("of one second", second(2), until(second(3)), &[Status::Parked][..], 1),
        ("from one on", second(4), None, &[Status::Parked], 2),
        ("asked for twice, met once", second(5), None, &[Status::Parked, Status::Parked], 1),
        ("to one", second(0), until(second(4)), &Replays::USUAL, 4),
        ("nothing in it", second(100), until(second(200)), &Replays::USUAL, 0),
        ("to the future: to now", second(0), until(second(9_999)), &Replays::USUAL, 7),
        ("another state", second(0), None, &[Status::Delivered], 1),
        ("all that can be", second(0), None, &Replays::STATUSES, 8),
        ("what may not be sent again", second(0), None, &[Status::Pending, Status::Cancelled], 0),
    ] {
        let range = Range { since, until, statuses: statuses.to_vec() };
        let begun = recover(&world, hook, range).await;
        assert_eq!(begun.accepted, expected, "{name}");
        // Not this time: each is asked for by itself.
        world.queue.take_all();
    }

    let asked = recover(&world, hook, all(&Replays::USUAL)).await;
    let Task::Recover(slice) = world.queue.sent().pop().unwrap().outgoing.task else {
        panic!("something else was sent last")
    };
    assert_eq!((slice.recovery, slice.until), (asked.id, world.clock.now()), "fixed by then");
    world.handlers.next(hook, [FOR_GOOD]);
    let later = published(&world, hook).await;
    world.run().await;
    stand(&world, &parked, Status::Delivered).await;
    assert_eq!(world.standing(exhausted).await.0.run, 1);
    assert_eq!(world.standing(delivered).await.0.run, 0, "nobody asked for it");
    assert_eq!(world.standing(later).await.0.run, 0, "accepted after the asking");
}

/// Time passes during attempts, as it does.
fn whose_time_passes() -> World {
    let mut world = World::new();
    let clock = world.clock.clone();
    world.during_attempts(move |_| clock.advance(Duration::from_millis(1)));
    world
}

#[tokio::test]
async fn what_a_recovery_has_sent_it_does_not_meet_again() {
    let world = whose_time_passes();
    let (hook, parked) = with_parked(&world, 30).await;
    let mut delivered = Vec::new();
    for _ in 0..30 {
        delivered.push(published(&world, hook).await);
    }
    world.clock.advance(Duration::from_secs(1));
    world.handlers.always(hook, FOR_GOOD);
    let begun = recover(&world, hook, all(&Replays::STATUSES)).await;
    world.run().await;
    assert_eq!(tries(&world, &parked), [1; 30]);
    assert_eq!(tries(&world, &delivered), [2; 30], "and not as exhausted ones once more");
    assert_eq!(progress(&world, hook, begun.id).await.2, RecoveryState::Done);
}

/// Time stands still: breaks when delivered ones are looked through after the others.
#[tokio::test]
async fn nor_does_it_within_a_millisecond() {
    let world = World::new();
    let (hook, parked) = with_parked(&world, 30).await;
    recover(&world, hook, all(&[Status::Parked, Status::Delivered])).await;
    world.run().await;
    assert_eq!(tries(&world, &parked), [1; 30]);
}

#[tokio::test]
async fn a_recovery_stops_when_its_hook_is_disabled_or_deleted() {
    for name in ["disabled", "deleted", "made again"] {
        let world = World::new();
        let (hook, parked) = with_parked(&world, 60).await;
        let begun = recover(&world, hook, all(&[Status::Parked])).await;
        world.run_once().await;
        if name == "disabled" {
            world.change(hook, |draft| draft.enabled = Some(false)).await;
        } else {
            world.hooks.delete(&By::default(), &Scope::All, hook).await.unwrap();
        }
        if name == "made again" {
            let here = hooks::name::Workspace::default_workspace();
            world.hooks.create(&By::default(), &here, Some(hook), draft(), None).await.unwrap();
        }
        world.run().await;
        let found = world.ledger.recovery(begun.id, world.clock.now()).await.unwrap().unwrap();
        assert_eq!((found.done, found.state), (25, RecoveryState::Stopped), "{name}");
        assert_eq!(world.handlers.runs(), [], "{name}");
        let sent = if name == "disabled" { Status::Parked } else { Status::Cancelled };
        stand(&world, &parked[35..], sent).await;
        stand(&world, &parked[..35], Status::Parked).await;
    }
}

/// The task of a recovery as it was sent first.
fn first_slice(world: &World) -> hooks::ports::Outgoing {
    let sent = world.queue.sent().into_iter().map(|it| it.outgoing);
    sent.into_iter().find(|it| matches!(it.task, Task::Recover(_))).unwrap()
}

/// What a crash between sending the rest and acknowledging a slice leaves behind.
#[tokio::test]
async fn a_slice_that_comes_again_when_it_was_seen_through_is_dropped() {
    let world = World::new();
    let (hook, parked) = with_parked(&world, 60).await;
    let begun = recover(&world, hook, all(&[Status::Parked])).await;
    world.run_once().await;
    world.queue.send(vec![first_slice(&world)]).await.unwrap();
    world.run().await;
    world.queue.send(vec![first_slice(&world)]).await.unwrap();
    world.run().await;

    assert_eq!(tries(&world, &parked), [1; 60]);
    assert_eq!(progress(&world, hook, begun.id).await, (60, 60, RecoveryState::Done));
    let is_slice = |it: &&testkit::fakes::Sent| matches!(it.outgoing.task, Task::Recover(_));
    let slices = world.queue.sent().iter().filter(is_slice).count();
    assert_eq!(slices, 1 + 3 + 2, "the first, what each left over, and the two that came again");
}

#[tokio::test]
async fn a_slice_that_fails_anywhere_is_seen_through_when_it_comes_again() {
    type Fault = fn(&World);
    let faults: [(&str, Fault); 6] = [
        ("the queue", |world| world.queue.fail_next()),
        ("the store", |world| world.store.fail_next()),
        ("reading the recovery", |world| world.ledger.fail_next(LedgerCall::Recovery)),
        ("the list", |world| world.ledger.fail_next(LedgerCall::Deliveries)),
        ("one delivery", |world| world.ledger.fail_next(LedgerCall::Delivery)),
        ("noting how far it is", |world| world.ledger.fail_next(LedgerCall::KeepRecovery)),
    ];
    for (name, fault) in faults {
        let world = World::new();
        let (hook, parked) = with_parked(&world, 60).await;
        let begun = recover(&world, hook, all(&[Status::Parked])).await;
        fault(&world);
        assert!(matches!(world.run_once().await[..], [Handled::Again(_)]), "{name}");
        world.run().await;
        assert_eq!(tries(&world, &parked), [1; 60], "{name}");
        assert_eq!(progress(&world, hook, begun.id).await.2, RecoveryState::Done, "{name}");
    }
}

#[tokio::test]
async fn what_was_sent_and_could_not_be_shown_is_made_once() {
    let world = World::new();
    let (hook, parked) = with_parked(&world, 10).await;
    recover(&world, hook, all(&Replays::USUAL)).await;
    world.ledger.fail_next(LedgerCall::Record);
    world.ledger.fail_next(LedgerCall::KeepRecovery);
    world.run().await;
    assert_eq!(tries(&world, &parked), [1; 10], "its second task finds that it is done");
}

#[tokio::test]
async fn what_is_recovered_waits_for_its_receiver_as_anything_else() {
    let world = World::new();
    let (hook, parked) = with_parked(&world, 3).await;
    let now: Timestamp = world.clock.now();
    let lease = Some(now + Duration::from_mins(1));
    world
        .set_health(hook, |it| hooks::health::Health { failures: 5, probe_until: lease, ..it })
        .await;
    recover(&world, hook, all(&Replays::USUAL)).await;
    world.run().await;
    for delivery in &parked {
        let (at, state) = world.standing(*delivery).await;
        assert_eq!(at, step(1, 0));
        assert!(
            matches!(state, State::Pending { reason: PendingReason::Circuit, .. }),
            "{state:?}"
        );
    }
    world.advance(hooks::health::HOP).await;
    stand(&world, &parked, Status::Delivered).await;
}

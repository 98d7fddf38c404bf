//! Hooks that are taken out of service: by their receivers, and by their failures.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use hooks::{
    delivery::{Failure, FailureClass, HandlerResult, Outcome, Report, State, Status, Step},
    health::{HOP, Health},
    hook::EventHook,
    id::{DeliveryId, OccurrenceId},
    ports::{Clock as _, HookStore as _, Ledger as _},
};
use testkit::{
    builders::draft,
    fakes::{LedgerCall, Script},
};

use crate::world::{World, change};

const fn step(attempt: u32) -> Step {
    Step { run: 0, attempt }
}

/// The receiver answers 410.
fn gone() -> Script {
    let class = FailureClass::Gone;
    let failure = Failure { class, reason: "receiver answered 410".to_owned() };
    let outcome = Outcome::Failed(failure);
    Script::Report(Report::without_request(outcome, HandlerResult::Nothing))
}

#[tokio::test]
async fn a_receiver_that_wants_no_more_disables_its_hook_and_is_left_alone() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let retried = world.publish(change()).await;
    world.handlers.always(hook, gone());
    world.accept(vec![change(), change()]).await;
    world.run().await;
    let later = world.publish(change()).await;
    world.advance(Duration::from_secs(10)).await;

    assert!(!world.is_enabled(hook).await);
    assert_eq!(world.handlers.runs().len(), 3, "both were on their way");
    assert_eq!(world.names_said(), ["hook-disabled"], "once");
    assert_eq!(world.said()[0].1["reason"], "gone");
    for (event, expected) in [(retried, step(2)), (later, step(1))] {
        let delivery = world.delivery(hook, event).await;
        assert_eq!(world.standing(delivery).await, (expected, State::Parked));
    }
}

#[tokio::test]
async fn the_delivery_that_met_410_is_parked_with_its_attempt() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, gone());
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    let entry = world.ledger.delivery(delivery, world.clock.now()).await.unwrap().unwrap();
    assert_eq!((entry.step, entry.state), (step(1), State::Parked));
    assert_eq!(entry.attempts[0].error.as_deref(), Some("receiver answered 410"));
    assert_eq!(world.retries_sent(), 0);
}

/// What an administrator does while an attempt runs that is answered 410, and what comes of it.
#[tokio::test]
async fn a_410_is_about_the_hook_that_was_tried_and_no_other() {
    type Deed = fn(EventHook) -> Option<EventHook>;
    let changed: Deed = |it| Some(it.changed(it.draft.clone(), it.updated_at));
    let disabled: Deed = |it| Some(it.disabled(it.updated_at));
    let removed: Deed = |_| None;
    for (name, deed, status, is_enabled) in [
        ("changed: it is tried again", changed, Status::Pending, Some(true)),
        ("disabled by somebody", disabled, Status::Parked, Some(false)),
        ("deleted", removed, Status::Cancelled, None),
    ] {
        let mut world = World::new();
        let hook = world.hook(draft()).await;
        let store = world.store.clone();
        world.during_attempts(move |it| {
            let done = futures_util::FutureExt::now_or_never(async {
                match deed(it.clone()) {
                    Some(next) => store.replace(&next, it.version).await,
                    None => store.remove(it).await,
                }
            });
            done.expect("in memory").unwrap();
        });
        world.handlers.next(hook, [gone()]);
        let found = world.store.hook(hook).await.unwrap().unwrap();
        let event = world.publish(change()).await;
        let delivery = DeliveryId::of(event, hook, found.generation);
        assert_eq!(world.standing(delivery).await.1.status(), status, "{name}");
        assert_eq!(world.names_said(), [""; 0], "{name}: nothing was disabled by the answer");
        let hook = world.store.hook(hook).await.unwrap();
        assert_eq!(hook.map(|it| it.is_enabled()), is_enabled, "{name}");
    }
}

/// What fails once while a 410 is seen to. Nothing of it is lost, nor done by halves.
#[tokio::test]
async fn a_410_is_seen_to_in_the_end() {
    for fault in ["the hook cannot be read", "nothing can be said", "nothing can be recorded"] {
        let mut world = World::new();
        let hook = world.hook(draft()).await;
        let (store, queue, ledger) =
            (world.store.clone(), world.queue.clone(), world.ledger.clone());
        let times = AtomicU64::new(0);
        world.during_attempts(move |_| {
            if times.fetch_add(1, Ordering::Relaxed) > 0 {
                return;
            }
            match fault {
                "the hook cannot be read" => store.fail_next(),
                "nothing can be said" => queue.fail_next(),
                _ => ledger.fail_next(LedgerCall::Record),
            }
        });
        world.handlers.always(hook, gone());
        let event = world.publish(change()).await;
        world.advance(Duration::from_secs(1)).await;
        let delivery = world.delivery(hook, event).await;
        assert_eq!(world.standing(delivery).await.1, State::Parked, "{fault}");
        assert!(!world.is_enabled(hook).await, "{fault}");
        assert_eq!(world.names_said(), ["hook-disabled"], "{fault}");
    }
}

#[tokio::test]
async fn a_hook_that_fails_for_five_days_is_disabled_and_not_before() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, Script::FAIL);
    let mut events: Vec<OccurrenceId> = Vec::new();
    for hour in 0..5 * 24 {
        assert!(world.is_enabled(hook).await, "after {hour} hours");
        events.push(world.publish(change()).await);
        world.advance(Duration::from_hours(1)).await;
    }
    world.advance(Duration::from_hours(1)).await;
    assert!(!world.is_enabled(hook).await);
    let disabled = |name: &String| name == "hook-disabled";
    assert_eq!(world.names_said().into_iter().filter(disabled).count(), 1);
    let said = world.said().into_iter().find(|(name, _)| disabled(name)).unwrap().1;
    assert_eq!(said["reason"], "failing");

    let runs = world.handlers.runs().len();
    world.advance(Duration::from_hours(24)).await;
    assert_eq!(world.handlers.runs().len(), runs, "nothing is tried any more");
    for event in events {
        let delivery = world.delivery(hook, event).await;
        let status = world.standing(delivery).await.1.status();
        assert!([Status::Parked, Status::Exhausted].contains(&status), "{status:?}");
    }
}

#[tokio::test]
async fn nine_failures_are_too_few_however_old() {
    for (failures, is_enabled) in [(8, true), (9, false)] {
        let world = World::new();
        let hook = world.hook(draft()).await;
        let since = world.clock.now() - Duration::from_hours(10 * 24);
        world.set_health(hook, |it| Health { failures, since, ..it }).await;
        world.handlers.always(hook, Script::FAIL);
        world.publish(change()).await;
        world.advance(HOP).await;
        assert_eq!(world.handlers.runs().len(), 1);
        assert_eq!(world.is_enabled(hook).await, is_enabled, "after {failures} and one more");
    }
}

//! Snooze and on_change, through the dispatcher, with crashes in between.

use std::time::Duration;

use hooks::access::By;
use hooks::hook::{Draft, Snooze};
use testkit::{
    builders::{at, draft, event_at},
    fakes::{LedgerCall, Script},
};

use crate::world::{World, change, said};

fn snoozing() -> Draft {
    Draft { snooze: Some(Snooze::seconds(60)), ..draft() }
}

fn on_change() -> Draft {
    Draft { on_change: Some(true), ..draft() }
}

#[tokio::test]
async fn a_snoozing_hook_fires_once_and_again_when_it_is_over() {
    let world = World::new();
    let hook = world.hook(snoozing()).await;
    world.publish(change()).await;
    world.advance(Duration::from_secs(59)).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run(), [hook]);

    world.advance(Duration::from_secs(1)).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run(), [hook, hook]);
}

#[tokio::test]
async fn an_on_change_hook_fires_when_key_parts_change() {
    let world = World::new();
    world.hook(on_change()).await;
    for (what, fired) in [("a", 1), ("a", 1), ("b", 2), ("b", 2), ("a", 3)] {
        world.advance(Duration::from_secs(1)).await;
        world.publish(said(what)).await;
        assert_eq!(world.handlers.runs().len(), fired, "after {what}");
    }
}

/// Promise 4. Breaks when `gate::decide` no longer asks whether the event passed before.
#[tokio::test]
async fn an_event_is_not_held_by_the_memory_it_left_itself() {
    for rules in [snoozing(), on_change(), Draft { on_change: Some(true), ..snoozing() }] {
        let world = World::new();
        let hook = world.hook(rules).await;
        world.handlers.next(hook, [Script::Hang]);
        world.accept(vec![change()]).await;

        world.run_and_crash().await;
        world.run().await;

        assert_eq!(world.handlers.hooks_run(), [hook, hook], "begun twice, ended once");
    }
}

/// Breaks when the memory of what passed is bounded and nothing says what was forgotten.
#[tokio::test]
async fn however_many_events_of_a_group_passed_before_a_crash_none_is_lost() {
    let world = World::new();
    let hook = world.hook(on_change()).await;
    world.handlers.always(hook, Script::Hang);
    world.accept((0..1_000).map(|it| said(&it.to_string())).collect()).await;
    world.run_and_crash().await;
    world.handlers.always(hook, Script::Succeed);
    world.handlers.let_go();
    world.run().await;
    let mut came: Vec<_> = world.handlers.runs().iter().map(|it| it.event.id).collect();
    came.sort();
    came.dedup();
    assert_eq!(came.len(), 1_000);
}

#[tokio::test]
async fn nor_when_another_event_passed_in_between() {
    let world = World::new();
    let hook = world.hook(on_change()).await;
    world.handlers.next(hook, [Script::Hang, Script::Succeed, Script::Succeed]);
    world.accept(vec![said("a")]).await;
    world.run_and_crash().await;

    let held_back = world.queue.receive_all();
    world.advance(Duration::from_secs(1)).await;
    world.publish(said("b")).await;
    drop(held_back);
    world.queue.end_leases();
    world.run().await;

    let said: Vec<_> = world
        .handlers
        .runs()
        .iter()
        .map(|it| it.event.data.text("entity").unwrap().to_owned())
        .collect();
    assert_eq!(said, ["a", "b", "a"]);
}

#[tokio::test]
async fn a_late_event_is_stale_for_on_change() {
    let world = World::new();
    world.hook(on_change()).await;
    world.enqueue(vec![event_at(10)]).await;
    world.run().await;
    let mut late = event_at(5);
    late.data = said("something else").data;
    world.enqueue(vec![late]).await;
    world.run().await;
    assert_eq!(world.handlers.runs().len(), 1);
}

#[tokio::test]
async fn a_batch_writes_a_groups_memory_once() {
    let world = World::new();
    world.hook(on_change()).await;
    world.ledger.fail_next(LedgerCall::Remember);
    world.accept((0..100).map(|it| said(&it.to_string())).collect()).await;

    let handled = world.run_once().await;
    assert!(matches!(handled[..], [hooks::dispatch::Handled::Again(_)]), "{handled:?}");
    assert!(world.handlers.runs().is_empty(), "nothing runs before its gate is written");

    world.run().await;
    assert_eq!(world.handlers.runs().len(), 100);
    assert_eq!(world.ledger.gates(), 1);
}

#[tokio::test]
async fn of_instances_with_equal_events_exactly_one_fires() {
    for rules in [on_change(), snoozing()] {
        let world = World::new();
        world.hook(rules).await;
        world.ledger.interleave();
        for _ in 0..5 {
            world.accept(vec![change()]).await;
        }
        world.run_side_by_side().await;
        assert_eq!(world.handlers.runs().len(), 1);
        assert_eq!(world.queue.depth(), 0);
    }
}

#[tokio::test]
async fn a_snooze_that_is_known_asks_nobody() {
    let world = World::new();
    world.hook(snoozing()).await;
    world.publish(change()).await;
    world.ledger.fail_next(LedgerCall::Recall);
    world.publish(change()).await;
    assert_eq!(world.handlers.runs().len(), 1, "held without asking the ledger");
    world.clock.set(at(61));
    let handled = {
        world.accept(vec![change()]).await;
        world.run_once().await
    };
    assert!(matches!(handled[..], [hooks::dispatch::Handled::Again(_)]), "now it had to ask");
}

#[tokio::test]
async fn nobody_goes_by_what_it_knows_when_a_message_comes_again() {
    let world = World::new();
    world.hook(snoozing()).await;
    world.publish(change()).await;
    world.accept(vec![change()]).await;
    world.queue.receive_all();
    world.queue.end_leases();
    world.ledger.fail_next(LedgerCall::Recall);
    let handled = world.run_once().await;
    assert!(matches!(handled[..], [hooks::dispatch::Handled::Again(_)]), "it asked: {handled:?}");
}

#[tokio::test]
async fn a_hook_made_again_under_its_old_id_remembers_nothing() {
    let world = World::new();
    let hook = world.hook(on_change()).await;
    world.publish(change()).await;
    world.hooks.delete(&By::default(), &hooks::name::Scope::All, hook).await.unwrap();
    let workspace = hooks::name::Workspace::default_workspace();
    world.hooks.create(&By::default(), &workspace, Some(hook), on_change(), None).await.unwrap();
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run(), [hook, hook]);
}

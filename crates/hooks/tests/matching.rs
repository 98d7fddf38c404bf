//! Which hooks run for an event.

use hooks::access::By;
use hooks::hook::Draft;
use serde_json::json;
use testkit::builders::{draft, named, source, workspace};

use crate::world::{World, change};

#[tokio::test]
async fn a_hook_fires_once_however_many_names_of_a_change_match() {
    let world = World::new();
    let any = world.hook(Draft { event: None, ..draft() }).await;
    let dao = world.hook(Draft { source: source("dao:crud"), event: None, ..draft() }).await;
    let other = world.hook(Draft { event: Some(named("routes")), ..draft() }).await;

    world.publish(change()).await;

    let mut runs: Vec<_> =
        world.handlers.runs().into_iter().map(|it| (it.hook, it.event.event)).collect();
    runs.sort();
    let mut expected = vec![(any, named("consumers"))];
    // Without a schema's name the change has no name in dao:crud but by its operation.
    expected.push((dao, named("create")));
    expected.sort();
    assert_eq!(runs, expected);
    assert!(!world.handlers.hooks_run().contains(&other));
}

#[tokio::test]
async fn a_schema_named_like_an_operation_is_not_met_twice() {
    let world = World::new();
    let hook = world.hook(Draft { event: Some(named("update")), ..draft() }).await;
    let data = testkit::builders::data(json!({"operation": "update", "schema": "update"}));
    let event = hooks::event::Event { event: named("update"), data, ..testkit::builders::event() };
    world.enqueue(vec![event]).await;
    world.run().await;
    assert_eq!(world.handlers.hooks_run(), [hook]);
}

#[tokio::test]
async fn a_change_to_hooks_is_in_force_for_the_next_event() {
    let world = World::new();
    world.publish(change()).await;
    assert!(world.handlers.runs().is_empty(), "no hook yet");

    let hook = world.hook(draft()).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run(), [hook], "made");

    world.change(hook, |draft| draft.event = Some(named("routes"))).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run(), [hook], "listens to something else");

    world.change(hook, |draft| draft.source = source("balancer")).await;
    world.change(hook, |draft| (draft.source, draft.event) = (source("crud"), None)).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run(), [hook, hook], "went away and came back");

    world.hooks.delete(&By::default(), &hooks::name::Scope::All, hook).await.unwrap();
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run(), [hook, hook], "removed");
}

#[tokio::test]
async fn a_hook_of_a_workspace_sees_its_own_events_alone() {
    let world = World::new();
    let of_a = world.hook_in(&workspace("a"), draft()).await;
    let of_all = world.hook(draft()).await;

    for of_event in ["default", "a", "b"] {
        let mut event = testkit::builders::event();
        event.workspace = workspace(of_event);
        event.id = hooks::id::OccurrenceId::at(testkit::builders::START);
        world.enqueue(vec![event]).await;
    }
    world.run().await;

    let runs = world.handlers.hooks_run();
    assert_eq!(runs.iter().filter(|it| **it == of_all).count(), 3);
    assert_eq!(runs.iter().filter(|it| **it == of_a).count(), 1);
}

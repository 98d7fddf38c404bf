//! Which events a hook wants, beyond source and name: decided before everything else.

use std::time::Duration;

use hooks::{
    delivery::State,
    explain::Answer,
    filter::Filter,
    hook::{Draft, Snooze},
    ports::{Clock as _, Ledger as _},
};
use testkit::{
    builders::{draft, named},
    fakes::Script,
};

use crate::world::{World, change};

/// A hook that wants what this pattern says.
fn wanting(pattern: &str) -> Draft {
    Draft { filter: Some(pattern.parse().unwrap()), ..draft() }
}

#[tokio::test]
async fn a_hook_gets_what_its_filter_wants_under_the_names_that_it_sees() {
    let world = World::new();
    let create = world.hook(wanting(r#"{"operation":["create"]}"#)).await;
    world.hook(wanting(r#"{"operation":["delete"]}"#)).await;
    let named = world.hook(wanting(r#"{"source":["crud"],"event":["consumers"]}"#)).await;
    world.hook(wanting(r#"{"event":["consumers:create"]}"#)).await;
    world.publish(change()).await;
    assert_eq!(world.handlers.hooks_run().len(), 2);
    assert!(world.handlers.hooks_run().contains(&create));
    assert!(world.handlers.hooks_run().contains(&named));
}

#[tokio::test]
async fn what_is_not_wanted_leaves_no_mark_at_the_gate_and_is_not_parked() {
    let world = World::new();
    let filter = || wanting(r#"{"operation":["delete"]}"#).filter;
    let gated = Draft { on_change: Some(true), snooze: Some(Snooze::seconds(60)), ..draft() };
    let gated = world.hook(Draft { filter: filter(), ..gated }).await;
    let disabled = world.hook(Draft { filter: filter(), enabled: Some(false), ..draft() }).await;
    let event = world.publish(change()).await;
    assert_eq!(world.ledger.gates(), 0);
    for hook in [gated, disabled] {
        let delivery = world.delivery(hook, event).await;
        let entry = world.ledger.delivery(delivery, world.clock.now()).await.unwrap();
        assert_eq!(entry, None, "counted only");
    }
}

#[tokio::test]
async fn what_was_wanted_once_is_retried_whatever_the_filter_says_now() {
    let world = World::new();
    let hook = world.hook(wanting(r#"{"operation":["create"]}"#)).await;
    world.handlers.next(hook, [Script::FAIL]);
    let event = world.publish(change()).await;
    world.change(hook, |draft| draft.filter = wanting(r#"{"operation":["delete"]}"#).filter).await;
    world.advance(Duration::from_secs(7)).await;
    assert_eq!(world.standing(world.delivery(hook, event).await).await.1, State::Delivered);
}

#[tokio::test]
async fn an_explanation_names_the_filter_before_anything_else() {
    let world = World::new();
    let draft = Draft { enabled: Some(false), ..wanting(r#"{"operation":["delete"]}"#) };
    world.hook(draft).await;
    let explained = world.explain(vec![change()]).await;
    assert_eq!(explained[0].hooks[0].answer, Answer::Filtered { seen_as: named("consumers") });
}

#[test]
fn every_example_of_the_page_is_a_pattern() {
    let page = include_str!("../../../docs/filters.md");
    let examples = page.lines().filter_map(|line| line.strip_suffix("` |")?.rsplit_once('`'));
    let examples: Vec<_> = examples.map(|(_, example)| example.parse::<Filter>()).collect();
    assert!(examples.len() >= 11, "one for each operator: {}", examples.len());
    assert!(examples.iter().all(Result::is_ok), "{examples:?}");
}

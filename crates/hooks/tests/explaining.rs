//! Why did my hook not fire?

use hooks::{
    explain::Answer,
    gate::FireReason,
    hook::{Draft, Snooze},
    matching::Unmatched,
};
use testkit::builders::{draft, named, source, workspace};

use crate::world::{World, change};

#[tokio::test]
async fn every_reason_is_told_and_nothing_is_done() {
    let world = World::new();
    let seen_as = named("consumers");
    let snoozing = world.hook(Draft { snooze: Some(Snooze::seconds(60)), ..draft() }).await;
    world.publish(change()).await;
    let until = Some((world.handlers.runs()[0].at + std::time::Duration::from_mins(1)).to_string());

    let firing = world.hook(draft()).await;
    let parked = world.hook(Draft { enabled: Some(false), ..draft() }).await;
    let other = world.hook(Draft { event: Some(named("consumer")), ..draft() }).await;
    let elsewhere = world.hook(Draft { source: source("balancer"), event: None, ..draft() }).await;
    let (sent, runs) = (world.queue.sent().len(), world.handlers.runs().len());

    let explained = world.explain(vec![change()]).await;

    let held = Answer::Held { seen_as: seen_as.clone(), gate: "snooze", reason: "snoozed", until };
    let answers: Vec<_> =
        explained[0].hooks.iter().map(|it| (it.hook, it.answer.clone())).collect();
    assert_eq!(
        answers,
        [
            (firing, Answer::WouldFire { seen_as: seen_as.clone(), reason: FireReason::NoRules }),
            (snoozing, held),
            (parked, Answer::Parked { seen_as: seen_as.clone() }),
            (other, Answer::Unmatched(Unmatched::Event { nearest: seen_as })),
            (elsewhere, Answer::Unmatched(Unmatched::Source { nearest: source("dao:crud") })),
        ]
    );
    assert_eq!((world.queue.sent().len(), world.handlers.runs().len()), (sent, runs));
}

#[tokio::test]
async fn a_workspace_is_told_of_the_hooks_that_are_its_to_see() {
    let world = World::new();
    let (own, other) = (workspace("a"), workspace("b"));
    let hook = world.hook_in(&own, draft()).await;
    world.hook_in(&other, draft()).await;
    let of_all = world.hook(draft()).await;
    for (tied, mut expected) in [(true, vec![hook]), (false, vec![hook, of_all])] {
        let explained = world.explain_in(&own, tied, vec![change()]).await;
        let mut told: Vec<_> = explained[0].hooks.iter().map(|it| it.hook).collect();
        told.sort();
        expected.sort();
        assert_eq!(told, expected, "tied: {tied}");
    }
}

#[tokio::test]
async fn the_hook_that_listens_is_told_of_however_many_do_not() {
    let world = World::new();
    for _ in 0..1_100 {
        world.hook(Draft { source: source("balancer"), event: None, ..draft() }).await;
    }
    let hook = world.hook(draft()).await;
    let explained = world.explain(vec![change()]).await;
    assert_eq!(explained[0].hooks[0].hook, hook);
    assert!(explained[0].more);
}

#[tokio::test]
async fn events_explained_together_see_each_other() {
    let world = World::new();
    world.hook(Draft { on_change: Some(true), ..draft() }).await;
    let explained = world.explain(vec![change(), change()]).await;
    assert!(matches!(explained[0].hooks[0].answer, Answer::WouldFire { .. }));
    assert!(matches!(explained[1].hooks[0].answer, Answer::Held { reason: "unchanged", .. }));
    assert_eq!(world.ledger.gates(), 0, "nothing is remembered");
}

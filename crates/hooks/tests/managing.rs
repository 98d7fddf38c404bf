//! Hooks as an administrator handles them.

use hooks::{
    delivery::{Failure, FailureClass, HandlerResult, Outcome, Report},
    handler::{Handler, Lambda},
    hook::Draft,
    id::HookId,
    manage::ManageError,
    name::{Scope, Workspace},
    violation::Violations,
};
use serde_json::{Map, Value, json};
use testkit::{
    builders::{draft, workspace},
    fakes::Script,
};

use crate::world::{World, a_webhook};

fn here() -> Workspace {
    Workspace::default_workspace()
}

#[tokio::test]
async fn a_hook_that_its_handler_would_refuse_is_not_made() {
    let world = World::new();
    world.handlers.refuse(Violations::one("config.url", "target not allowed"));
    let refused = world.hooks.create(&here(), None, a_webhook(), None).await;
    assert!(matches!(refused, Err(ManageError::Invalid(_))), "{refused:?}");
    assert_eq!(world.queue.depth(), 0);
}

#[tokio::test]
async fn a_handler_of_a_later_release_is_said_to_be_one() {
    let world = World::new();
    let lambda = Handler::Lambda(Lambda { functions: vec!["return print".to_owned()] });
    let refused =
        world.hooks.create(&here(), None, Draft { handler: lambda, ..draft() }, None).await;
    assert!(matches!(refused, Err(ManageError::NotYet(_))), "{refused:?}");
}

#[tokio::test]
async fn an_id_is_taken_once_in_all_workspaces() {
    let world = World::new();
    let id = HookId::random();
    world.hooks.create(&workspace("a"), Some(id), draft(), None).await.unwrap();
    let second = world.hooks.create(&workspace("b"), Some(id), draft(), None).await;
    assert!(matches!(second, Err(ManageError::Taken(taken)) if taken == id), "{second:?}");
    let put = world.hooks.put(&workspace("b"), id, draft(), None).await;
    assert!(matches!(put, Err(ManageError::Taken(taken)) if taken == id), "{put:?}");
}

#[tokio::test]
async fn put_makes_or_changes() {
    let world = World::new();
    let id = HookId::random();
    let (made, is_new) = world.hooks.put(&here(), id, draft(), None).await.unwrap();
    assert!(is_new);
    let changed = Draft { on_change: Some(true), ..draft() };
    let (after, is_new) = world.hooks.put(&here(), id, changed, None).await.unwrap();
    assert!(!is_new);
    assert_eq!((after.generation, after.version), (made.generation, made.version + 1));
}

#[tokio::test]
async fn a_workspace_handles_its_own_hooks_alone() {
    let world = World::new();
    let hook = world.hook_in(&workspace("a"), draft()).await;
    let (own, other) = (Scope::Only(workspace("a")), Scope::Only(workspace("b")));
    assert!(world.hooks.get(&own, hook).await.is_ok());
    assert!(world.hooks.get(&Scope::All, hook).await.is_ok());
    assert!(matches!(world.hooks.get(&other, hook).await, Err(ManageError::NotFound(_))));
    assert!(matches!(world.hooks.delete(&other, hook).await, Err(ManageError::NotFound(_))));
    assert!(world.hooks.delete(&own, hook).await.is_ok());
}

#[tokio::test]
async fn a_ping_runs_now_and_leaves_no_trace() {
    let world = World::new();
    let hook = world.hook(a_webhook()).await;
    world.run().await;
    let sent = world.queue.sent().len();
    let failed = Report {
        outcome: Outcome::Failed(Failure {
            class: FailureClass::Transient { retry_after: None },
            reason: "receiver answered 503".to_owned(),
        }),
        request: None,
        result: HandlerResult::Nothing,
    };
    world.handlers.next(hook, [Script::Report(failed.clone())]);

    let ran = world.hooks.ping(&Scope::All, hook).await.unwrap();

    assert_eq!(ran.report, failed);
    assert_eq!(world.queue.sent().len(), sent, "not retried");
    let body = Value::Object(ran.data);
    assert_eq!(body["source"], "kong:event_hooks");
    assert_eq!(body["event"], "ping");
    assert_eq!(body["event_hooks"]["id"], hook.to_string());
    assert_eq!(
        body["event_hooks"]["config"]["headers"],
        json!({"content-type": "application/json"})
    );
    assert_eq!(body.get("operation"), None);
}

#[tokio::test]
async fn only_webhooks_are_pinged() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    assert!(matches!(world.hooks.ping(&Scope::All, hook).await, Err(ManageError::NotPingable(_))));
}

#[tokio::test]
async fn a_test_merges_what_the_hook_names_and_ignores_its_state() {
    let world = World::new();
    let hook = world.hook(Draft { enabled: Some(false), on_change: Some(true), ..draft() }).await;
    let data = json!({"consumer": {"username": "Jane Austen"}}).as_object().unwrap().clone();
    for _ in 0..2 {
        let ran = world.hooks.test(&Scope::All, hook, data.clone()).await.unwrap();
        assert_eq!(
            Value::Object(ran.data),
            json!({"consumer": {"username": "Jane Austen"}, "event": "consumers", "source": "crud"})
        );
    }
    assert_eq!(world.handlers.hooks_run(), [hook, hook]);
}

#[tokio::test]
async fn a_test_of_a_hook_without_an_event_leaves_it_out() {
    let world = World::new();
    let hook = world.hook(Draft { event: None, ..draft() }).await;
    let ran = world.hooks.test(&Scope::All, hook, Map::new()).await.unwrap();
    assert_eq!(Value::Object(ran.data), json!({"source": "crud"}));
}

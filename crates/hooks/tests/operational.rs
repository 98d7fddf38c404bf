//! What the system says about itself.

use std::time::Duration;

use hooks::{
    access::{By, Who},
    delivery::{ExhaustedReason, Status},
    explain::Answer,
    handler::{Handler, Lambda},
    hook::{Draft, EventHook},
    id::{HookId, TokenId},
    matching::Unmatched,
    name::Scope,
    publish::NewEvent,
    secret::{Secret, Signing},
    target_url::TargetUrl,
    task::Task,
};
use serde_json::{Value, json};
use testkit::{
    builders::{data, draft, named, source},
    fakes::Script,
};

use crate::world::{World, a_webhook, change};

const FOR_GOOD: Script = Script::FailForGood(ExhaustedReason::TemplateError);

fn listening(to: &str, event: Option<&str>) -> Draft {
    Draft { source: source(to), event: event.map(named), ..draft() }
}

/// The events that this hook was run with: names, and data.
fn heard(world: &World, hook: HookId) -> Vec<(String, Value)> {
    let of_hook = world.handlers.runs().into_iter().filter(|it| it.hook == hook);
    let event = |it: testkit::fakes::Ran| {
        (it.event.event.as_str().to_owned(), Value::Object(it.event.data.as_map().clone()))
    };
    of_hook.map(event).collect()
}

fn names_heard(world: &World, hook: HookId) -> Vec<String> {
    heard(world, hook).into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn a_delivery_that_is_given_up_is_said_with_all_that_finds_it() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let listener = world.hook(listening("event-hooks", None)).await;
    world.handlers.always(hook, FOR_GOOD);
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    assert_eq!(
        heard(&world, listener),
        [(
            "delivery-exhausted".to_owned(),
            json!({
                "hook": {"id": hook, "source": "crud", "event": "consumers", "handler": "log"},
                "delivery": {
                    "id": delivery, "event_id": event, "source": "crud", "event": "consumers",
                    "run": 0, "attempt": 1,
                },
                "reason": "template-error",
                "error": "a test wants it to fail",
            })
        )]
    );
}

#[tokio::test]
async fn each_run_that_is_given_up_is_said_once() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let listener = world.hook(listening("event-hooks", Some("delivery-exhausted"))).await;
    world.handlers.always(hook, FOR_GOOD);
    let event = world.publish(change()).await;
    let delivery = world.delivery(hook, event).await;
    let said = world.queue.sent().into_iter().map(|it| it.outgoing).find(
        |it| matches!(&it.task, Task::Dispatch { events, .. } if events[0].source.as_str() == "event-hooks"),
    );
    // A crash after it was said says it again, as another occurrence.
    let again = |mut outgoing: hooks::ports::Outgoing| {
        if let Task::Dispatch { events, .. } = &mut outgoing.task {
            events[0].id = hooks::id::OccurrenceId::at(events[0].order.accepted);
        }
        outgoing
    };
    hooks::ports::TaskQueue::send(&world.queue, vec![again(said.unwrap())]).await.unwrap();
    world.run().await;
    assert_eq!(names_heard(&world, listener).len(), 1, "told twice, heard once");

    world.replays.redeliver(&By::default(), &Scope::All, hook, delivery).await.unwrap();
    world.run().await;
    let runs: Vec<_> =
        heard(&world, listener).into_iter().map(|(_, it)| it["delivery"]["run"].clone()).collect();
    assert_eq!(runs, [json!(0), json!(1)]);
}

#[tokio::test]
async fn what_ends_as_it_should_or_by_a_script_is_not_said() {
    for (name, script, said) in [
        ("a success", Script::Succeed, 0),
        ("a failure that is retried", Script::FAIL, 0),
        ("a script that raises an error", Script::FailForGood(ExhaustedReason::ScriptError), 0),
        ("a template", FOR_GOOD, 1),
        ("a panic", Script::Panic, 1),
    ] {
        let world = World::new();
        let hook = world.hook(draft()).await;
        world.handlers.next(hook, [script]);
        world.publish(change()).await;
        assert_eq!(world.names_said(), vec!["delivery-exhausted"; said], "{name}");
    }
}

/// Breaks when it is said after it is recorded.
#[tokio::test]
async fn what_could_not_be_said_is_said_when_the_message_comes_again() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.always(hook, FOR_GOOD);
    world.accept(vec![change()]).await;
    world.queue.fail_next();
    world.run().await;
    assert_eq!(world.names_said(), ["delivery-exhausted"]);
    assert_eq!(world.handlers.runs().len(), 2, "that costs an attempt");
}

#[tokio::test]
async fn a_hook_that_listens_to_this_causes_no_more_of_it() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let listener = world.hook(listening("event-hooks", None)).await;
    world.handlers.always(hook, FOR_GOOD);
    world.handlers.always(listener, FOR_GOOD);
    world.publish(change()).await;
    assert_eq!(names_heard(&world, listener), ["delivery-exhausted"]);
    assert_eq!(world.names_said(), ["delivery-exhausted"], "its own failure is not said");

    let world = World::telling();
    let listener = world.hook(listening("event-hooks", None)).await;
    world.change(listener, |it| it.enabled = Some(false)).await;
    world.change(listener, |it| it.enabled = None).await;
    assert_eq!(world.names_said(), [""; 0], "nor is its being disabled");
}

#[tokio::test]
async fn a_hook_that_goes_out_of_service_and_comes_back_is_said() {
    let world = World::telling();
    let listener = world.hook(listening("event-hooks", None)).await;
    let hook = world.hook(draft()).await;
    for enabled in [None, Some(true), Some(false), Some(false), Some(true), None, Some(false)] {
        world.change(hook, |it| it.enabled = enabled).await;
    }
    world.run().await;
    assert_eq!(names_heard(&world, listener), ["hook-disabled", "hook-enabled", "hook-disabled"]);
    let (_, said) = &heard(&world, listener)[0];
    assert_eq!(
        *said,
        json!({
            "hook": {"id": hook, "source": "crud", "event": "consumers", "handler": "log"},
            "reason": "admin",
        })
    );
    assert_eq!(world.handlers.hooks_run().iter().filter(|it| **it == hook).count(), 0);
}

/// Creates, changes and deletes a webhook with a secret.
async fn live_and_die(world: &World) -> HookId {
    let mut draft = a_webhook();
    if let Handler::Webhook(webhook) = &mut draft.handler {
        webhook.signing = Signing::with(Some(Secret::new("hush")));
        webhook.headers.insert("authorization".to_owned(), "Bearer hush".to_owned());
        webhook.url = TargetUrl::parse("https://me:hush@example.com/in?token=hush").unwrap();
    }
    draft.source = source("balancer");
    let hook = world.hook(draft).await;
    world.change(hook, |it| it.on_change = Some(true)).await;
    world.hooks.delete(&By::default(), &Scope::All, hook).await.unwrap();
    hook
}

#[tokio::test]
async fn a_change_of_a_hook_is_a_change_of_an_entity_under_all_its_names() {
    let world = World::telling();
    let mut listeners = Vec::new();
    for (to, event, sees) in [
        ("crud", Some("event_hooks"), vec!["event_hooks"; 3]),
        ("crud", Some("event_hooks:create"), vec!["event_hooks:create"]),
        ("crud", Some("event_hooks:update"), vec!["event_hooks:update"]),
        ("dao:crud", Some("delete"), vec!["delete"]),
        ("dao:crud", None, vec!["create", "update", "delete"]),
        ("crud", Some("consumers"), vec![]),
    ] {
        listeners.push((world.hook(listening(to, event)).await, sees));
    }
    world.queue.take_all();

    let hook = live_and_die(&world).await;
    world.run().await;

    for (listener, sees) in &listeners {
        assert_eq!(names_heard(&world, *listener), *sees);
    }
    for (_, data) in heard(&world, listeners[0].0) {
        assert_eq!(data["schema"], "event_hooks");
        assert_eq!(data["by"], json!({"kind": "anybody"}));
        assert_eq!(data["entity"]["id"], json!(hook));
        assert_eq!(data["entity"]["config"]["secret"], Value::Null);
        assert_eq!(data["entity"]["config"]["url"], "https://example.com/in?***");
        assert!(!data.to_string().contains("hush"), "{data}");
    }
    let operations: Vec<_> =
        heard(&world, listeners[0].0).into_iter().map(|(_, it)| it["operation"].clone()).collect();
    assert_eq!(operations, [json!("create"), json!("update"), json!("delete")]);
}

#[tokio::test]
async fn a_change_is_told_with_what_was_before_and_whose_it_is() {
    let world = World::telling();
    let listener = world.hook(listening("crud", Some("event_hooks:update"))).await;
    let hook = world.hook(a_webhook()).await;
    let who = Who::Holder { id: TokenId::random(), name: "ci".to_owned() };
    let by = By { who, address: Some([192, 0, 2, 1].into()) };
    let quieter = |it: &EventHook| Ok(Draft { on_change: Some(true), ..it.draft.clone() });
    world.hooks.patch(&by, &Scope::All, hook, quieter).await.unwrap();
    world.run().await;
    let (_, data) = heard(&world, listener).remove(0);
    assert_eq!(data["by"], json!({"kind": "token", "name": "ci"}));
    assert_eq!(data["old_entity"]["on_change"], Value::Null);
    assert_eq!(data["entity"]["on_change"], true);
    assert_eq!(data["old_entity"]["id"], data["entity"]["id"]);

    let long = |it: &EventHook| {
        let functions = vec![format!("return function() end -- {}", "x".repeat(200 * 1024))];
        Ok(Draft { handler: Handler::Lambda(Lambda { functions }), ..it.draft.clone() })
    };
    for _ in 0..2 {
        world.hooks.patch(&By::default(), &Scope::All, hook, long).await.unwrap();
    }
    world.run().await;
    let shown = heard(&world, listener).into_iter().map(|(_, it)| it.get("old_entity").is_some());
    assert_eq!(shown.collect::<Vec<_>>(), [true, true, false], "two long ones are too long");
}

#[tokio::test]
async fn a_hook_does_not_hear_of_itself() {
    let world = World::telling();
    let this = world.hook(listening("crud", None)).await;
    let other = world.hook(listening("crud", None)).await;
    world.queue.take_all();
    world.change(this, |it| it.on_change = Some(false)).await;
    world.run().await;
    assert_eq!(world.handlers.hooks_run(), [other]);

    let about = |hook: HookId| NewEvent {
        event: named("event_hooks"),
        data: data(json!({"operation": "update", "entity": {"id": hook}})),
        ..change()
    };
    let explained = world.explain(vec![about(this)]).await.remove(0);
    let answer = explained.hooks.into_iter().find(|it| it.hook == this).unwrap().answer;
    assert_eq!(answer, Answer::Unmatched(Unmatched::Itself));

    // An entity of the same id that is no hook is another matter.
    world.publish(NewEvent { event: named("consumers"), ..about(this) }).await;
    assert!(world.handlers.hooks_run()[1..].contains(&this));
}

#[tokio::test]
async fn a_change_that_cannot_be_said_is_made() {
    let world = World::telling();
    let hook = world.hook(draft()).await;
    world.queue.fail_next();
    world.change(hook, |it| it.enabled = Some(false)).await;
    assert!(!world.is_enabled(hook).await);
}

#[tokio::test]
async fn a_hook_disabled_by_its_health_is_no_change_by_an_administrator() {
    let world = World::telling();
    let hook = world.hook(draft()).await;
    let listener = world.hook(listening("crud", Some("event_hooks"))).await;
    world.queue.take_all();
    let since = |it: &EventHook| it.created_at - Duration::from_hours(24 * 10);
    let since = since(&world.hooks.get(&Scope::All, hook).await.unwrap());
    world.set_health(hook, |it| hooks::health::Health { failures: 20, since, ..it }).await;
    world.handlers.always(hook, Script::FAIL);
    let event = world.publish(change()).await;
    world.advance(hooks::health::HOP).await;
    assert_eq!(world.names_said(), ["hook-disabled"]);
    assert_eq!(names_heard(&world, listener), [""; 0]);
    world.advance(Duration::from_mins(1)).await;
    let delivery = world.delivery(hook, event).await;
    assert_eq!(world.standing(delivery).await.1.status(), Status::Parked);
}

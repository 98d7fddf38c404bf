//! Hooks as an administrator handles them.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use hooks::{
    access::By,
    delivery::{Failure, FailureClass, HandlerResult, Outcome, Report},
    handler::Handler,
    hook::{Draft, EventHook, Snooze},
    id::HookId,
    manage::{Hooks, ManageError},
    name::{Scope, Workspace},
    ports::{HookStore, Page, PageRequest, PortResult, Shelf, ShelfKey},
    violation::Violations,
};
use serde_json::{Map, Value, json};
use testkit::{
    builders::{draft, workspace},
    fakes::{MemoryStore, Script},
};

use crate::world::{World, a_webhook};

fn here() -> Workspace {
    Workspace::default_workspace()
}

#[tokio::test]
async fn a_hook_that_its_handler_would_refuse_is_not_made() {
    let world = World::new();
    world.handlers.refuse(Violations::one("config.url", "target not allowed"));
    let refused = world.hooks.create(&By::default(), &here(), None, a_webhook(), None).await;
    assert!(matches!(refused, Err(ManageError::Invalid(_))), "{refused:?}");
    assert_eq!(world.queue.depth(), 0);
}

#[tokio::test]
async fn an_id_is_taken_once_in_all_workspaces() {
    let world = World::new();
    let id = HookId::random();
    world.hooks.create(&By::default(), &workspace("a"), Some(id), draft(), None).await.unwrap();
    let second = world.hooks.create(&By::default(), &workspace("b"), Some(id), draft(), None).await;
    assert!(matches!(second, Err(ManageError::Taken(taken)) if taken == id), "{second:?}");
    let put = world.hooks.put(&By::default(), &workspace("b"), id, draft(), None).await;
    assert!(matches!(put, Err(ManageError::Taken(taken)) if taken == id), "{put:?}");
}

#[tokio::test]
async fn put_makes_or_changes() {
    let world = World::new();
    let id = HookId::random();
    let (made, is_new) = world.hooks.put(&By::default(), &here(), id, draft(), None).await.unwrap();
    assert!(is_new);
    let changed = Draft { on_change: Some(true), ..draft() };
    let (after, is_new) =
        world.hooks.put(&By::default(), &here(), id, changed, None).await.unwrap();
    assert!(!is_new);
    assert_eq!((after.generation, after.version), (made.generation, made.version + 1));
}

/// A store that lets everybody else go first before it answers.
struct Slow {
    store: MemoryStore,
    replaced: AtomicUsize,
}

#[async_trait]
impl HookStore for Slow {
    async fn hook(&self, id: HookId) -> PortResult<Option<EventHook>> {
        let hook = self.store.hook(id).await;
        tokio::task::yield_now().await;
        hook
    }

    async fn hooks(
        &self,
        scope: &Scope,
        page: PageRequest<HookId>,
    ) -> PortResult<Page<EventHook, HookId>> {
        self.store.hooks(scope, page).await
    }

    async fn insert(&self, hook: &EventHook) -> PortResult<()> {
        self.store.insert(hook).await
    }

    async fn replace(&self, hook: &EventHook, seen: u64) -> PortResult<()> {
        self.replaced.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.store.replace(hook, seen).await
    }

    async fn remove(&self, hook: &EventHook) -> PortResult<()> {
        self.store.remove(hook).await
    }

    async fn versions(&self, shelves: &[ShelfKey]) -> PortResult<Vec<u64>> {
        self.store.versions(shelves).await
    }

    async fn shelf(&self, key: &ShelfKey) -> PortResult<Shelf> {
        self.store.shelf(key).await
    }
}

impl Slow {
    fn beside(world: &World) -> Arc<Self> {
        Arc::new(Self { store: world.store.clone(), replaced: AtomicUsize::new(0) })
    }

    /// The hooks as one more instance has them.
    fn instance(self: &Arc<Self>, world: &World) -> Hooks {
        let (queue, clock) = (Arc::new(world.queue.clone()), Arc::new(world.clock.clone()));
        Hooks::new(self.clone(), queue, Arc::new(world.handlers.clone()), clock)
    }
}

fn seconds_of(hook: &EventHook) -> u32 {
    hook.draft.snooze.and_then(Snooze::window).map_or(0, NonZeroU32::get)
}

/// A snooze that is a second longer.
fn longer(hook: &EventHook) -> Draft {
    Draft { snooze: Some(Snooze::seconds(seconds_of(hook) + 1)), ..hook.draft.clone() }
}

async fn snooze_of(world: &World, hook: HookId) -> u32 {
    seconds_of(&world.hooks.get(&Scope::All, hook).await.unwrap())
}

#[tokio::test]
async fn changes_at_once_wait_for_each_other() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let store = Slow::beside(&world);
    let hooks = store.instance(&world);
    let by = By::default();
    let changes = (0..60).map(|_| hooks.patch(&by, &Scope::All, hook, |it| Ok(longer(it))));
    try_join_all(changes).await.unwrap();
    assert_eq!(snooze_of(&world, hook).await, 60);
    assert_eq!(store.replaced.load(Ordering::Relaxed), 60, "nobody tried twice");
}

#[tokio::test]
async fn changes_at_once_by_many_instances_are_all_made() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let store = Slow::beside(&world);
    let instances: Vec<_> = (0..60).map(|_| store.instance(&world)).collect();
    let by = By::default();
    try_join_all(instances.iter().map(|it| it.patch(&by, &Scope::All, hook, |it| Ok(longer(it)))))
        .await
        .unwrap();
    assert_eq!(snooze_of(&world, hook).await, 60);
}

#[tokio::test]
async fn of_removals_at_once_one_is_made() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let hooks = Slow::beside(&world).instance(&world);
    let by = By::default();
    let removed = join_all((0..8).map(|_| hooks.delete(&by, &Scope::All, hook))).await;
    assert_eq!(removed.iter().filter(|it| it.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_workspace_handles_its_own_hooks_alone() {
    let world = World::new();
    let hook = world.hook_in(&workspace("a"), draft()).await;
    let (own, other) = (Scope::Only(workspace("a")), Scope::Only(workspace("b")));
    assert!(world.hooks.get(&own, hook).await.is_ok());
    assert!(world.hooks.get(&Scope::All, hook).await.is_ok());
    assert!(matches!(world.hooks.get(&other, hook).await, Err(ManageError::NotFound(_))));
    assert!(matches!(
        world.hooks.delete(&By::default(), &other, hook).await,
        Err(ManageError::NotFound(_))
    ));
    assert!(world.hooks.delete(&By::default(), &own, hook).await.is_ok());
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
        headers: Vec::new(),
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
async fn a_ping_shows_one_content_type_however_the_hook_spells_it() {
    let world = World::new();
    let Draft { handler: Handler::Webhook(mut webhook), .. } = a_webhook() else {
        panic!("a webhook is one")
    };
    webhook.headers.insert("Content-Type".into(), "text/plain".into());
    let hook = world.hook(Draft { handler: Handler::Webhook(webhook), ..a_webhook() }).await;
    let body = Value::Object(world.hooks.ping(&Scope::All, hook).await.unwrap().data);
    let shown = &body["event_hooks"]["config"]["headers"];
    assert_eq!(shown, &json!({"content-type": "application/json"}));
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

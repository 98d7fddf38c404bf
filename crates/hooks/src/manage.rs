//! Makes, changes, removes and tries hooks.

mod turns;

use std::sync::Arc;

use serde_json::{Map, Value};

use self::turns::Turns;
use crate::{
    access::By,
    audit::{self, Change},
    delivery::{Delivery, Report},
    event::{Data, Event, Order},
    handler::{HandlerKind, Secrets},
    hook::{Draft, EventHook},
    id::{HookId, OccurrenceId, RequestId},
    name::{EventName, Scope, SourceName, Workspace},
    operational::{self, DisabledBecause, Operation},
    ports::{
        CheckError, Clock, Handlers, HookStore, Outgoing, Page, PageRequest, PortError, Run,
        TaskQueue,
    },
    task::{Owed, Queue, Task},
    time::Timestamp,
    violation::Violations,
};

/// Why a hook was not made, changed or run.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// There is none of this id, or not here.
    #[error("there is no hook {0}")]
    NotFound(HookId),
    /// There is one of this id already.
    #[error("there is a hook {0} already")]
    Taken(HookId),
    /// It cannot be as it was wanted.
    #[error("the hook is not valid")]
    Invalid(Violations),
    /// Only webhooks can be pinged.
    #[error("a hook with handler '{0}' cannot be pinged, only one with handler 'webhook'")]
    NotPingable(HandlerKind),
    /// The store did not do its part.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl From<CheckError> for ManageError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Invalid(violations) => Self::Invalid(violations),
            CheckError::Port(error) => Self::Port(error),
        }
    }
}

/// A handler that was run on request.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// What it was run with.
    pub data: Map<String, Value>,
    /// What came of it.
    pub report: Report,
}

/// The hooks, as an administrator handles them.
pub struct Hooks {
    store: Arc<dyn HookStore>,
    queue: Arc<dyn TaskQueue>,
    handlers: Arc<dyn Handlers>,
    clock: Arc<dyn Clock>,
    turns: Turns,
}

/// How often a change is tried when other instances are faster. One of them always gets through,
/// so that this many of them can change a hook at once.
const MOST_TRIES: usize = 64;

impl Hooks {
    /// The hooks in `store`.
    pub fn new(
        store: Arc<dyn HookStore>,
        queue: Arc<dyn TaskQueue>,
        handlers: Arc<dyn Handlers>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, queue, handlers, clock, turns: Turns::default() }
    }

    /// Makes a hook. A webhook is greeted with a ping, through the queue: making it does not
    /// depend on its receiver. `created_at` is kept where somebody brings a hook from elsewhere.
    pub async fn create(
        &self,
        by: &By,
        workspace: &Workspace,
        id: Option<HookId>,
        draft: Draft,
        created_at: Option<Timestamp>,
    ) -> Result<EventHook, ManageError> {
        self.handlers.check(&draft).await?;
        let id = id.unwrap_or_else(HookId::random);
        let hook = EventHook {
            created_at: created_at.unwrap_or_else(|| self.clock.now()),
            ..draft.into_hook(id, workspace.clone(), self.clock.now())
        };
        let inserted = self.store.insert(&hook).await;
        audit::note(by, &Change::created(&hook), &inserted);
        match inserted {
            Err(PortError::Conflict) => return Err(ManageError::Taken(id)),
            inserted => inserted?,
        }
        self.greet(&hook).await;
        let now = self.clock.now();
        self.say([operational::changed(None, &hook, Operation::Create, by, now)]).await;
        Ok(hook)
    }

    /// The hook of this id, within what the request looks at.
    pub async fn get(&self, scope: &Scope, id: HookId) -> Result<EventHook, ManageError> {
        let hook = self.store.hook(id).await?.filter(|hook| scope.includes(&hook.workspace));
        hook.ok_or(ManageError::NotFound(id))
    }

    /// A part of the hooks that the request looks at, by id.
    pub async fn list(
        &self,
        scope: &Scope,
        page: PageRequest<HookId>,
    ) -> Result<Page<EventHook, HookId>, ManageError> {
        Ok(self.store.hooks(scope, page).await?)
    }

    /// Changes a hook into what `change` makes of it as it is then.
    pub async fn patch(
        &self,
        by: &By,
        scope: &Scope,
        id: HookId,
        change: impl Fn(&EventHook) -> Result<Draft, Violations>,
    ) -> Result<EventHook, ManageError> {
        let _turn = self.turns.wait(id).await;
        self.change(by, scope, id, change).await
    }

    async fn change(
        &self,
        by: &By,
        scope: &Scope,
        id: HookId,
        change: impl Fn(&EventHook) -> Result<Draft, Violations>,
    ) -> Result<EventHook, ManageError> {
        for _ in 0..MOST_TRIES {
            let hook = self.get(scope, id).await?;
            let draft = change(&hook).map_err(ManageError::Invalid)?;
            self.handlers.check(&draft).await?;
            let changed = hook.changed(draft, self.clock.now());
            let replaced = self.store.replace(&changed, hook.version).await;
            audit::note(by, &Change::updated(&hook, &changed), &replaced);
            match replaced {
                Err(PortError::Conflict) => {}
                replaced => {
                    replaced?;
                    self.tell_of(by, &hook, &changed).await;
                    return Ok(changed);
                }
            }
        }
        Err(PortError::Conflict.into())
    }

    /// Makes the hook of this id be `draft`, whether there was one (`false`) or not (`true`).
    pub async fn put(
        &self,
        by: &By,
        workspace: &Workspace,
        id: HookId,
        draft: Draft,
        created_at: Option<Timestamp>,
    ) -> Result<(EventHook, bool), ManageError> {
        let _turn = self.turns.wait(id).await;
        for _ in 0..MOST_TRIES {
            match self.change(by, &Scope::of(workspace), id, |_| Ok(draft.clone())).await {
                Err(ManageError::NotFound(_)) => {}
                changed => return Ok((changed?, false)),
            }
            match self.create(by, workspace, Some(id), draft.clone(), created_at).await {
                // Made by somebody else meanwhile: change theirs. Or it is in another workspace.
                Err(ManageError::Taken(_)) => {}
                created => return Ok((created?, true)),
            }
        }
        Err(ManageError::Taken(id))
    }

    /// Removes a hook. What it is still owed is cancelled when its turn comes.
    pub async fn delete(&self, by: &By, scope: &Scope, id: HookId) -> Result<(), ManageError> {
        let _turn = self.turns.wait(id).await;
        for _ in 0..MOST_TRIES {
            let hook = self.get(scope, id).await?;
            let removed = self.store.remove(&hook).await;
            audit::note(by, &Change::deleted(&hook), &removed);
            match removed {
                Err(PortError::Conflict) => {}
                removed => {
                    removed?;
                    let now = self.clock.now();
                    self.say([operational::changed(None, &hook, Operation::Delete, by, now)]).await;
                    return Ok(());
                }
            }
        }
        Err(PortError::Conflict.into())
    }

    /// Says what became of a hook. It is done by then: that this is not heard of must not undo it.
    async fn tell_of(&self, by: &By, before: &EventHook, after: &EventHook) {
        let now = self.clock.now();
        let turn = match (before.is_enabled(), after.is_enabled()) {
            (true, false) => operational::disabled(after, DisabledBecause::Admin, now),
            (false, true) => operational::enabled(after, now),
            _ => None,
        };
        let change = operational::changed(Some(before), after, Operation::Update, by, now);
        self.say([change, turn]).await;
    }

    async fn say(&self, said: impl IntoIterator<Item = Option<Outgoing>>) {
        let said: Vec<_> = said.into_iter().flatten().collect();
        if let Err(error) = self.queue.send(said).await {
            tracing::warn!(%error, "a change of a hook was made, and its event was not queued");
        }
    }

    /// Sends a ping to a webhook now: no queue, no retry, nothing in the ledger.
    pub async fn ping(&self, scope: &Scope, id: HookId) -> Result<Ran, ManageError> {
        let hook = self.get(scope, id).await?;
        let kind = hook.draft.handler.kind();
        if kind != HandlerKind::Webhook {
            return Err(ManageError::NotPingable(kind));
        }
        let ping = self.ping_event(&hook, Map::new());
        Ok(self.run(&hook, &ping, Some(&ping.event)).await)
    }

    /// Runs the handler with this data now, whatever gate, filter and health say. The data is
    /// merged with the hook's source, and its event where it names one.
    pub async fn test(
        &self,
        scope: &Scope,
        id: HookId,
        data: Map<String, Value>,
    ) -> Result<Ran, ManageError> {
        let hook = self.get(scope, id).await?;
        let name = hook.draft.event.as_ref();
        let event = self.event(
            &hook,
            hook.draft.source.clone(),
            name.cloned().unwrap_or_else(|| constant_event("test")),
            data,
        );
        Ok(self.run(&hook, &event, name).await)
    }

    async fn run(&self, hook: &EventHook, event: &Event, name: Option<&EventName>) -> Ran {
        let delivery = Delivery::first(hook, event.clone()).id();
        let at = self.clock.now();
        let report = self.handlers.run(Run { hook, event, name, delivery, at }).await;
        Ran { data: event.data.merged(&event.source, name), report }
    }

    async fn greet(&self, hook: &EventHook) {
        if hook.draft.handler.kind() != HandlerKind::Webhook {
            return;
        }
        let mut operation = Map::new();
        operation.insert("operation".into(), "create".into());
        let delivery = Delivery::first(hook, self.ping_event(hook, operation));
        let owed = vec![Owed::from(&delivery)];
        let ping = Outgoing {
            queue: Queue::Events,
            task: Task::Deliver { event: Box::new(delivery.event), owed },
            delay: std::time::Duration::ZERO,
            group: hook.workspace.as_str().to_owned(),
        };
        if let Err(error) = self.queue.send(vec![ping]).await {
            tracing::warn!(hook.id = %hook.id, %error, "hook created, its ping was not queued");
        }
    }

    /// `data` and the hook, with the content type that the ping is sent with shown among its
    /// headers, and without its secret.
    fn ping_event(&self, hook: &EventHook, mut data: Map<String, Value>) -> Event {
        let mut view = hook.view(Secrets::Hidden);
        if let Some(Value::Object(headers)) = view["config"].get_mut("headers") {
            headers.retain(|name, _| !name.eq_ignore_ascii_case("content-type"));
            headers.insert("content-type".into(), "application/json".into());
        }
        data.insert("event_hooks".into(), view.into());
        let source = SourceName::parse("kong:event_hooks").expect("a short visible text");
        self.event(hook, source, constant_event("ping"), data)
    }

    fn event(
        &self,
        hook: &EventHook,
        source: SourceName,
        event: EventName,
        data: Map<String, Value>,
    ) -> Event {
        let now = self.clock.now();
        Event {
            id: OccurrenceId::at(now),
            order: Order { accepted: now, request: RequestId::at(now), index: 0 },
            workspace: hook.workspace.clone(),
            source,
            event,
            data: Data::from(data),
            key: None,
            time: None,
            pid: None,
            trace: None,
        }
    }
}

fn constant_event(name: &'static str) -> EventName {
    EventName::parse(name).expect("a short visible text")
}

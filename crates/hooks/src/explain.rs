//! Why did my hook not fire?
//!
//! Goes the way of an event without leaving a trace: nothing is queued, claimed, remembered or
//! run. An `id` that was posted before is not looked up. Hooks that listen to the event's source are
//! looked at first, then others, as far as they are the caller's to see.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde::Serialize;

use crate::{
    catalog::Catalog,
    event::Event,
    gate::{self, FireReason, GateKey, HoldReason, Memory, Verdict},
    hook::EventHook,
    id::HookId,
    in_force,
    matching::{self, Unmatched},
    name::{EventName, Scope, SourceName, Workspace},
    ports::{CatalogStore, Clock, HookStore, Ledger, PageRequest, PortResult},
    publish::{NewEvent, Posting, PublishError, Publisher, accept},
};

/// What would become of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// Its place in the request.
    pub index: usize,
    /// Its source, as posted.
    pub source: SourceName,
    /// Its name, as posted.
    pub event: EventName,
    /// What each hook would make of it: those that listen first, at most [`Explainer::MOST_HOOKS`].
    pub hooks: Vec<ForHook>,
    /// Are there hooks that are not shown?
    pub more: bool,
}

/// What a hook would make of an event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ForHook {
    /// The hook.
    pub hook: HookId,
    /// What it would make of it.
    #[serde(flatten)]
    pub answer: Answer,
}

/// What a hook would make of an event, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Answer {
    /// It would run its handler.
    WouldFire {
        /// The event's name as it sees it.
        seen_as: EventName,
        /// Why its gate lets the event pass.
        reason: FireReason,
    },
    /// Its gate would hold the event.
    Held {
        /// The event's name as it sees it.
        seen_as: EventName,
        /// Which of its rules: `on_change` or `snooze`.
        gate: &'static str,
        /// Why.
        reason: &'static str,
        /// The end of a snooze, in RFC 3339.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    /// Its filter does not want the event.
    Filtered {
        /// The event's name as it sees it.
        seen_as: EventName,
    },
    /// It is disabled: the delivery would be parked.
    Parked {
        /// The event's name as it sees it.
        seen_as: EventName,
    },
    /// It does not listen to the event.
    Unmatched(Unmatched),
}

/// Explains.
pub struct Explainer {
    publisher: Arc<Publisher>,
    hooks: Arc<dyn HookStore>,
    catalog: Arc<dyn CatalogStore>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
}

impl Explainer {
    /// How many hooks are shown for an event.
    pub const MOST_HOOKS: usize = 100;
    /// How many events can be explained at once.
    pub const MOST_EVENTS: usize = 10;
    /// How many hooks that do not listen to the event's source are looked at.
    const MOST_OTHERS: usize = 1_000;

    /// Explains what `publisher` would accept.
    pub fn new(
        publisher: Arc<Publisher>,
        hooks: Arc<dyn HookStore>,
        catalog: Arc<dyn CatalogStore>,
        ledger: Arc<dyn Ledger>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { publisher, hooks, catalog, ledger, clock }
    }

    /// What would accept the events.
    pub fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// What would become of these events, posted together, now. Hooks of the default workspace see
    /// the events of every other; to a caller who is `tied` to workspaces they are not shown.
    pub async fn explain(
        &self,
        workspace: &Workspace,
        tied: bool,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Explained>, PublishError> {
        self.publisher.refuse_unknown(&events).await?;
        let catalog = Catalog::with(self.catalog.published().await?);
        let page = PageRequest { size: Self::MOST_OTHERS, after: None };
        let others = self.hooks.hooks(&Scope::of(workspace), page).await?;

        let mut memories = HashMap::new();
        let mut explained = Vec::with_capacity(events.len());
        let events = accept(workspace, events, Posting::default(), self.clock.now());
        for (index, event) in events.into_iter().enumerate() {
            let mut hooks = Vec::new();
            let mut met = HashSet::new();
            let near = self.near(&event, tied).await?;
            for hook in near.iter().chain(&others.items).filter(|hook| met.insert(hook.id)) {
                let answer = self.answer(hook, &event, &catalog, &mut memories).await?;
                hooks.push(ForHook { hook: hook.id, answer });
            }
            hooks.sort_by_key(|it| it.answer.distance());
            let more = others.next.is_some() || hooks.len() > Self::MOST_HOOKS;
            hooks.truncate(Self::MOST_HOOKS);
            explained.push(Explained {
                index,
                source: event.source,
                event: event.event,
                hooks,
                more,
            });
        }
        Ok(explained)
    }

    /// The hooks that listen to a source of the event.
    async fn near(&self, event: &Event, tied: bool) -> PortResult<Vec<EventHook>> {
        let mut near = Vec::new();
        for key in in_force::shelves(event) {
            if !(tied && key.workspace.is_default()) {
                near.extend(self.hooks.shelf(&key).await?.hooks);
            }
        }
        Ok(near)
    }

    async fn answer(
        &self,
        hook: &EventHook,
        event: &Event,
        catalog: &Catalog,
        memories: &mut HashMap<GateKey, Memory>,
    ) -> PortResult<Answer> {
        let seen_as = match matching::seen(hook, event) {
            Ok(name) => name,
            Err(unmatched) => return Ok(Answer::Unmatched(unmatched)),
        };
        if !hook.wants(event, &seen_as) {
            return Ok(Answer::Filtered { seen_as });
        }
        if !hook.is_enabled() {
            return Ok(Answer::Parked { seen_as });
        }
        let fields = catalog.gate_fields(event, &hook.draft.source, &seen_as);
        let (key, candidate) = gate::before(hook, &seen_as, event, fields);
        let memory = match memories.get(&key) {
            Some(memory) => memory.clone(),
            None if hook.rules().is_gated() => {
                let recalled = self.ledger.recall(&[key]).await?.pop().flatten();
                recalled.map(|it| it.memory).unwrap_or_default()
            }
            None => Memory::default(),
        };
        let (verdicts, after) = gate::decide_all(hook.rules(), &memory, &[candidate]);
        memories.insert(key, after.unwrap_or(memory));
        Ok(Answer::of(verdicts[0], seen_as))
    }
}

impl Answer {
    fn of(verdict: Verdict, seen_as: EventName) -> Self {
        let hold = match verdict {
            Verdict::Fire(reason) => return Self::WouldFire { seen_as, reason },
            Verdict::Hold(hold) => hold,
        };
        let (gate, until) = match hold {
            HoldReason::Unchanged | HoldReason::Stale => ("on_change", None),
            HoldReason::Snoozed { until } => ("snooze", Some(until.to_string())),
        };
        Self::Held { seen_as, gate, reason: hold.as_str(), until }
    }

    /// How far the hook is from firing.
    fn distance(&self) -> u8 {
        match self {
            Self::WouldFire { .. } => 0,
            Self::Held { .. } => 1,
            Self::Parked { .. } => 2,
            Self::Filtered { .. } => 3,
            Self::Unmatched(Unmatched::Event { .. }) => 4,
            Self::Unmatched(Unmatched::Source { .. }) => 5,
            Self::Unmatched(Unmatched::Workspace | Unmatched::Itself) => 6,
        }
    }
}

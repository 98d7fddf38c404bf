//! From the queue to what is to be done for whom.

use std::{hint::black_box, sync::Arc, time::Duration};

use async_trait::async_trait;
use hooks::{
    catalog::GateFields,
    closing::Closing,
    deliver::{DeliveryLog, Logging},
    delivery::{HandlerResult, Outcome, Report},
    digest::Digest,
    dispatch::{Dispatcher, Handled, Message, Ports},
    filter::Filter,
    gate::{self, Candidate, Memory},
    hook::{Draft, EventHook, Snooze},
    ports::{CheckError, Handlers, HookStore as _, Run},
    task::Task,
};
use serde_json::json;
use testkit::{
    builders::{draft, event_at, hook},
    fakes::{HandClock, MemoryLedger, MemoryQueue, MemoryStore},
};

use super::{Deed, World};

/// Handlers that succeed at once.
struct Succeeding;

#[async_trait]
impl Handlers for Succeeding {
    async fn check(&self, _: &Draft) -> Result<(), CheckError> {
        Ok(())
    }

    async fn run(&self, _: Run<'_>) -> Report {
        Report {
            outcome: Outcome::Succeeded,
            request: None,
            headers: Vec::new(),
            result: HandlerResult::Nothing,
        }
    }
}

/// The text of a message with so many events.
fn message(events: usize) -> String {
    let event = |second| hooks::event::Event { data: super::event().data, ..event_at(second) };
    let events = (0..).map(event).take(events).collect();
    Task::Dispatch { events, again: false }.encode()
}

pub(super) fn decode(_: &World) -> Deed {
    let text = message(100);
    Box::new(move || drop(black_box(Task::decode(&text).expect("a task"))))
}

/// A dispatcher with these hooks, everything else in memory.
fn dispatcher(world: &World, hooks: impl IntoIterator<Item = Draft>) -> Arc<Dispatcher> {
    let clock = HandClock::default();
    let ledger = MemoryLedger::new(&clock);
    let store = MemoryStore::beside(&ledger);
    for draft in hooks {
        let hook = EventHook { draft, ..hook() };
        world.runtime.block_on(store.insert(&hook)).expect("a fake that works");
    }
    let ports = Ports {
        hooks: Arc::new(store.clone()),
        catalog: Arc::new(store),
        ledger: Arc::new(ledger),
        queue: Arc::new(MemoryQueue::new(&clock)),
        handlers: Arc::new(Succeeding),
        clock: Arc::new(clock),
    };
    let logging = Logging { log: DeliveryLog::All, retention: Duration::from_hours(24) };
    Arc::new(Dispatcher::new(ports, logging))
}

/// Decides what is to be done for a message of one event, and does none of it.
fn begin(world: &World, hooks: impl IntoIterator<Item = Draft>) -> Deed {
    let (dispatcher, body) = (dispatcher(world, hooks), message(1));
    world.deed(move || {
        let (dispatcher, body) = (Arc::clone(&dispatcher), body.clone());
        async move {
            let begun = dispatcher.begin(vec![Message { body, receives: 1 }]).await;
            assert_eq!(black_box(begun).len(), 1);
        }
    })
}

pub(super) fn all_of_100(world: &World) -> Deed {
    begin(world, vec![draft(); 100])
}

pub(super) fn one_of_100(world: &World) -> Deed {
    let filtered = |number: usize| {
        let filter = json!({
            "operation": ["create"],
            "entity": {"type": [number], "username": [{"prefix": "Arya"}]},
        });
        Draft { filter: Some(Filter::parse(&filter).expect("a filter")), ..draft() }
    };
    begin(world, (0..100).map(filtered))
}

/// On change and with a snooze: everybody says something new, half of them too early.
pub(super) fn gate(_: &World) -> Deed {
    let draft = Draft { on_change: Some(true), snooze: Some(Snooze::seconds(2)), ..draft() };
    let hook = EventHook { draft, ..hook() };
    let unique = ["entity".to_owned()];
    let fields = GateFields { unique: Some(&unique), ..GateFields::default() };
    let event = hooks::event::Event { data: super::event().data, ..event_at(0) };
    let (_, first) = gate::before(&hook, &event.event, &event, fields);
    let candidates: Vec<_> = (0..100)
        .map(|second| {
            let event = event_at(second);
            let said = Digest::of_texts([second.to_string().as_str()]);
            Candidate { occurrence: event.id, order: event.order, said, ..first }
        })
        .collect();
    let rules = hook.rules();
    Box::new(move || {
        let fields = GateFields { unique: Some(&unique), ..GateFields::default() };
        black_box(gate::before(&hook, &event.event, &event, fields));
        let decided = gate::decide_all(rules, &Memory::default(), black_box(&candidates));
        drop(black_box(decided));
    })
}

/// All of the rules: one hook that hears of everything, and succeeds.
pub(super) fn dispatch(world: &World) -> Deed {
    let (dispatcher, body) = (dispatcher(world, [draft()]), message(100));
    world.deed(move || {
        let (dispatcher, body) = (Arc::clone(&dispatcher), body.clone());
        async move {
            let messages = vec![Message { body, receives: 1 }];
            let handled = dispatcher.dispatch(messages, &Closing::never()).await;
            assert!(matches!(handled[..], [Handled::Done]));
        }
    })
}

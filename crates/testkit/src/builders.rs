//! Values for tests, so that a test spells out only what matters to it:
//! `EventHook { draft: Draft { snooze: Some(Snooze::seconds(60)), ..draft() }, ..hook() }`.
//!
//! Ids are random wherever identity is not the point. Texts given to these functions are
//! written in tests, so that one that cannot be read is a mistake of the test: they panic.

use std::{num::NonZeroU32, time::Duration};

use hooks::{
    access::{Role, Token, TokenHash},
    catalog::{EventSpec, Published},
    delivery::{Attempt, Delivery, Exchange, PendingReason, Record, State, Step},
    digest::Digest,
    event::{Data, Event, EventKey, Order},
    gate::{self, Candidate, GateKey, Memory, Rules},
    handler::{Handler, Webhook},
    health::Health,
    hook::{Draft, EventHook},
    id::{HookId, OccurrenceId, PoisonId, RecoveryId, RequestId, TokenId},
    name::{EventName, SourceName, Workspace},
    ports::{Claim, Outgoing, Poison, Recovery, RecoveryState},
    secret::Signing,
    target_url::TargetUrl,
    task::{Queue, Task},
    time::Timestamp,
};
use serde_json::{Value, json};

/// When tests begin: 2026-11-21T10:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_795_255_200);

/// So many seconds after [`START`].
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + seconds * 1_000)
}

/// The place of the only event of a request that came so many seconds after [`START`].
pub fn order(seconds: i64) -> Order {
    Order { accepted: at(seconds), request: RequestId::at(at(seconds)), index: 0 }
}

/// A source of this name.
pub fn source(name: &str) -> SourceName {
    SourceName::parse(name).expect("a source's name")
}

/// An event's name.
pub fn named(name: &str) -> EventName {
    EventName::parse(name).expect("an event's name")
}

/// A workspace of this name.
pub fn workspace(name: &str) -> Workspace {
    Workspace::parse(name).expect("a workspace's name")
}

/// The data of an event, from an object.
pub fn data(object: Value) -> Data {
    let Value::Object(members) = object else { panic!("data is an object, not {object}") };
    members.into()
}

/// What an administrator says of a hook: the log handler for `crud` / `consumers`, no rules.
pub fn draft() -> Draft {
    Draft {
        source: source("crud"),
        event: Some(named("consumers")),
        handler: Handler::Log {},
        on_change: None,
        snooze: None,
        enabled: None,
        group_by: None,
        filter: None,
    }
}

/// A hook in its first version: [`draft`] in the default workspace, made at [`START`].
pub fn hook() -> EventHook {
    draft().into_hook(HookId::random(), Workspace::default_workspace(), START)
}

/// A webhook to this URL, unsigned and without headers of its own.
pub fn webhook(url: &str) -> Handler {
    Handler::Webhook(Webhook {
        url: TargetUrl::parse(url).expect("a URL"),
        headers: std::collections::BTreeMap::new(),
        signing: Signing::default(),
        ssl_verify: false,
        format: None,
    })
}

/// A consumer was created in the default workspace, at [`START`].
pub fn event() -> Event {
    Event {
        id: OccurrenceId::at(START),
        order: order(0),
        workspace: Workspace::default_workspace(),
        source: source("crud"),
        event: named("consumers"),
        data: data(json!({
            "operation": "create",
            "schema": "consumers",
            "entity": {"id": "5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10", "username": "alice"},
        })),
        key: None,
        time: None,
        pid: None,
        trace: None,
    }
}

/// Another [`event`], accepted so many seconds after [`START`].
pub fn event_at(seconds: i64) -> Event {
    Event { id: OccurrenceId::at(at(seconds)), order: order(seconds), ..event() }
}

/// An [`event`] owed to a [`hook`], neither of which is anybody else's.
pub fn delivery() -> Delivery {
    Delivery::first(&hook(), event())
}

/// The step of this attempt in the first run.
pub fn attempt_step(attempt: u32) -> Step {
    Step { run: 0, attempt }
}

/// An attempt that the receiver answered with 200.
pub fn attempt(step: Step) -> Attempt {
    Attempt {
        step,
        at: START,
        took_ms: 12,
        exchange: Exchange {
            request: Some("POST https://example.com/".to_owned()),
            status: Some(200),
            answer: Some("ok".to_owned()),
            ..Exchange::default()
        },
        error: None,
    }
}

/// The record of a [`delivery`] whose first attempt succeeded.
pub fn record() -> Record {
    record_of(delivery(), attempt_step(1), State::Delivered)
}

/// The record of an attempt after which the delivery stands like this.
pub fn record_of(delivery: Delivery, step: Step, state: State) -> Record {
    Record { delivery, step, attempt: Some(attempt(step)), state, at: START }
}

/// Waiting for a retry.
pub fn pending() -> State {
    State::Pending { due: at(5), reason: PendingReason::Retry }
}

/// Put off at that second, for this reason, until five seconds later: no attempt was made.
pub fn put_off(delivery: Delivery, step: Step, seconds: i64, reason: PendingReason) -> Record {
    let state = State::Pending { due: at(seconds + 5), reason };
    Record { delivery, step, attempt: None, state, at: at(seconds) }
}

/// Of a receiver that has failed so often, from [`START`] on.
pub fn failing(failures: u32) -> Health {
    Health { failures, since: START, ..Health::unknown(1) }
}

/// A recovery of ten deliveries of nobody else's hook that has just begun.
pub fn recovery() -> Recovery {
    let hook = hook();
    Recovery {
        id: RecoveryId::random(),
        hook: hook.id,
        generation: hook.generation,
        accepted: 10,
        done: 0,
        state: RecoveryState::Running,
        at: START,
    }
}

/// A message that was handed out five times and put aside a minute after [`START`].
pub fn poison() -> Poison {
    Poison {
        id: PoisonId::from(*HookId::random().as_uuid()),
        queue: Queue::Events,
        receives: 5,
        sent: START,
        buried: at(60),
        reason: "handed out 5 times, and never done with".to_owned(),
        body: dispatch(event()).encode(),
    }
}

/// The key of a gate of nobody else's.
pub fn gate_key() -> GateKey {
    let hook = hook();
    GateKey { hook: hook.id, generation: hook.generation, group: Digest::of_texts(["a group"]) }
}

/// What a gate remembers after one event that said so passed at that second.
pub fn memory(seconds: i64, said: &str) -> Memory {
    let rules = Rules { on_change: true, snooze: NonZeroU32::new(60) };
    let event = Candidate {
        occurrence: OccurrenceId::at(at(seconds)),
        order: order(seconds),
        said: Digest::of_texts([said]),
        subject: None,
        again: false,
    };
    let (_, memory) = gate::decide_all(rules, &Memory::default(), &[event]);
    memory.expect("the first event always passes")
}

/// A claim of the key `id` by an owner of nobody else's, from [`START`] for a day.
pub fn claim(id: &str) -> Claim {
    Claim {
        workspace: Workspace::default_workspace(),
        source: source("crud"),
        key: EventKey::Id(id.to_owned()),
        owner: OccurrenceId::at(START),
        at: START,
        until: START + Duration::from_hours(24),
    }
}

/// What a plugin publishes under these names.
pub fn published(source_name: &str, event_name: &str) -> Published {
    let spec = EventSpec { fields: vec!["a".into(), "b".into()], ..EventSpec::default() };
    Published { source: source(source_name), event: named(event_name), spec }
}

/// An admin's token, tied to no workspace. What the caller shows is `shown`.
pub fn token(shown: &str) -> Token {
    Token {
        id: TokenId::random(),
        name: "a token".to_owned(),
        hash: TokenHash::of(shown),
        role: Role::Admin,
        workspaces: Vec::new(),
        created_at: START,
    }
}

/// A task on its way into the queue of events, without delay.
pub fn outgoing(task: Task) -> Outgoing {
    Outgoing { queue: Queue::Events, task, delay: Duration::ZERO, group: "default".to_owned() }
}

/// The task of dispatching this event alone.
pub fn dispatch(event: Event) -> Task {
    Task::Dispatch { events: vec![event], again: false }
}

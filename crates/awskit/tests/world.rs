//! Ingest, the queues, the dispatcher: wired as the functions are, over the adapters that they have,
//! with time moved by hand. What they ask of AWS is counted.

use std::{sync::Arc, time::Duration};

use api::{Auth, Ingest};
use awskit::{
    meter::{Meter, QueueCosts, TableCosts},
    servers::Servers,
};
use axum::{Router, body::Body};
use dynamodb::Dynamo;
use hooks::{
    access::{FirstToken, TokenHash},
    closing::Closing,
    deliver::{DeliveryLog, Logging},
    dispatch::{Dispatcher, Handled, Ports},
    hook::{Draft, EventHook},
    id::HookId,
    name::Workspace,
    ports::{Clock as _, HookStore as _, TokenStore as _},
    publish::Publisher,
    task::Queue,
};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use testkit::{
    builders,
    fakes::{HandClock, ScriptedHandlers},
};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::queues::FakeQueues;

/// What events cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bill {
    /// How many events.
    pub(crate) events: usize,
    /// How many requests came through API Gateway, each of which is an invocation of ingest.
    pub(crate) posts: usize,
    /// Invocations of the dispatcher.
    pub(crate) batches: usize,
    /// Those in which an attempt was made, whose receiver is waited for.
    pub(crate) waiting: usize,
    /// Those in which something was counted, and written to the log.
    pub(crate) telling: usize,
    /// Attempts that handlers made.
    pub(crate) attempts: usize,
    /// What the functions asked of SQS, and Lambda for them.
    pub(crate) queues: QueueCosts,
    /// What the functions asked of `DynamoDB`.
    pub(crate) tables: TableCosts,
}

/// Everything between a gateway and a receiver.
pub(crate) struct World {
    pub(crate) handlers: ScriptedHandlers,
    clock: HandClock,
    meter: Meter,
    store: Arc<Dynamo>,
    queues: FakeQueues,
    door: Router,
    dispatcher: Dispatcher,
    bill: Bill,
    /// How many attempts were made before what is measured.
    before: usize,
    /// Does each event have an id of its own?
    has_ids: bool,
}

const TOKEN: &str = "an emitter's token";

impl World {
    /// One in which such deliveries are kept.
    pub(crate) async fn keeping(log: DeliveryLog, servers: &Servers) -> Self {
        let (clock, meter) = (HandClock::default(), Meter::default());
        let by = Arc::new(clock.clone());
        let store = Arc::new(servers.metered(&meter, by.clone()));
        let queues = FakeQueues::start(&clock).await;
        let handlers = ScriptedHandlers::default();
        let ports = Ports {
            hooks: store.clone(),
            catalog: store.clone(),
            ledger: store.clone(),
            queue: Arc::new(queues.metered(&meter)),
            handlers: Arc::new(handlers.clone()),
            clock: by.clone(),
        };
        let logging = Logging { log, retention: Duration::from_hours(30 * 24) };
        let first: Arc<dyn FirstToken> = Arc::new(TokenHash::of("the first token"));
        let auth = Auth::guarded(first, store.clone(), by.clone());
        let queue = Arc::new(queues.metered(&meter));
        let publisher = Arc::new(Publisher::new(store.clone(), queue, by));
        let world = Self {
            dispatcher: Dispatcher::new(ports, logging),
            door: api::ingest_router(Ingest { publisher, explainer: None, intake: None }, auth),
            bill: Bill::default(),
            before: 0,
            has_ids: false,
            handlers,
            clock,
            meter,
            store,
            queues,
        };
        let token = world.store.add_token(&builders::token(TOKEN)).await;
        token.expect("a token is added");
        world
    }

    /// Events have ids from now on, as the plugin for Kong gives them.
    pub(crate) fn give_ids(&mut self) {
        self.has_ids = true;
    }

    /// Adds a hook.
    pub(crate) async fn hook(&self, draft: Draft) -> HookId {
        always_the_same(0);
        let id = HookId::from(Uuid::from_u128(1));
        let hook: EventHook = draft.into_hook(id, Workspace::default_workspace(), self.clock.now());
        self.store.insert(&hook).await.expect("a hook is added");
        id
    }

    /// Posts events of 1 KB in one request, one for each of these consumers.
    pub(crate) async fn post(&mut self, consumers: impl IntoIterator<Item = usize>) {
        let has_ids = self.has_ids;
        let event = |consumer| {
            let mut event = event(consumer);
            if has_ids {
                event["id"] = Value::from(Uuid::new_v4().to_string());
            }
            event
        };
        let events: Vec<_> = consumers.into_iter().map(event).collect();
        self.bill.events += events.len();
        self.bill.posts += 1;
        always_the_same(self.bill.posts);
        let request = Request::post("/events")
            .header("kong-admin-token", TOKEN)
            .header("content-type", "application/json")
            .body(Body::from(Value::from(events).to_string()))
            .expect("a request");
        let answer = self.door.clone().oneshot(request).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }

    /// Sees through what is due, as Lambda hands it over.
    pub(crate) async fn work(&mut self) {
        for queue in [Queue::Events, Queue::Retries] {
            while let Some((messages, costs)) = self.queues.hand_over(queue) {
                self.bill.batches += 1;
                self.bill.queues += costs;
                let before = self.handlers.runs().len();
                let handled = self.dispatcher.dispatch(messages, &Closing::never()).await;
                assert!(handled.iter().all(|it| matches!(it, Handled::Done)), "{handled:?}");
                let is_waiting = self.handlers.runs().len() > before;
                self.bill.waiting += usize::from(is_waiting);
                self.bill.telling += usize::from(is_waiting || queue == Queue::Events);
            }
        }
    }

    /// Lets time go by until nothing is left to be done.
    pub(crate) async fn work_until_the_end(&mut self) {
        while let Some(due) = self.queues.next() {
            self.clock.set(due.max(self.clock.now()));
            self.work().await;
        }
    }

    /// Lets time go by.
    pub(crate) fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Forgets what was asked for so far: what is measured begins here.
    pub(crate) fn begin(&mut self) {
        self.meter.take();
        self.bill = Bill::default();
        self.before = self.handlers.runs().len();
    }

    /// What it has cost.
    pub(crate) fn bill(&mut self) -> Bill {
        let costs = self.meter.take();
        self.bill.queues += costs.queues;
        self.bill.tables = costs.tables;
        self.bill.attempts = self.handlers.runs().len() - self.before;
        self.bill
    }
}

/// Ids that are drawn from here on are those of the last run: a retry's jitter follows from its
/// delivery's.
fn always_the_same(ids: usize) {
    fastrand::seed(ids as u64);
}

/// What a gateway posts when a consumer is created, padded to a kilobyte of data.
fn event(number: usize) -> Value {
    let mut data = json!({
        "operation": "create",
        "schema": "consumers",
        "entity": {"id": format!("{number:036}"), "username": "alice", "custom_id": ""},
    });
    let padding = 1024 - data.to_string().len();
    data["entity"]["custom_id"] = Value::from("x".repeat(padding));
    json!({"source": "crud", "event": "consumers", "data": data})
}

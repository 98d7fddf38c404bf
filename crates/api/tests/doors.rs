//! Both doors over ports in memory, and how tests knock.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use api::{
    Admin, Auth, FirstToken, Front, Ingest, Intake, Probe, Reach, Route, Status,
    wire::hook::Defaults,
};
use async_trait::async_trait;
use axum::{Router, body::Body};
use hooks::{
    access::TokenHash,
    explain::Explainer,
    manage::Hooks,
    poison::Poisons,
    ports::Ledger,
    publish::{Publisher, Sources},
    replay::Replays,
    task::Queue,
    tokens::Tokens,
};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use testkit::fakes::{HandClock, MemoryLedger, MemoryQueue, MemoryStore, ScriptedHandlers};
use tower::ServiceExt as _;

/// The doors, and what stands behind them.
pub(crate) struct Doors {
    pub(crate) clock: HandClock,
    pub(crate) ledger: MemoryLedger,
    pub(crate) store: MemoryStore,
    pub(crate) queue: MemoryQueue,
    pub(crate) handlers: ScriptedHandlers,
    front: Front,
    router: Router,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body, as JSON; null where there is none.
    pub(crate) fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// A header, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }
}

/// How things are, as a test wants them.
struct Health(Reach);

#[async_trait]
impl Probe for Health {
    async fn status(&self) -> Status {
        Status {
            version: "1.2.3",
            storage: self.0,
            queue: Reach::Reachable,
            depth: BTreeMap::from([(Queue::Events, 3), (Queue::Retries, 0)]),
        }
    }
}

impl Doors {
    /// Doors without a token.
    pub(crate) fn open() -> Self {
        Self::with(None, Reach::Reachable, Defaults { ssl_verify: false })
    }

    /// Doors without a token, of a deployment with these defaults.
    pub(crate) fn with_defaults(defaults: Defaults) -> Self {
        Self::with(None, Reach::Reachable, defaults)
    }

    /// Doors with a first token.
    pub(crate) fn guarded(first: &str) -> Self {
        Self::guarded_by(Arc::new(TokenHash::of(first)))
    }

    /// Doors whose first token is kept elsewhere.
    pub(crate) fn guarded_by(first: Arc<dyn FirstToken>) -> Self {
        Self::with(Some(first), Reach::Reachable, Defaults { ssl_verify: false })
    }

    /// Doors of a deployment whose storage is out of reach.
    pub(crate) fn unhealthy() -> Self {
        let first = Arc::new(TokenHash::of("first"));
        Self::with(Some(first), Reach::Unreachable, Defaults { ssl_verify: false })
    }

    fn with(first: Option<Arc<dyn FirstToken>>, storage: Reach, defaults: Defaults) -> Self {
        let clock = HandClock::default();
        let ledger = MemoryLedger::new(&clock);
        let store = MemoryStore::beside(&ledger);
        let queue = MemoryQueue::new(&clock);
        let handlers = ScriptedHandlers::default();

        let shared = (Arc::new(store.clone()), Arc::new(queue.clone()), Arc::new(clock.clone()));
        let kept: Arc<dyn Ledger> = Arc::new(ledger.clone());
        let publisher =
            Arc::new(Publisher::new(shared.0.clone(), shared.1.clone(), shared.2.clone()));
        let explainer = Arc::new(Explainer::new(
            publisher.clone(),
            shared.0.clone(),
            shared.0.clone(),
            kept.clone(),
            shared.2.clone(),
        ));
        let replays = Replays::new(
            shared.0.clone(),
            kept.clone(),
            shared.1.clone(),
            shared.2.clone(),
            Duration::from_hours(24),
        );
        let poisons = Poisons::new(kept.clone(), shared.1.clone(), shared.2.clone());
        let hooks = Hooks::new(
            shared.0.clone(),
            shared.1.clone(),
            Arc::new(handlers.clone()),
            shared.2.clone(),
        );
        let admin = Admin {
            hooks: Arc::new(hooks),
            sources: Arc::new(Sources::new(shared.0.clone())),
            ledger: kept,
            replays: Arc::new(replays),
            poisons: Arc::new(poisons),
            explainer: explainer.clone(),
            tokens: Arc::new(Tokens::new(shared.0.clone(), shared.2.clone())),
            clock: shared.2.clone(),
            defaults,
        };
        let front = Front {
            admin,
            ingest: Ingest { publisher, explainer: Some(explainer), intake: None },
            auth: match first {
                Some(first) => Auth::guarded(first, shared.0, shared.2),
                None => Auth::open(),
            },
            probe: Arc::new(Health(storage)),
            metrics: Some(Arc::new(|| "counted 1\n".to_owned())),
        };
        let router = api::router(front.clone());
        Self { clock, ledger, store, queue, handlers, front, router }
    }

    /// Every path that there is.
    pub(crate) fn served(&self) -> Vec<Route> {
        api::served(self.front.clone())
    }

    /// The admin API alone, as a function has it.
    pub(crate) fn admin_alone(self) -> Self {
        let Front { admin, auth, probe, .. } = self.front.clone();
        Self { router: api::admin_router(admin, auth, probe), ..self }
    }

    /// `POST /events` alone, as a function has it that knows no hooks.
    pub(crate) fn ingest_alone(self) -> Self {
        let Front { ingest, auth, .. } = self.front.clone();
        let ingest = Ingest { explainer: None, ..ingest };
        Self { router: api::ingest_router(ingest, auth), ..self }
    }

    /// The same doors, where so many events may wait as `intake` says.
    pub(crate) fn with_intake(self, intake: Arc<dyn Intake>) -> Self {
        let mut front = self.front.clone();
        front.ingest.intake = Some(intake);
        Self { router: api::router(front), ..self }
    }

    /// Sends any request.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }

    /// Sends a request without a body.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(request(method, path, &[], Body::empty())).await
    }

    /// GET
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    /// Sends JSON.
    pub(crate) async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(request(method, path, &[JSON], body.to_string())).await
    }

    /// Sends a form.
    pub(crate) async fn form(&self, method: Method, path: &str, body: &str) -> Answer {
        self.send(request(method, path, &[FORM], body.to_owned())).await
    }

    /// Posts events as JSON.
    pub(crate) async fn post_events(&self, body: &Value) -> Answer {
        self.json(Method::POST, "/events", body).await
    }

    /// Makes a hook and answers it as the admin API shows it.
    pub(crate) async fn hook(&self, body: &Value) -> Value {
        self.json(Method::POST, "/event-hooks", body).await.expect(201)
    }

    /// The id of a new log hook.
    pub(crate) async fn log_hook(&self) -> String {
        id(&self.hook(&json!({"source": "crud", "event": "consumers", "handler": "log"})).await)
    }

    /// The id of a new webhook.
    pub(crate) async fn webhook(&self) -> String {
        id(&self.hook(&webhook()).await)
    }
}

/// The content type of JSON.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
/// The content type of forms.
pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// The least that makes a webhook.
pub(crate) fn webhook() -> Value {
    json!({
        "source": "crud",
        "event": "consumers",
        "handler": "webhook",
        "config": {"url": "https://example.com/hook"},
    })
}

/// The id of an entity.
pub(crate) fn id(entity: &Value) -> String {
    entity["id"].as_str().unwrap().to_owned()
}

/// A request with these headers.
pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

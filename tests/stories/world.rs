//! What the stories run against: the real binary, started for one story and stopped at its end; or,
//! where `EVENT_HOOKS_TEST_STACK` names one, a system that was deployed to AWS, which many stories
//! share.
//!
//! This is the only file that knows. Every story talks HTTP and nothing else. On a shared system each
//! has a workspace of its own, so that none meets another's hooks and events. Which ones can run
//! there is said in `.config/nextest.toml`.

mod process;
mod stack;

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::binary;

pub(crate) use self::{process::Process, stack::Stack};

/// How long anything may take that a story waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, and somebody who asks it.
pub(crate) struct World {
    home: Home,
    url: String,
    client: Client,
}

enum Home {
    /// A process of this story's own.
    Own { process: Process, settings: Vec<(String, String)>, data: Arc<TempDir> },
    /// Everybody's.
    Shared(Stack),
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl World {
    /// A server with nothing in it, as somebody gets who types `cargo run`.
    pub(crate) async fn new() -> Self {
        match Stack::deployed() {
            Some(stack) => Self::on(stack),
            None => Self::with([]).await,
        }
    }

    /// A server of this story's own with these settings, by their names in the environment without
    /// `EVENT_HOOKS_`.
    pub(crate) async fn with<const N: usize>(settings: [(&str, &str); N]) -> Self {
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self::start(Arc::new(tempfile::tempdir().unwrap()), settings).await
    }

    /// The system that was deployed.
    pub(crate) fn on(stack: Stack) -> Self {
        Self { url: stack.address(""), client: client(), home: Home::Shared(stack) }
    }

    /// The same folder and settings in a new process, after this one has ended.
    pub(crate) async fn restarted(self) -> Self {
        let Home::Own { process, settings, data } = self.home else { panic!("{NOT_OURS}") };
        drop(process);
        Self::start(data, settings).await
    }

    /// The same, in a process that is killed after so long: that is no time to come to itself.
    pub(crate) async fn killed_while_it_starts(&mut self, after: Duration) {
        let Home::Own { process, settings, data } = &mut self.home else { panic!("{NOT_OURS}") };
        *process = Process::serve(Command::new(binary::event_hooks()), data.path(), settings);
        tokio::time::sleep(after).await;
        process.kill();
    }

    /// A server that may be kept from writing, see [`Process::limit_writing`].
    #[cfg(target_os = "linux")]
    pub(crate) async fn that_may_run_out_of_room() -> Self {
        // Who writes beyond a limit is sent a signal that ends it, unless it does not listen. With
        // a disk that is full there is no signal, and the same error.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"trap "" XFSZ && exec "$0" "$@""#]).arg(binary::event_hooks());
        Self::start_as(shell, Arc::new(tempfile::tempdir().unwrap()), Vec::new()).await
    }

    async fn start(data: Arc<TempDir>, settings: Vec<(String, String)>) -> Self {
        Self::start_as(Command::new(binary::event_hooks()), data, settings).await
    }

    async fn start_as(
        program: Command,
        data: Arc<TempDir>,
        settings: Vec<(String, String)>,
    ) -> Self {
        let process = Process::serve(program, data.path(), &settings);
        let banner = process.line().await;
        let url = banner.rsplit(' ').next().expect("an address at the end").to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{banner}");
        Self { home: Home::Own { process, settings, data }, url, client: client() }
    }

    /// The address of the server, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn data(&self) -> &Path {
        let Home::Own { data, .. } = &self.home else { panic!("{NOT_OURS}") };
        data.path()
    }

    /// The process that serves this story alone.
    pub(crate) fn process(&self) -> &Process {
        let Home::Own { process, .. } = &self.home else { panic!("{NOT_OURS}") };
        process
    }

    /// The same, for who is about to end it.
    pub(crate) fn process_mut(&mut self) -> &mut Process {
        let Home::Own { process, .. } = &mut self.home else { panic!("{NOT_OURS}") };
        process
    }

    /// The token that this story shows, where one is asked for.
    pub(crate) fn token(&self) -> Option<&str> {
        match &self.home {
            Home::Own { .. } => None,
            Home::Shared(stack) => Some(stack.token()),
        }
    }

    /// What was logged since this story began, by others too where the system is shared.
    pub(crate) async fn logged(&self) -> String {
        match &self.home {
            Home::Own { process, .. } => process.logged.lock().unwrap().clone(),
            Home::Shared(stack) => stack.logged().await,
        }
    }

    /// The same, as soon as `text` is in it.
    pub(crate) async fn log_with(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let logged = self.logged().await;
            if logged.contains(text) {
                return logged;
            }
            assert!(began.elapsed() < PATIENCE, "no '{text}' in:\n{logged}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.request_with(self.token(), method, path)
    }

    /// The same with this token, or with none.
    pub(crate) fn request_with(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
    ) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let address = match &self.home {
            Home::Own { .. } => format!("{}{path}", self.url),
            Home::Shared(stack) => stack.address(path),
        };
        let request = self.client.request(method, address);
        match token {
            Some(token) => request.header("kong-admin-token", token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        answer(json_body(self.request(method, path), body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body).await
    }

    /// Makes a hook, and answers its id.
    pub(crate) async fn hook(&self, hook: &Value) -> String {
        let made = self.post("/event-hooks", hook).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Posts an event, and answers its id.
    pub(crate) async fn publish(&self, event: &Value) -> String {
        let accepted = self.post("/events", event).await;
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        accepted.json()["ids"][0].as_str().unwrap().to_owned()
    }

    /// The deliveries of a hook, newest first, as soon as `enough` says so.
    pub(crate) async fn deliveries(
        &self,
        hook: &str,
        enough: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let listed = self.get(&format!("/event-hooks/{hook}/deliveries")).await;
            let deliveries = listed.json()["data"].as_array().unwrap().clone();
            if enough(&deliveries) {
                return deliveries;
            }
            assert!(began.elapsed() < PATIENCE, "not enough after {PATIENCE:?}: {deliveries:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The newest delivery of a hook, with its attempts, as soon as it has this status.
    pub(crate) async fn newest_that_is(&self, hook: &str, status: &str) -> Value {
        let is_it = |all: &[Value]| all.first().is_some_and(|it| it["status"] == status);
        let newest = self.deliveries(hook, is_it).await.remove(0);
        self.delivery(hook, &newest["id"]).await
    }

    /// One delivery, with its attempts.
    pub(crate) async fn delivery(&self, hook: &str, id: &Value) -> Value {
        let id = id.as_str().unwrap();
        self.get(&format!("/event-hooks/{hook}/deliveries/{id}")).await.json()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("{} with no JSON: {}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

const NOT_OURS: &str = "this story needs a process of its own, and a deployed system has none";

/// A consumer was created.
pub(crate) fn a_change() -> Value {
    json!({
        "source": "crud",
        "event": "consumers",
        "operation": "create",
        "schema": "consumers",
        "entity": {"username": "Ada Lovelace"},
    })
}

/// A webhook for changes of consumers.
pub(crate) fn a_webhook(url: &str) -> Value {
    json!({
        "source": "crud",
        "event": "consumers",
        "handler": "webhook",
        "config": {"url": url},
    })
}

pub(crate) fn json_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

/// Sends a request, and reads the answer to its end.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

#[expect(clippy::disallowed_methods, reason = "this is the user of the system, not the system")]
pub(crate) fn client() -> Client {
    // The client wants a TLS provider even where it speaks plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

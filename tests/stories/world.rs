//! What the stories run against: the real binary, started for one story and stopped at its end.
//!
//! This is the only file that knows. Every story talks HTTP and nothing else.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take that a story waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, and somebody who asks it.
pub(crate) struct World {
    pub(crate) process: Process,
    url: String,
    client: Client,
    settings: Vec<(String, String)>,
    data: Arc<TempDir>,
}

/// A process of ours. It is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// What it prints for people, line by line.
    pub(crate) said: Receiver<String>,
    /// What it logs.
    pub(crate) logged: Arc<Mutex<String>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl World {
    /// A server with an empty folder, as somebody gets who types `cargo run`.
    pub(crate) async fn new() -> Self {
        Self::with([]).await
    }

    /// A server with these settings, by their names in the environment without `EVENT_HOOKS_`.
    pub(crate) async fn with<const N: usize>(settings: [(&str, &str); N]) -> Self {
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self::start(Arc::new(tempfile::tempdir().unwrap()), settings).await
    }

    /// The same folder and settings in a new process, after this one has ended.
    pub(crate) async fn restarted(self) -> Self {
        let Self { data, settings, process, .. } = self;
        drop(process);
        Self::start(data, settings).await
    }

    /// The same, in a process that is killed after so long: that is no time to come to itself.
    pub(crate) async fn killed_while_it_starts(&mut self, after: Duration) {
        self.process = Process::serve(Command::new(binary()), self.data.path(), &self.settings);
        tokio::time::sleep(after).await;
        self.process.kill();
    }

    /// A server that may be kept from writing, see [`Process::limit_writing`].
    #[cfg(target_os = "linux")]
    pub(crate) async fn that_may_run_out_of_room() -> Self {
        // Who writes beyond a limit is sent a signal that ends it, unless it does not listen. With
        // a disk that is full there is no signal, and the same error.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"trap "" XFSZ && exec "$0" "$@""#]).arg(binary());
        Self::start_as(shell, Arc::new(tempfile::tempdir().unwrap()), Vec::new()).await
    }

    async fn start(data: Arc<TempDir>, settings: Vec<(String, String)>) -> Self {
        Self::start_as(Command::new(binary()), data, settings).await
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
        Self { process, url, client: client(), settings, data }
    }

    /// The address of the server, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.url))
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

impl Process {
    fn serve(program: Command, data: &Path, settings: &[(String, String)]) -> Self {
        let environment = settings
            .iter()
            .map(|(name, value)| (format!("EVENT_HOOKS_{name}"), value.clone()))
            .chain([("EVENT_HOOKS_DATA".to_owned(), data.display().to_string())]);
        let listen = settings.iter().all(|(name, _)| name != "LISTEN");
        let address = listen.then_some(["--listen", "127.0.0.1:0"]).into_iter().flatten();
        Self::start_as(program, address, environment)
    }

    /// Starts the binary.
    pub(crate) fn start(
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self::start_as(Command::new(binary()), arguments, environment)
    }

    fn start_as(
        mut program: Command,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut child = program
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (say, said) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|it| say.send(it)));
        let logged = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&logged);
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                log.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { child, said, logged }
    }

    /// The next line for people, without keeping receivers of this story from answering.
    pub(crate) async fn line(&self) -> String {
        let began = Instant::now();
        loop {
            if let Ok(line) = self.said.try_recv() {
                return line;
            }
            let logged = || self.logged.lock().unwrap().clone();
            assert!(began.elapsed() < PATIENCE, "it said nothing, and logged: {}", logged());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Dies at once, as in a power cut of one process.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Is asked to stop.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last is on its way through the pipe.
                thread::sleep(Duration::from_millis(100));
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "still running after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it logged so far, as soon as `text` is in it.
    pub(crate) fn log_with(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let logged = self.logged.lock().unwrap().clone();
            if logged.contains(text) {
                return logged;
            }
            assert!(began.elapsed() < PATIENCE, "no '{text}' in:\n{logged}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What the operating system shows of a process to others.
#[cfg(target_os = "linux")]
impl Process {
    /// How large a file may be that it writes to, from now on: `0` lets it write nothing any more,
    /// `unlimited` everything again.
    pub(crate) fn limit_writing(&self, bytes: &str) {
        let pid = self.child.id().to_string();
        let limit = format!("--fsize={bytes}:unlimited");
        let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(limited.unwrap().success(), "prlimit {limit}");
    }

    /// Does it still run?
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The environments of the processes that it has started and that still run.
    pub(crate) fn environments_of_children(&self) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap_or_default()
        };
        let children = threads.map(of_thread).collect::<String>();
        let environment = |pid| std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        children.split_whitespace().map(environment).map(text).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// The binary, built once, as it stands in the work tree.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let deps = std::env::current_exe().unwrap();
        let profile = deps.parent().and_then(Path::parent).expect("target/PROFILE/deps").to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--offline", "--package", "local", "--target-dir"]);
        build.arg(profile.parent().expect("the target folder"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells a test of its package would make build scripts believe that something
        // has changed, and most of the house would be built again.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_") && !matches!(&*name, "CARGO_HOME" | "CARGO_BUILD_JOBS") {
                build.env_remove(&*name);
            }
        }
        assert!(build.status().unwrap().success(), "the binary does not build");
        profile.join("event-hooks")
    })
}

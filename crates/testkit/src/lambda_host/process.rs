//! One life of the program: from its start to its end, whoever ends it.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::{Notify, watch},
    task::AbortHandle,
};

use super::{Invoked, LambdaHost, NotStarted, Program, runtime_api::RuntimeApi};

/// A program that runs, or ran. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    id: u32,
    api: RuntimeApi,
    init_took: Duration,
    doom: Arc<Notify>,
    ended: watch::Receiver<Option<String>>,
    reaper: AbortHandle,
}

impl Process {
    /// Starts the program, and waits until it asks for its first invocation.
    pub(super) async fn start(program: &Program, log: &Log) -> Result<Self, NotStarted> {
        let api = RuntimeApi::serve().await;
        let failed = |why: String| NotStarted { why, log: log.text() };
        let started = Instant::now();
        let mut child = command(program, &api)
            .spawn()
            .map_err(|error| failed(format!("{}: {error}", program.path.display())))?;
        let id = child.id().expect("nobody has waited for it");
        log.keep(child.stdout.take().expect("it is piped"));
        log.keep(child.stderr.take().expect("it is piped"));
        let doom = Arc::new(Notify::new());
        let (end, ended) = watch::channel(None);
        let reaper = tokio::spawn(reap(child, Arc::clone(&doom), end)).abort_handle();
        let mut process = Self { id, api, init_took: Duration::ZERO, doom, ended, reaper };
        let why = tokio::select! {
            biased;
            polled = process.api.first_poll() => {
                process.init_took = polled - started;
                return Ok(process);
            }
            how = process.end() => how,
            () = tokio::time::sleep(LambdaHost::PATIENCE) => {
                format!("it asked for nothing within {:?}", LambdaHost::PATIENCE)
            }
        };
        let said = process.api.init_error().map_or(why, |it| it.to_string());
        process.kill().await;
        Err(failed(said))
    }

    /// Hands an invocation over, and waits for its end.
    pub(super) async fn invoke(&self, payload: &Value, time: Duration) -> Invoked {
        let ended = self.api.hand_over(payload, time);
        tokio::select! {
            biased;
            Ok(ended) = ended => ended,
            how = self.end() => Invoked::Died(how),
            () = tokio::time::sleep(time) => {
                self.kill().await;
                Invoked::TimedOut
            }
        }
    }

    /// Kills it, and waits until it is dead.
    pub(super) async fn kill(&self) {
        self.doom.notify_one();
        self.end().await;
    }

    pub(super) fn is_dead(&self) -> bool {
        self.ended.borrow().is_some()
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn init_took(&self) -> Duration {
        self.init_took
    }

    /// How it ended, when it has.
    async fn end(&self) -> String {
        let mut ended = self.ended.clone();
        let how = ended.wait_for(Option::is_some).await;
        how.map_or_else(|_| "gone".to_owned(), |how| how.clone().expect("it was waited for"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The child is in the reaper's hands, and dies with it.
        self.reaper.abort();
    }
}

/// The program as Lambda starts it.
fn command(program: &Program, api: &RuntimeApi) -> Command {
    let name = program.path.file_name().unwrap_or_default().to_string_lossy();
    let mut command = Command::new(&program.path);
    command
        .args(&program.arguments)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api.address())
        .env("AWS_LAMBDA_FUNCTION_NAME", &*name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/21/[$LATEST]0")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_SESSION_TOKEN", "test")
        .env("LAMBDA_TASK_ROOT", program.path.parent().unwrap_or(&program.path))
        .env("_HANDLER", "bootstrap")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "en_US.UTF-8")
        .env("TZ", ":UTC")
        .envs(program.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Waits for the child's end, and brings it about when its doom is there.
async fn reap(mut child: Child, doom: Arc<Notify>, end: watch::Sender<Option<String>>) {
    let status = tokio::select! {
        status = child.wait() => status,
        () = doom.notified() => {
            // It fails where the child is dead already.
            let _ = child.start_kill();
            child.wait().await
        }
    };
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    end.send_replace(Some(how));
}

/// What the program said, in all its lives.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<(Mutex<String>, Notify)>);

impl Log {
    /// What is said beyond this is not kept.
    const MOST_BYTES: usize = 16 * 1024 * 1024;

    /// How long to wait for something to be said.
    const PATIENCE: Duration = Duration::from_secs(5);

    pub(super) fn text(&self) -> String {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn wait_for(&self, text: &str) -> String {
        let said = async {
            loop {
                let more = self.0.1.notified();
                let log = self.text();
                if log.contains(text) {
                    return log;
                }
                more.await;
            }
        };
        tokio::time::timeout(Self::PATIENCE, said)
            .await
            .unwrap_or_else(|_| panic!("{text:?} was not said; so far:\n{}", self.text()))
    }

    /// Keeps what comes out of this pipe, until its end.
    fn keep(&self, pipe: impl AsyncRead + Unpin + Send + 'static) {
        let log = self.clone();
        tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(pipe.read_until(b'\n', &mut line).await, Ok(1..)) {
                log.add(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
    }

    fn add(&self, line: &str) {
        let mut text = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if text.len() + line.len() <= Self::MOST_BYTES {
            text.push_str(line);
        }
        drop(text);
        self.0.1.notify_waiters();
    }
}

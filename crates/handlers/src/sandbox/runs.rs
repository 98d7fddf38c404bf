//! Runs scripts, each in its turn and in a worker that it may bring down.

use std::{
    borrow::Cow,
    ffi::OsString,
    fmt, io,
    sync::Arc,
    time::{Duration, Instant},
};

use hooks::id::HookId;
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    conversation::{End, converse},
    http::LuaHttp,
    limits::Limits,
    outcome::{FailureKind, LogLevel, LogLine, Ran, ScriptFailure},
    protocol::{self, Job, ToWorker},
    source,
    workers::Workers,
};
use crate::turns::Turns;

/// How many workers may turn out to be dead before a run is given up.
const MOST_TRIES: usize = 4;

/// Whose run it is, a hook's as a rule. Those who wait are served round-robin by owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(pub u128);

impl From<HookId> for Owner {
    fn from(hook: HookId) -> Self {
        Self(hook.as_uuid().as_u128())
    }
}

/// How a sandbox is set up.
#[derive(Clone)]
pub struct SandboxConfig {
    /// The program whose `main` calls [`worker_main`](super::worker_main): by default the one that
    /// is running.
    pub program: OsString,
    /// The budget of each run.
    pub limits: Limits,
    /// How many workers there may be. A single owner never has all of them, unless it is one.
    pub workers: usize,
    /// How long a run may wait for a worker.
    pub patience: Duration,
    /// What makes the requests of scripts; `None` where they may make none.
    pub http: Option<Arc<dyn LuaHttp>>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            program: this_program(),
            limits: Limits::default(),
            workers: 2,
            patience: Duration::from_secs(10),
            http: None,
        }
    }
}

/// The running program, even after another one was put in its place.
fn this_program() -> OsString {
    if cfg!(target_os = "linux") {
        return "/proc/self/exe".into();
    }
    std::env::current_exe().unwrap_or_default().into()
}

impl fmt::Debug for SandboxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxConfig")
            .field("program", &self.program)
            .field("limits", &self.limits)
            .field("workers", &self.workers)
            .field("patience", &self.patience)
            .field("http", &self.http.is_some())
            .finish()
    }
}

/// Why a script was not run, sorted by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Try again later: others are being run.
    #[error("no worker became free within {0:?}")]
    Busy(Duration),
    /// Try again later.
    #[error("no worker could be started: {0}")]
    Unavailable(#[source] io::Error),
    /// No use in trying again.
    #[error("the event is too large for a script")]
    TooLarge,
}

/// Why functions or templates are not fit to be kept.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// They would fail.
    #[error("{0}")]
    Refused(ScriptFailure),
    /// It could not be found out.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// Where scripts run. Cheap to clone; all clones share their workers, which end with the last one.
///
/// Workers belong to the asynchronous runtime that ran something first.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    config: SandboxConfig,
    turns: Turns,
    workers: Workers,
}

impl Sandbox {
    /// A sandbox without workers; they are started when they are needed.
    pub fn new(config: SandboxConfig) -> Self {
        let turns = Turns::new(config.workers.max(1));
        let workers = Workers::new(config.program.clone(), config.limits, config.workers);
        Self(Arc::new(Shared { config, turns, workers }))
    }

    /// Runs functions or templates. To give up, drop the future: the worker is killed.
    pub async fn run<D: Serialize>(
        &self,
        owner: Owner,
        job: Job<'_, &D>,
    ) -> Result<Ran, SandboxError> {
        let http = self.0.config.http.as_deref();
        let name = name_of(&job);
        let frame = protocol::frame(&ToWorker::Run { job, http: http.is_some() });
        let frame = frame.ok_or(SandboxError::TooLarge)?;
        self.run_frame(owner, &frame, name, http).await
    }

    /// Would these functions run? Compiles them, and runs each chunk (not the function that it
    /// returns), without a way to make requests.
    pub async fn check(&self, owner: Owner, sources: &[String]) -> Result<(), CheckError> {
        let message = ToWorker::CheckFunctions { sources: sources.into() };
        self.check_all(owner, &message, first_name(sources)).await
    }

    /// Are the chunks of these templates Lua? Compiles them and runs none. Failures are in the
    /// template's own lines, and their `index` tells which one it is.
    pub async fn check_templates(&self, owner: Owner, chunks: &[&str]) -> Result<(), CheckError> {
        let chunks = chunks.iter().map(|it| Cow::Borrowed(*it)).collect();
        self.check_all(owner, &ToWorker::CheckTemplates { chunks }, source::TEMPLATE.into()).await
    }

    async fn check_all(
        &self,
        owner: Owner,
        message: &ToWorker<'_, &Value>,
        name: String,
    ) -> Result<(), CheckError> {
        let Some(frame) = protocol::frame(message) else {
            let failure = source::too_large(&self.0.config.limits, 0, name);
            return Err(CheckError::Refused(failure));
        };
        match self.run_frame(owner, &frame, name, None).await?.failure {
            Some(failure) => Err(CheckError::Refused(failure)),
            None => Ok(()),
        }
    }

    async fn run_frame(
        &self,
        owner: Owner,
        frame: &[u8],
        name: String,
        http: Option<&dyn LuaHttp>,
    ) -> Result<Ran, SandboxError> {
        let Shared { config, turns, workers } = &*self.0;
        let turn = timeout(config.patience, turns.take(owner))
            .await
            .map_err(|_| SandboxError::Busy(config.patience))?;
        for _ in 0..MOST_TRIES {
            let mut process = workers.take().await.map_err(SandboxError::Unavailable)?;
            let (clock, began) = (process.clock(), Instant::now());
            let before = clock.used();
            let (logs, end) = converse(&mut process, frame, &config.limits, http).await;
            let used = before.zip(clock.used()).map(|(before, now)| now.saturating_sub(before));
            let used = used.unwrap_or_else(|| began.elapsed());
            let (kind, how) = match end {
                End::Done { returns, failure, again } => {
                    workers.give_back(process, again);
                    turn.worked(used);
                    return Ok(Ran { returns, logs, failure });
                }
                End::Unsent => continue,
                End::Overran => (FailureKind::TimeOut, "ran for too long and was killed"),
                End::Starved => (FailureKind::Died, "did not get the processor and was killed"),
                End::Died => (FailureKind::Died, "ended its worker"),
            };
            tracing::warn!(worker.pid = process.id(), chunk = name, "script {how}");
            workers.give_back(process, false);
            turn.worked(used);
            return Ok(killed(logs, kind, name, how));
        }
        Err(SandboxError::Unavailable(io::ErrorKind::BrokenPipe.into()))
    }

    /// The process ids of the workers that wait for a job.
    pub fn idle_workers(&self) -> Vec<u32> {
        self.0.workers.idle()
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("config", &self.0.config).finish_non_exhaustive()
    }
}

/// What a failure is called when the worker cannot say which of several scripts it was.
fn name_of<D>(job: &Job<'_, D>) -> String {
    match job {
        Job::Functions { sources, .. } => first_name(sources),
        Job::Templates { .. } => source::TEMPLATE.into(),
    }
}

fn first_name(sources: &[String]) -> String {
    sources.first().map_or_else(String::new, |it| source::chunk_name(it))
}

fn killed(mut logs: Vec<LogLine>, kind: FailureKind, name: String, how: &str) -> Ran {
    let message = format!("{name}: {how}");
    logs.push(LogLine { level: LogLevel::Error, text: message.clone() });
    let failure = ScriptFailure { kind, index: 0, chunk: name, line: None, message };
    Ran { returns: Vec::new(), logs, failure: Some(failure) }
}

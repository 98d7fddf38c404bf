//! Somebody in the place of AWS Lambda: runs a function's program, and plays the Runtime API to it.
//!
//! There is one environment, and it is as on Lambda: the program is started with the variables
//! that a function finds, and no others but the test's; it is handed one invocation at a time; it
//! is killed when the time of an invocation is over; and where it is dead, the next invocation
//! starts it again.

mod process;
mod runtime_api;

use std::{
    ffi::OsString,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;

use self::process::{Log, Process};

/// A function's program, and Lambda around it. The program goes with it.
#[derive(Debug)]
pub struct LambdaHost {
    program: Program,
    log: Log,
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    process: Arc<Process>,
    starts: usize,
}

/// What is run.
#[derive(Debug)]
struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(String, String)>,
}

/// How an invocation ended.
#[derive(Debug)]
pub enum Invoked {
    /// The function answered.
    Answered(Value),
    /// The function reported an error.
    Failed {
        /// Its type.
        kind: String,
        /// What it says.
        message: String,
    },
    /// Its time was over, and it was killed.
    TimedOut,
    /// It ended in the middle, or somebody killed it.
    Died(String),
    /// It could not be started.
    NotStarted(NotStarted),
}

impl Invoked {
    /// What the function answered. Panics where it did not.
    pub fn answer(self) -> Value {
        match self {
            Self::Answered(answer) => answer,
            other => panic!("no answer, but {other:?}"),
        }
    }
}

/// Why a program never asked for its first invocation.
pub struct NotStarted {
    /// What became of it.
    pub why: String,
    /// What it said.
    pub log: String,
}

impl fmt::Debug for NotStarted {
    /// For people: it is what a test that unwraps says.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "not started: {}", self.why)?;
        out.write_str(&self.log)
    }
}

impl LambdaHost {
    /// How long a program may take until it asks for its first invocation, as on Lambda.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// The trace that every invocation is part of.
    pub const TRACE: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    /// Runs this program with these variables, besides those of Lambda, and waits until it asks
    /// for its first invocation.
    pub async fn start(
        program: impl Into<PathBuf>,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Self, NotStarted> {
        Self::start_with(program, [""; 0], variables).await
    }

    /// The same with these arguments.
    pub async fn start_with(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Self, NotStarted> {
        let program = Program {
            path: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            variables: variables.into_iter().map(|(n, v)| (n.into(), v.into())).collect(),
        };
        let log = Log::default();
        let process = Arc::new(Process::start(&program, &log).await?);
        let state = Mutex::new(State { process, starts: 1 });
        Ok(Self { program, log, turn: tokio::sync::Mutex::default(), state })
    }

    /// Hands this over, and waits for what comes of it: for so long and no longer. Others who
    /// invoke it meanwhile wait for their turn.
    pub async fn invoke(&self, payload: &Value, time: Duration) -> Invoked {
        let _turn = self.turn.lock().await;
        match self.alive().await {
            Ok(process) => process.invoke(payload, time).await,
            Err(error) => Invoked::NotStarted(error),
        }
    }

    /// Kills the program, in the middle of whatever it is doing, and waits until it is dead.
    pub async fn kill(&self) {
        let process = Arc::clone(&self.state().process);
        process.kill().await;
    }

    /// How long it took from its last start to its asking for the first invocation.
    pub fn init_took(&self) -> Duration {
        self.state().process.init_took()
    }

    /// Which process it is, in its present life.
    pub fn process_id(&self) -> u32 {
        self.state().process.id()
    }

    /// How often it was started.
    pub fn starts(&self) -> usize {
        self.state().starts
    }

    /// What it has said so far, in all its lives, on standard output and standard error.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until it has said this, at most five seconds, and answers everything that it has said.
    pub async fn logged(&self, text: &str) -> String {
        self.log.wait_for(text).await
    }

    /// The process, which is started again where it is dead.
    async fn alive(&self) -> Result<Arc<Process>, NotStarted> {
        let process = Arc::clone(&self.state().process);
        if !process.is_dead() {
            return Ok(process);
        }
        let process = Arc::new(Process::start(&self.program, &self.log).await?);
        let mut state = self.state();
        state.process = Arc::clone(&process);
        state.starts += 1;
        Ok(process)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! One run, as the parent sees it: listens to the worker, makes its requests, and watches how
//! long it takes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    task::unconstrained,
    time::{sleep, timeout},
};

use super::{
    http::{LuaHttp, LuaRequest},
    limits::Limits,
    outcome::{LogLine, ScriptFailure},
    process::{CpuClock, Process},
    protocol::{self, Answer, Ask, FromWorker, ToWorker},
};

/// How a run ended.
#[derive(Debug)]
pub(super) enum End {
    /// The worker says so.
    Done { returns: Vec<Value>, failure: Option<ScriptFailure>, again: bool },
    /// It used the processor for longer than any run may.
    Overran,
    /// Its time was over before it had much of the processor.
    Starved,
    /// The worker ended, or talks nonsense.
    Died,
    /// The worker had ended before, and nothing was run.
    Unsent,
}

/// What is heard of a run while it goes on.
pub(super) struct Conversation<'a> {
    limits: &'a Limits,
    http: Option<&'a dyn LuaHttp>,
    logs: Vec<LogLine>,
    log_bytes: usize,
    requests: usize,
    waiting: &'a Waiting,
}

/// How long a run has waited for answers to its requests.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<(Duration, Option<Instant>)>);

/// Runs what is in the frame, and tells what was logged and how it ended. Afterwards the process
/// is fit for another run only if it said so.
pub(super) async fn converse(
    process: &mut Process,
    frame: &[u8],
    limits: &Limits,
    http: Option<&dyn LuaHttp>,
) -> (Vec<LogLine>, End) {
    let waiting = Waiting::default();
    // A worker that talks without end must not use up what tokio allows a task at a time.
    let overrun = unconstrained(overrun(process.clock(), limits, &waiting));
    let mut conversation = Conversation {
        limits,
        http,
        logs: Vec::new(),
        log_bytes: 0,
        requests: 0,
        waiting: &waiting,
    };
    let end = tokio::select! {
        biased;
        end = conversation.hold(process, frame) => end.unwrap_or(End::Died),
        end = overrun => end,
    };
    (conversation.logs, end)
}

impl Conversation<'_> {
    /// `None` when the worker ends in the middle of it.
    async fn hold(&mut self, process: &mut Process, frame: &[u8]) -> Option<End> {
        if process.send(frame).await.is_err() {
            return Some(End::Unsent);
        }
        loop {
            match process.receive().await.ok()?? {
                FromWorker::Log(line) => self.log(line),
                FromWorker::Ask(ask) => {
                    let answer = ToWorker::<Value>::Answer(self.ask(ask).await);
                    process.send(&protocol::frame(&answer)?).await.ok()?;
                }
                FromWorker::Done { returns, failure, again } => {
                    return Some(End::Done { returns, failure, again });
                }
                FromWorker::Ready { .. } => return None,
            }
        }
    }

    /// Workers keep to the budget of logs; this is for one that has been taken over.
    fn log(&mut self, line: LogLine) {
        self.log_bytes += line.text.len();
        // The script's error and the note that lines were dropped come on top.
        if self.logs.len() < self.limits.log_lines + 2
            && self.log_bytes <= 2 * self.limits.log_bytes
        {
            self.logs.push(line);
        }
    }

    async fn ask(&mut self, ask: Ask) -> Result<Answer, String> {
        let http = self.http.ok_or("requests are not allowed here")?;
        self.requests += 1;
        if self.requests > self.limits.requests {
            return Err(format!("more than {} requests in one run", self.limits.requests));
        }
        let left = self.limits.http_wait.saturating_sub(self.waiting.total());
        let request = LuaRequest::new(ask, left);
        let timeout_after = request.timeout;
        self.waiting.begin();
        let answer = timeout(timeout_after, http.request(request)).await;
        self.waiting.end();
        match answer {
            Ok(answer) => answer.map(Answer::from),
            Err(_) => Err("timeout".into()),
        }
    }
}

impl Waiting {
    fn begin(&self) {
        self.lock().1 = Some(Instant::now());
    }

    fn end(&self) {
        let total = self.total();
        *self.lock() = (total, None);
    }

    fn total(&self) -> Duration {
        let (total, since) = *self.lock();
        total + since.map(|it| it.elapsed()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, (Duration, Option<Instant>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when a run has taken more than any may. Looks at the worker's processor time, for on a
/// busy machine the clock on the wall runs ahead of it.
async fn overrun(clock: CpuClock, limits: &Limits, waiting: &Waiting) -> End {
    let start = Instant::now();
    let used_before = clock.used();
    loop {
        let wall = start.elapsed().saturating_sub(waiting.total());
        let cpu = match (used_before, clock.used()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => wall,
        };
        let cpu_left = limits.most_cpu().saturating_sub(cpu);
        let wall_left = limits.most_wall().saturating_sub(wall);
        if cpu_left.is_zero() {
            return End::Overran;
        }
        if wall_left.is_zero() {
            return if cpu < limits.cpu { End::Starved } else { End::Overran };
        }
        sleep(cpu_left.min(wall_left).max(Duration::from_millis(1))).await;
    }
}

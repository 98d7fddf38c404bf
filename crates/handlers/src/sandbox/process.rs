//! A worker, as its parent holds it: a process, two pipes and a clock.

use std::{ffi::OsStr, io, process::Stdio, sync::Arc, time::Duration};

use nix::{sys::time::TimeValLike, time::ClockId, unistd::Pid};
use serde_json::Value;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{
    protocol::{self, FromWorker, Setup, ToWorker},
    worker::ARGUMENT,
};

/// How long a worker may take to start, on a machine that has other things to do.
const START: Duration = Duration::from_secs(5);

/// A worker that waits for a job, or runs one. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    clock: Option<ClockId>,
    counted: Counted,
}

/// How many workers there are, those that are being started included.
#[derive(Debug, Default)]
pub(super) struct Census(Arc<()>);

/// One of them, as long as it lives.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    _one: Arc<()>,
}

impl Census {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    /// One more, if there are fewer than so many.
    pub(super) fn join(&self, most: usize) -> Option<Counted> {
        (self.count() < most).then(|| self.join_anyway())
    }

    /// One more.
    pub(super) fn join_anyway(&self) -> Counted {
        Counted { _one: Arc::clone(&self.0) }
    }
}

impl Process {
    /// Starts a worker and waits until it has given up everything it will not need.
    pub(super) async fn start(program: &OsStr, setup: Setup, counted: Counted) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg0("event-hooks-lua-worker")
            .arg(ARGUMENT)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("a worker without pipes"))?;
        let clock = child.id().and_then(clock_of);
        let output = BufReader::new(output);
        let mut process = Self { child, input, output, clock, counted };
        match timeout(START, process.set_up(setup)).await {
            Ok(result) => result.map(|()| process),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "it does not get ready")),
        }
    }

    async fn set_up(&mut self, setup: Setup) -> io::Result<()> {
        let hello = protocol::frame(&ToWorker::<Value>::Setup(setup));
        self.send(&hello.ok_or(io::ErrorKind::InvalidInput)?).await?;
        match self.receive().await? {
            Some(FromWorker::Ready { filtered }) => {
                tracing::debug!(worker.pid = self.child.id(), filtered, "worker started");
                Ok(())
            }
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before it is ready")),
        }
    }

    /// Sends a framed message.
    pub(super) async fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.input.write_all(frame).await
    }

    /// The next message; `None` when there will be none.
    pub(super) async fn receive(&mut self) -> io::Result<Option<FromWorker>> {
        match protocol::receive_async(&mut self.output).await? {
            Some(message) => Ok(Some(serde_json::from_slice(&message)?)),
            None => Ok(None),
        }
    }

    /// Has it ended of its own accord?
    pub(super) fn is_gone(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Its clock of processor time.
    pub(super) fn clock(&self) -> CpuClock {
        CpuClock(self.clock)
    }

    /// Kills it. It takes a moment to be gone, and counts no longer.
    pub(super) fn end(self) {
        let Self { mut child, counted, .. } = self;
        drop(counted);
        tokio::spawn(async move {
            if let Err(error) = child.kill().await {
                tracing::warn!(worker.pid = child.id(), %error, "worker does not end");
            }
        });
    }

    /// The process's id, while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }
}

/// How much processor time a worker has used since it was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct CpuClock(Option<ClockId>);

impl CpuClock {
    /// The time used; `None` where the system does not tell.
    pub(super) fn used(self) -> Option<Duration> {
        let time = self.0?.now().ok()?;
        u64::try_from(time.num_nanoseconds()).ok().map(Duration::from_nanos)
    }
}

fn clock_of(process: u32) -> Option<ClockId> {
    ClockId::pid_cpu_clock_id(Pid::from_raw(process.try_into().ok()?)).ok()
}

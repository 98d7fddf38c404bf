//! Which worker runs this?
//!
//! One that waits for a job, the longest idle first, for that one's next state is ready; else one
//! that is just being started; else a new one. While a worker runs a script, another one is kept
//! ready for the next run.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::oneshot;

use super::{
    limits::Limits,
    process::{Census, Counted, Process},
    protocol::Setup,
};

/// How many workers are kept ready, if there may be so many.
const READY: usize = 2;

/// All workers of a sandbox.
#[derive(Clone)]
pub(super) struct Workers(Arc<Shared>);

struct Shared {
    program: OsString,
    limits: Limits,
    most: usize,
    census: Census,
    seccomp: AtomicBool,
    pool: Mutex<Pool>,
}

/// Workers that nobody uses.
#[derive(Default)]
struct Pool {
    /// Longest idle first.
    idle: VecDeque<Process>,
    /// How many are being started for whoever comes next.
    starting: usize,
    /// Who waits for one of those.
    waiting: VecDeque<oneshot::Sender<Process>>,
}

/// One of [`Pool::starting`], until it is started or has failed.
struct Starting(Workers);

impl Workers {
    /// No workers yet, and at most so many of them.
    pub(super) fn new(program: OsString, limits: Limits, most: usize) -> Self {
        Self(Arc::new(Shared {
            program,
            limits,
            most: most.max(1),
            census: Census::default(),
            seccomp: AtomicBool::new(true),
            pool: Mutex::default(),
        }))
    }

    /// A worker to use now. To give up, drop the future.
    pub(super) async fn take(&self) -> io::Result<Process> {
        let soon = {
            let mut pool = self.pool();
            match pool.idle() {
                Some(process) => return Ok(process),
                None => pool.next_started(),
            }
        };
        if let Some(soon) = soon
            && let Ok(process) = soon.await
        {
            return Ok(process);
        }
        self.start(self.0.census.join_anyway()).await
    }

    /// Takes a worker back for the next run, if it is fit for one, and sees to it that one is
    /// ready.
    pub(super) fn give_back(&self, process: Process, again: bool) {
        if again && self.0.census.count() <= self.0.most {
            self.pool().add(process);
        } else {
            process.end();
        }
        if let Some(counted) = self.0.census.join(self.0.most.min(READY)) {
            self.pool().starting += 1;
            tokio::spawn(Starting(self.clone()).start(counted));
        }
    }

    /// Where the system kills a process for asking for a filter of system calls, as AWS Lambda
    /// might, workers go without one.
    async fn start(&self, counted: Counted) -> io::Result<Process> {
        let Shared { program, limits, seccomp, .. } = &*self.0;
        if seccomp.load(Ordering::Relaxed) {
            let setup = Setup { limits: *limits, seccomp: true };
            match Process::start(program, setup, counted.clone()).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    tracing::warn!(%error, "worker does not start with a filter of system calls");
                }
                result => return result,
            }
        }
        let setup = Setup { limits: *limits, seccomp: false };
        let process = Process::start(program, setup, counted).await?;
        seccomp.store(false, Ordering::Relaxed);
        Ok(process)
    }

    /// The process ids of those that wait for a job.
    pub(super) fn idle(&self) -> Vec<u32> {
        self.pool().idle.iter().filter_map(Process::id).collect()
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    fn idle(&mut self) -> Option<Process> {
        while let Some(mut process) = self.idle.pop_front() {
            if !process.is_gone() {
                return Some(process);
            }
        }
        None
    }

    /// One of those that are being started, if there are more than wait for them.
    fn next_started(&mut self) -> Option<oneshot::Receiver<Process>> {
        self.waiting.retain(|it| !it.is_closed());
        if self.waiting.len() >= self.starting {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push_back(sender);
        Some(receiver)
    }

    fn add(&mut self, mut process: Process) {
        while let Some(waiting) = self.waiting.pop_front() {
            match waiting.send(process) {
                Ok(()) => return,
                Err(not_taken) => process = not_taken,
            }
        }
        self.idle.push_back(process);
    }
}

impl Starting {
    async fn start(self, counted: Counted) {
        match self.0.start(counted).await {
            Ok(process) => self.0.pool().add(process),
            Err(error) => tracing::warn!(%error, "worker does not start"),
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        let mut pool = self.0.pool();
        pool.starting -= 1;
        // Nothing will come for the others.
        let left = pool.starting;
        pool.waiting.truncate(left);
    }
}

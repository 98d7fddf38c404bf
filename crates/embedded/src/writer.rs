//! Who writes? One thread, which takes everything that waits and commits it as one group.
//!
//! A commit costs one write to the log and, where somebody needs it on disk, one fsync, however
//! many jobs share it. Jobs are answered after the commit. One that may be refused stands in a
//! savepoint of its own, so that it harms no other. One that fails only where the disk does is spared
//! that cost: should it fail, its group is undone with it, and for a while every job has a savepoint.
//! What nobody waits for may wait a moment for others ([`Haste`]), and what somebody outside waits for
//! goes first ([`Line`]). SQLite's log is copied by a thread beside this one (`checkpoints`).
//!
//! **What survives.** Jobs say whether they must survive a power cut ([`Survives::PowerCut`]:
//! tasks that were sent, hooks, catalog, tokens) or only the death of the process. A group with
//! none of the former is committed without an fsync. That loses nothing: the log is replayed up
//! to its first damaged frame, so that a power cut takes away a *suffix* of what was committed,
//! never something in the middle, and an fsync for a later group saves all groups before it.
//! Whatever follows from a write comes after it: a task is acknowledged after what it led to
//! was sent or recorded, an attempt recorded after its retry was sent. To lose a suffix is to be
//! back at a moment that was, with the task still there: work is repeated, never skipped.
//!
//! **When the disk is full** or fails, the jobs of the group are told that the store is
//! unavailable, the group is rolled back, and the thread goes on with the next.

mod checkpoints;

use std::{
    collections::VecDeque,
    fs::File,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use hooks::ports::{PortError, PortResult};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::checkpoints::Checkpoints;
use crate::{fault::Fault, queue::Backlog};

/// How many jobs may share a commit: some milliseconds' worth. More would let the first wait for the
/// last, and who comes meanwhile for all of them.
const MOST_JOBS: usize = 128;

/// How many of these may be jobs that came later than others, and go first.
const MOST_URGENT: usize = MOST_JOBS / 2;

/// For how long a group whose jobs are in no haste waits for more of them, and how many are enough.
const MOMENT: (Duration, usize) = (Duration::from_millis(2), 64);

/// For how many groups every job has a savepoint after one without has failed: it will be tried
/// again, and must not take others with it again.
const CAREFUL_GROUPS: u32 = 256;

/// How much may wait to be written, in KiB; who comes with more waits for room.
const ROOM_KIB: u32 = 64 * 1024;

/// What the smallest job takes up of it, so that jobs are bounded by number too.
const LEAST_KIB: u32 = 16;

/// What a write is, to the one who groups and answers it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// What is written to, for errors.
    pub(crate) what: &'static str,
    /// What the answer promises.
    pub(crate) survives: Survives,
    /// How much is written, about.
    pub(crate) bytes: usize,
    /// What is undone when it fails.
    pub(crate) undone: Undone,
    /// How soon it has to be written.
    pub(crate) haste: Haste,
}

impl Terms {
    /// Of a write that somebody waits for, and that may be refused.
    pub(crate) const fn asked(what: &'static str, survives: Survives, bytes: usize) -> Self {
        Self { what, survives, bytes, undone: Undone::Alone, haste: Haste::Now }
    }

    /// The same of one that only the disk can refuse.
    pub(crate) const fn certain(self) -> Self {
        Self { undone: Undone::WithItsGroup, ..self }
    }

    /// The same of one that only the disk can refuse, and that says what has happened already.
    pub(crate) const fn noted(self) -> Self {
        Self { haste: Haste::Soon, ..self.certain() }
    }
}

/// What is undone with a write that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undone {
    /// It alone: it may be refused, whatever it has written by then.
    Alone,
    /// Its group: it is refused by nobody but the disk.
    WithItsGroup,
}

/// How soon a write has to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// At once: somebody waits for its answer.
    Now,
    /// In a moment: it says what has happened already.
    Soon,
}

/// What a write that was answered survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Survives {
    /// The death of the process.
    Process,
    /// A power cut.
    PowerCut,
}

/// The thread, from its start to its end.
pub(crate) struct Writer {
    inbox: Option<Inbox>,
    thread: Option<JoinHandle<()>>,
}

/// Where jobs are handed in.
#[derive(Clone)]
pub(crate) struct Inbox {
    jobs: mpsc::Sender<Box<dyn Job>>,
    room: Arc<Semaphore>,
}

impl Writer {
    /// Starts the thread, and the one beside it that has the other connection. It keeps `lock` until
    /// both have ended.
    pub(crate) fn start(
        [mut connection, copying]: [Connection; 2],
        lock: File,
        backlog: Arc<Backlog>,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let room = Arc::new(Semaphore::new(ROOM_KIB as usize));
        let checkpoints = Checkpoints::start(&mut connection, copying);
        let thread = std::thread::spawn(move || {
            Pen { connection, checkpoints, survives: None, backlog, careful: 0 }
                .write_all(Line::of(waiting));
            drop(lock);
        });
        Self { inbox: Some(Inbox { jobs, room }), thread: Some(thread) }
    }

    /// Where jobs are handed in.
    pub(crate) fn inbox(&self) -> &Inbox {
        self.inbox.as_ref().expect("there until the writer is dropped")
    }
}

impl Drop for Writer {
    /// Lets the thread finish what waits.
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(thread) = self.thread.take() {
            // It has no answer, and if it panicked it has said so.
            let _ = thread.join();
        }
    }
}

impl Inbox {
    /// Hands in a job and waits for its commit. A caller that stops waiting does not stop the job.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        deed: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        let kib = u32::try_from(terms.bytes / 1024).unwrap_or(ROOM_KIB).clamp(LEAST_KIB, ROOM_KIB);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await;
        let (answer, answered) = oneshot::channel();
        self.hand_in(terms, room.ok(), answer, deed);
        answered.await.unwrap_or_else(|_| Err(stopped(terms.what)))
    }

    /// Hands in a job whose answer nobody waits for.
    pub(crate) fn write_unattended(
        &self,
        terms: Terms,
        deed: impl FnOnce(&Connection) -> Result<(), Fault> + Send + 'static,
    ) {
        self.hand_in(terms, None, oneshot::channel().0, deed);
    }

    fn hand_in<T: Send + 'static>(
        &self,
        terms: Terms,
        room: Option<OwnedSemaphorePermit>,
        answer: oneshot::Sender<PortResult<T>>,
        deed: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) {
        let job = Typed { terms, deed: Some(deed), done: None, answer, room };
        // Where the thread is gone, the answer is dropped with the job, and that is an answer.
        let _ = self.jobs.send(Box::new(job));
    }
}

fn stopped(what: &'static str) -> PortError {
    PortError::Unavailable { what, source: "its writer has stopped".into() }
}

/// Something to be written, and somebody who waits for it.
trait Job: Send {
    fn terms(&self) -> Terms;

    /// Does it; answers why not where its changes are to be undone.
    fn run(&mut self, connection: &Connection) -> Result<(), String>;

    /// Tells who waits how the group ended.
    fn answer(self: Box<Self>, group: Result<(), &Fault>);
}

struct Typed<T, F> {
    terms: Terms,
    deed: Option<F>,
    done: Option<Result<T, Fault>>,
    answer: oneshot::Sender<PortResult<T>>,
    room: Option<OwnedSemaphorePermit>,
}

impl<T, F> Job for Typed<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Fault> + Send,
{
    fn terms(&self) -> Terms {
        self.terms
    }

    fn run(&mut self, connection: &Connection) -> Result<(), String> {
        let Some(deed) = self.deed.take() else { return Ok(()) };
        let done = self.done.insert(deed(connection));
        done.as_ref().map(drop).map_err(ToString::to_string)
    }

    fn answer(self: Box<Self>, group: Result<(), &Fault>) {
        let what = self.terms.what;
        let answer = match (self.done, group) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(fault)), _) => Err(fault.of(what)),
            (_, Err(fault)) => Err(fault.of(what)),
            (None, Ok(())) => Err(stopped(what)),
        };
        drop(self.room);
        // Who no longer waits needs no answer.
        let _ = self.answer.send(answer);
    }
}

/// The one connection that writes.
struct Pen {
    connection: Connection,
    /// Who copies the log of what is written.
    checkpoints: Checkpoints,
    /// What its commits survive at present.
    survives: Option<Survives>,
    /// What jobs count in, undone and committed with them.
    backlog: Arc<Backlog>,
    /// For how many groups yet every job has a savepoint.
    careful: u32,
}

/// Jobs that were handed in and wait for their group.
///
/// What has to survive a power cut goes before the rest, for somebody outside waits for it: a gateway
/// for its 202. What is recorded of deliveries has its place in every group all the same.
struct Line {
    jobs: mpsc::Receiver<Box<dyn Job>>,
    urgent: VecDeque<Box<dyn Job>>,
    others: VecDeque<Box<dyn Job>>,
}

impl Line {
    fn of(jobs: mpsc::Receiver<Box<dyn Job>>) -> Self {
        Self { jobs, urgent: VecDeque::new(), others: VecDeque::new() }
    }

    /// What is to share the next commit, as soon as there is anything: all that waits, and what comes
    /// in a moment if nobody is in haste. Nothing, once nobody can hand in anything any more.
    fn group(&mut self) -> Vec<Box<dyn Job>> {
        if self.len() == 0
            && let Ok(first) = self.jobs.recv()
        {
            self.stand(first);
        }
        self.take_in();
        let (moment, enough) = MOMENT;
        let until = Instant::now() + moment;
        while self.len() < enough && !self.is_in_haste() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(job) = self.jobs.recv_timeout(left) else { break };
            self.stand(job);
            self.take_in();
        }
        let others = self.others.len().min(MOST_JOBS - self.urgent.len().min(MOST_URGENT));
        let urgent = self.urgent.len().min(MOST_JOBS - others);
        self.urgent.drain(..urgent).chain(self.others.drain(..others)).collect()
    }

    fn take_in(&mut self) {
        while let Ok(job) = self.jobs.try_recv() {
            self.stand(job);
        }
    }

    fn stand(&mut self, job: Box<dyn Job>) {
        match job.terms().survives {
            Survives::PowerCut => self.urgent.push_back(job),
            Survives::Process => self.others.push_back(job),
        }
    }

    fn len(&self) -> usize {
        self.urgent.len() + self.others.len()
    }

    fn is_in_haste(&self) -> bool {
        let mut all = self.urgent.iter().chain(&self.others);
        self.len() == 0 || all.any(|job| job.terms().haste == Haste::Now)
    }
}

impl Pen {
    /// Writes until nobody can hand in anything any more.
    fn write_all(mut self, mut line: Line) {
        loop {
            let mut group = line.group();
            if group.is_empty() {
                return;
            }
            let written = self.write(&mut group);
            self.backlog.group_ended(written.is_ok());
            for job in group {
                job.answer(written.as_ref().copied());
            }
            self.checkpoints.after_commit(&self.connection);
        }
    }

    /// Writes all of the group that can be written, in one commit.
    fn write(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        let survives = group.iter().map(|job| job.terms().survives).max();
        self.promise(survives.unwrap_or(Survives::Process))?;

        self.say("BEGIN IMMEDIATE")?;
        let written = self.run(group).and_then(|()| self.say("COMMIT"));
        if written.is_err() && !self.connection.is_autocommit() {
            // Whatever this answers, the transaction is over.
            let _ = self.say("ROLLBACK");
        }
        written
    }

    fn run(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        self.careful = self.careful.saturating_sub(1);
        for job in group {
            let may_fail_alone = self.careful > 0 || job.terms().undone == Undone::Alone;
            if may_fail_alone {
                self.say("SAVEPOINT job")?;
            }
            let failed = job.run(&self.connection).err();
            // A full disk, among others, ends the transaction by itself.
            let is_over = self.connection.is_autocommit();
            if let Some(why) = failed.as_ref().filter(|_| is_over || !may_fail_alone) {
                self.careful = CAREFUL_GROUPS;
                return Err(Fault::Undone(why.clone()));
            }
            if failed.is_some() {
                self.say("ROLLBACK TO job")?;
            }
            if may_fail_alone {
                self.say("RELEASE job")?;
            }
            self.backlog.job_ended(failed.is_none());
        }
        Ok(())
    }

    /// Makes commits survive this from now on.
    fn promise(&mut self, survives: Survives) -> Result<(), Fault> {
        if self.survives == Some(survives) {
            return Ok(());
        }
        let level = match survives {
            Survives::Process => "NORMAL",
            Survives::PowerCut => "FULL",
        };
        self.connection.pragma_update(None, "synchronous", level)?;
        self.survives = Some(survives);
        Ok(())
    }

    fn say(&self, sql: &str) -> Result<(), Fault> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

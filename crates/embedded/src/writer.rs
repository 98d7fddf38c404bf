//! Who writes? One thread, which takes everything that waits and commits it as one group.
//!
//! A commit costs one write to the log and, where somebody needs it on disk, one fsync, however
//! many jobs share it. Within the group each job stands in a savepoint of its own, so that one
//! that fails harms no other; jobs are answered after the commit.
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

use std::{
    fs::File,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use hooks::ports::{PortError, PortResult};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fault::Fault;

/// How many jobs may share a commit. More would let the first wait for the last.
const MOST_JOBS: usize = 512;

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
    /// Starts the thread. It keeps `lock` until it has ended.
    pub(crate) fn start(connection: Connection, lock: File) -> Self {
        let (jobs, waiting) = mpsc::channel();
        let room = Arc::new(Semaphore::new(ROOM_KIB as usize));
        let thread = std::thread::spawn(move || {
            Pen { connection, survives: None }.write_all(&waiting);
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
    fn survives(&self) -> Survives;

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
    fn survives(&self) -> Survives {
        self.terms.survives
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
    /// What its commits survive at present.
    survives: Option<Survives>,
}

impl Pen {
    /// Writes until nobody can hand in anything any more.
    fn write_all(mut self, waiting: &mpsc::Receiver<Box<dyn Job>>) {
        while let Ok(first) = waiting.recv() {
            let mut group = vec![first];
            group.extend(waiting.try_iter().take(MOST_JOBS - 1));

            let written = self.write(&mut group);
            for job in group {
                job.answer(written.as_ref().copied());
            }
        }
    }

    /// Writes all of the group that can be written, in one commit.
    fn write(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        let survives = group.iter().map(|job| job.survives()).max();
        self.promise(survives.unwrap_or(Survives::Process))?;

        self.say("BEGIN IMMEDIATE")?;
        let written = self.run(group).and_then(|()| self.say("COMMIT"));
        if written.is_err() && !self.connection.is_autocommit() {
            // Whatever this answers, the transaction is over.
            let _ = self.say("ROLLBACK");
        }
        written
    }

    fn run(&self, group: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        for job in group {
            self.say("SAVEPOINT job")?;
            let failed = job.run(&self.connection).err();
            // A full disk, among others, ends the transaction by itself.
            if let (Some(why), true) = (&failed, self.connection.is_autocommit()) {
                return Err(Fault::Undone(why.clone()));
            }
            if failed.is_some() {
                self.say("ROLLBACK TO job")?;
            }
            self.say("RELEASE job")?;
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

//! How much waits in each queue?
//!
//! It is asked before each request is taken, so it is known without a look at the rows. It is
//! counted with what is written: what a job notes counts once its group is committed, and not at
//! all where the job or the group is undone. So the count is exact, whoever waits for the answer.

use std::{
    ops::AddAssign,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hooks::task::Queue;
use rusqlite::Connection;

/// What waits in a queue, in hand or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// How many tasks.
    pub tasks: u64,
    /// How many bytes: their texts, and [`Waiting::BESIDE_THE_TEXT`] for each.
    pub bytes: u64,
    /// How many bytes have left the queue since the store was opened.
    pub gone: u64,
}

impl Waiting {
    /// What a task takes beside its text: two rows and their places in two indices.
    pub const BESIDE_THE_TEXT: u64 = 256;
}

/// What waits in both queues.
#[derive(Default)]
pub(crate) struct Backlog(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    committed: Flows,
    /// Of the jobs of this group that have run.
    group: Flows,
    /// Of the job that runs.
    job: Flows,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flows {
    events: Flow,
    retries: Flow,
}

/// What came into a queue, and what left it.
#[derive(Debug, Clone, Copy, Default)]
struct Flow {
    tasks_in: u64,
    tasks_out: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl Backlog {
    /// What the tables hold. This looks at every task.
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut counted = connection.prepare(
            "SELECT queue, count(*), sum(octet_length(body)) FROM task JOIN task_body USING (id)
             GROUP BY queue",
        )?;
        let mut rows = counted.query([])?;
        let mut committed = Flows::default();
        while let Some(row) = rows.next()? {
            let (tasks, texts) = (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
            let tasks_in = tasks.cast_unsigned();
            let bytes_in = texts.cast_unsigned() + tasks_in * Waiting::BESIDE_THE_TEXT;
            *committed.named(row.get_ref(0)?.as_str()?) =
                Flow { tasks_in, bytes_in, ..Flow::default() };
        }
        Ok(Self(Mutex::new(Counts { committed, ..Counts::default() })))
    }

    /// Notes that a task came in.
    pub(crate) fn came(&self, queue: Queue, text: usize) {
        let came = Flow { tasks_in: 1, bytes_in: size(text), ..Flow::default() };
        *self.counts().job.named(queue.as_str()) += came;
    }

    /// Notes that a task is gone from the queue of this name.
    pub(super) fn went(&self, queue: &str, text: usize) {
        let went = Flow { tasks_out: 1, bytes_out: size(text), ..Flow::default() };
        *self.counts().job.named(queue) += went;
    }

    /// The job that ran stands, or it is undone.
    pub(crate) fn job_ended(&self, stands: bool) {
        let mut counts = self.counts();
        let job = std::mem::take(&mut counts.job);
        if stands {
            counts.group += job;
        }
    }

    /// The group is committed, or it is undone.
    pub(crate) fn group_ended(&self, is_committed: bool) {
        let mut counts = self.counts();
        counts.job = Flows::default();
        let group = std::mem::take(&mut counts.group);
        if is_committed {
            counts.committed += group;
        }
    }

    /// What waits in this queue.
    pub(crate) fn waiting(&self, queue: Queue) -> Waiting {
        let flow = *self.counts().committed.named(queue.as_str());
        Waiting {
            tasks: flow.tasks_in.saturating_sub(flow.tasks_out),
            bytes: flow.bytes_in.saturating_sub(flow.bytes_out),
            gone: flow.bytes_out,
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(text: usize) -> u64 {
    u64::try_from(text).unwrap_or(u64::MAX).saturating_add(Waiting::BESIDE_THE_TEXT)
}

impl Flows {
    /// That of the queue of this name.
    fn named(&mut self, queue: &str) -> &mut Flow {
        if queue == Queue::Events.as_str() { &mut self.events } else { &mut self.retries }
    }
}

impl AddAssign for Flows {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.retries += other.retries;
    }
}

impl AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        self.tasks_in += other.tasks_in;
        self.tasks_out += other.tasks_out;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
    }
}

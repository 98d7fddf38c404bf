//! The queues in memory, with a receiving half for tests.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use hooks::{
    ports::{Clock, LONGEST_DELAY, Outgoing, PortError, PortResult, TaskQueue},
    task::{Queue, Task},
    time::Timestamp,
};

use super::{HandClock, faults::Faults, locked};
use crate::suites::task_queue::{Received, Receiving};

/// Both queues in memory. Tasks are kept as the text that a real queue would keep.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue {
    kept: Arc<Mutex<Kept>>,
    faults: Arc<Faults<()>>,
    clock: HandClock,
}

#[derive(Debug, Default)]
struct Kept {
    waiting: Vec<Waiting>,
    sent: Vec<Sent>,
}

/// A task that was sent, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What was sent, and how.
    pub outgoing: Outgoing,
    /// When.
    pub at: Timestamp,
}

#[derive(Debug)]
struct Waiting {
    handle: usize,
    queue: Queue,
    body: String,
    due: Timestamp,
    receives: u32,
    is_leased: bool,
}

impl MemoryQueue {
    /// Queues whose delays go by this clock.
    pub fn new(clock: &HandClock) -> Self {
        Self { clock: clock.clone(), ..Self::default() }
    }

    /// The next sending is unavailable, and takes nothing.
    pub fn fail_next(&self) {
        self.faults.add(());
    }

    /// Everything that was ever sent, in order.
    pub fn sent(&self) -> Vec<Sent> {
        locked(&self.kept).sent.clone()
    }

    /// How many tasks are not acknowledged, whether due or not.
    pub fn depth(&self) -> usize {
        locked(&self.kept).waiting.len()
    }

    /// Everything in both queues that is due, oldest first, leased until it is acknowledged or
    /// released, or [`Self::end_leases`] is called.
    pub fn receive_all(&self) -> Vec<Received> {
        self.take_due(|_| true, usize::MAX)
    }

    /// Everything in both queues that is due, oldest first, acknowledged at once.
    pub fn take_all(&self) -> Vec<Task> {
        let received = self.receive_all();
        received.iter().for_each(|it| self.drop_task(it));
        received.into_iter().map(|it| it.task).collect()
    }

    /// What happens when the receiving process dies: all it holds is handed out again.
    pub fn end_leases(&self) {
        locked(&self.kept).waiting.iter_mut().for_each(|it| it.is_leased = false);
    }

    fn take_due(&self, is_wanted: impl Fn(Queue) -> bool, most: usize) -> Vec<Received> {
        let now = self.clock.now();
        let mut kept = locked(&self.kept);
        let mut due: Vec<_> = kept
            .waiting
            .iter_mut()
            .filter(|it| is_wanted(it.queue) && !it.is_leased && it.due <= now)
            .collect();
        due.sort_by_key(|it| (it.due, it.handle));
        due.into_iter().take(most).map(Waiting::hand_out).collect()
    }

    fn drop_task(&self, received: &Received) {
        let is_other = |it: &Waiting| it.handle.to_string() != received.handle;
        locked(&self.kept).waiting.retain(is_other);
    }
}

impl Waiting {
    fn hand_out(&mut self) -> Received {
        self.is_leased = true;
        self.receives += 1;
        Received {
            handle: self.handle.to_string(),
            task: Task::decode(&self.body).expect("it was encoded when it was sent"),
            receives: self.receives,
        }
    }
}

#[async_trait]
impl TaskQueue for MemoryQueue {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        self.faults.strike(&(), "the queue")?;
        if let Some(late) = tasks.iter().find(|it| it.delay > LONGEST_DELAY) {
            let source = format!("{:?} is longer than {LONGEST_DELAY:?}", late.delay).into();
            return Err(PortError::Corrupt { what: "a task's delay", source });
        }
        let at = self.clock.now();
        let mut kept = locked(&self.kept);
        for outgoing in tasks {
            let handle = kept.sent.len();
            kept.waiting.push(Waiting {
                handle,
                queue: outgoing.queue,
                body: outgoing.task.encode(),
                due: at + outgoing.delay,
                receives: 0,
                is_leased: false,
            });
            kept.sent.push(Sent { outgoing, at });
        }
        Ok(())
    }
}

#[async_trait]
impl Receiving for MemoryQueue {
    async fn receive(&self, queue: Queue, most: usize) -> PortResult<Vec<Received>> {
        Ok(self.take_due(|it| it == queue, most))
    }

    async fn acknowledge(&self, received: &Received) -> PortResult<()> {
        self.drop_task(received);
        Ok(())
    }

    async fn release(&self, received: &Received, delay: Duration) -> PortResult<()> {
        let due = self.clock.now() + delay;
        let mut kept = locked(&self.kept);
        let is_it = |it: &&mut Waiting| it.handle.to_string() == received.handle;
        if let Some(waiting) = kept.waiting.iter_mut().find(is_it) {
            (waiting.is_leased, waiting.due) = (false, due);
        }
        Ok(())
    }

    async fn wait(&self, span: Duration) {
        self.clock.advance(span);
    }
}

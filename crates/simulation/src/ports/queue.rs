//! Two queues that hand out at least once: in any order, now and then twice, and again when a lease
//! ends. Of what is sent at once, a part may be taken.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use hooks::{
    dispatch::Message,
    id::DeliveryId,
    ports::{Outgoing, PortResult, TaskQueue},
    task::{Queue, Task},
};

use super::Port;
use crate::{
    sabotage::Sabotage,
    world::{Fate, Process, Role, State, Timer, World, millis, unavailable},
};

/// Both queues.
#[derive(Default)]
pub(crate) struct Queues {
    standing: BTreeMap<u64, Standing>,
    sent: u64,
    handed_out: u64,
    waiting: Vec<Waker>,
    /// Retries that wait for their record, where that order is sabotaged.
    withheld: Vec<(Process, Outgoing)>,
}

/// A message that nobody has deleted.
struct Standing {
    queue: Queue,
    task: Arc<Task>,
    body: String,
    visible: u64,
    receives: u32,
    holder: Option<(u64, Process)>,
}

/// A message in somebody's hands.
#[derive(Debug, Clone)]
pub(crate) struct Handout {
    pub(crate) number: u64,
    pub(crate) message: u64,
    pub(crate) task: Arc<Task>,
    pub(crate) receives: u32,
    /// The step, and the time, at which it was handed out.
    pub(crate) step: u64,
    /// When it could have been, at the earliest.
    pub(crate) visible: u64,
}

impl Queues {
    pub(crate) fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }

    /// What still stands in the queues.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.standing.values().map(|it| &*it.task)
    }

    pub(crate) fn forget_withheld(&mut self, process: Process) {
        self.withheld.retain(|(it, _)| *it != process);
    }

    /// The messages that can be handed out, oldest first.
    fn visible(&self, queue: Queue, now: u64) -> Vec<u64> {
        let mut visible: Vec<_> = self
            .standing
            .iter()
            .filter(|(_, it)| it.queue == queue && it.visible <= now)
            .map(|(number, it)| (it.visible, *number))
            .collect();
        visible.sort_unstable();
        visible.into_iter().map(|(_, number)| number).collect()
    }

    fn next_visible(&self, queue: Queue) -> Option<u64> {
        self.standing.values().filter(|it| it.queue == queue).map(|it| it.visible).min()
    }

    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

impl State {
    /// Puts a task into its queue.
    fn put(&mut self, outgoing: Outgoing, is_promised: bool) {
        let step = self.tick();
        let task = Arc::new(outgoing.task);
        self.facts.taken(&task, is_promised, step);
        if let Task::Dispatch { events, .. } = &*task {
            self.tally.events += events.len() as u64;
        }
        let queue = outgoing.queue.as_str();
        self.note(|state| format!("{queue} takes {}", state.facts.names().task(&task)));
        let standing = Standing {
            queue: outgoing.queue,
            body: task.encode(),
            task,
            visible: self.time.now + millis(outgoing.delay),
            receives: 0,
            holder: None,
        };
        self.queues.sent += 1;
        self.queues.standing.insert(self.queues.sent, standing);
        self.queues.wake();
    }

    /// Puts what waited for this record.
    pub(super) fn put_withheld(&mut self, process: Process, delivery: DeliveryId) {
        let is_recorded = |(by, outgoing): &(Process, Outgoing)| match &outgoing.task {
            Task::Retry(retry) => *by == process && retry.delivery.id() == delivery,
            _ => false,
        };
        let withheld = std::mem::take(&mut self.queues.withheld);
        let (ours, others): (Vec<_>, _) = withheld.into_iter().partition(is_recorded);
        self.queues.withheld = others;
        ours.into_iter().for_each(|(_, outgoing)| self.put(outgoing, true));
    }

    /// Hands the messages of a dead process out again.
    pub(crate) fn end_leases_of(&mut self, process: Process) {
        let now = self.time.now;
        for standing in self.queues.standing.values_mut() {
            if standing.holder.is_some_and(|(_, holder)| holder == process) {
                (standing.visible, standing.holder) = (now, None);
            }
        }
        self.queues.wake();
    }
}

#[async_trait]
impl TaskQueue for Port {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        let world = &self.world;
        let from_ingest = self.process.role == Role::Ingest;
        if world.suffers(Sabotage::AnswerFirst) && from_ingest {
            let (port, later) = (self.clone(), self.world.clone());
            world.spawn(self.process, async move {
                later.sleep(Duration::from_millis(200)).await;
                port.put(tasks).ok();
            });
            return Ok(());
        }
        world.travel().await;
        let sent = self.put(tasks);
        world.travel().await;
        sent
    }
}

impl Port {
    fn put(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        let (world, process) = (&self.world, self.process);
        let mut tasks: Vec<_> = tasks.into_iter().map(|it| self.tampered(it)).collect();
        let state = &mut *world.lock();
        let fate = state.fate(world.profile().trouble);
        let all = tasks.len();
        if fate == Fate::Refused {
            let taken = state.dice.usize(..=all.saturating_sub(1));
            tasks.truncate(taken);
            state.tally.refused += 1;
            state.tally.partial += u64::from(taken > 0);
            state.note(|_| format!("{process} sends {all} tasks: {taken} taken, and unavailable"));
        }
        if world.suffers(Sabotage::TailDropped) && all > 1 {
            tasks.truncate(all - 1);
        }
        for outgoing in tasks {
            let is_retry = matches!(outgoing.task, Task::Retry(_));
            if world.suffers(Sabotage::RecordFirst) && is_retry && process.role == Role::Dispatcher
            {
                state.queues.withheld.push((process, outgoing));
            } else {
                state.put(outgoing, fate == Fate::Done);
            }
        }
        if fate == Fate::Done {
            return Ok(());
        }
        if fate == Fate::Unanswered {
            state.tally.unanswered += 1;
            state.note(|_| format!("{process} sends: taken, and the answer lost"));
        }
        Err(unavailable("the queue"))
    }

    fn tampered(&self, mut outgoing: Outgoing) -> Outgoing {
        if let Task::Retry(retry) = &mut outgoing.task {
            if self.world.suffers(Sabotage::EndlessRetries) {
                retry.attempt = retry.attempt.min(2);
            }
            if self.world.suffers(Sabotage::HastyRetries) {
                let now = self.world.clock(self.process);
                retry.due = now + retry.due.since(now).unwrap_or_default() / 10;
                outgoing.delay /= 10;
            }
            if self.world.suffers(Sabotage::RunsIgnored) {
                retry.delivery.run = 0;
            }
        }
        outgoing
    }

    /// Waits until there is something, and hands out as much of it as is wanted.
    pub(crate) async fn receive(&self, queue: Queue, most: usize) -> Vec<(Handout, Message)> {
        self.world.arrival(queue).await;
        let (profile, process) = (self.world.profile(), self.process);
        let state = &mut *self.world.lock();
        let now = state.time.now;
        let mut chosen = state.queues.visible(queue, now);
        if profile.is_shuffled {
            state.dice.shuffle(&mut chosen);
        }
        chosen.truncate(most);
        let mut received = Vec::with_capacity(chosen.len());
        for message in chosen {
            let step = state.tick();
            let is_twice = state.strikes(profile.twice);
            let again = state.dice.u64(1..20_000);
            state.queues.handed_out += 1;
            let number = state.queues.handed_out;
            let standing = state.queues.standing.get_mut(&message).expect("just seen");
            standing.receives += 1;
            let handout = Handout {
                number,
                message,
                task: Arc::clone(&standing.task),
                receives: standing.receives,
                step,
                visible: standing.visible,
            };
            let body = standing.body.clone();
            standing.visible = now + if is_twice { again } else { millis(profile.lease) };
            standing.holder = Some((number, process));
            if handout.receives > 1 {
                state.tally.repeated += 1;
                state.facts.disturbed(&handout.task);
            }
            let is_deleted = self.world.suffers(Sabotage::AcknowledgeFirst);
            if is_deleted {
                state.delete(&handout);
            }
            state.note(|state| format!("{process} gets {}", state.facts.names().handout(&handout)));
            let receives = handout.receives;
            received.push((handout, Message { body, receives }));
        }
        received
    }

    /// Deletes a message, or says so.
    pub(crate) async fn acknowledge(&self, handout: &Handout) {
        self.world.travel().await;
        let state = &mut *self.world.lock();
        if state.strikes(self.world.profile().twice) {
            return state.note(|_| format!("{} deletes a message: lost on the way", self.process));
        }
        state.delete(handout);
    }

    /// Gives a message back.
    pub(crate) async fn release(&self, handout: &Handout, delay: Duration) {
        if self.world.suffers(Sabotage::GivenUp) {
            return self.acknowledge(handout).await;
        }
        self.world.travel().await;
        let state = &mut *self.world.lock();
        let visible = state.time.now + millis(delay);
        let standing = state.queues.standing.get_mut(&handout.message);
        let holds = |it: &&mut Standing| it.holder.is_some_and(|(it, _)| it == handout.number);
        if let Some(standing) = standing.filter(holds) {
            (standing.visible, standing.holder) = (visible, None);
            state.queues.wake();
        }
    }
}

impl State {
    /// Deletes a message, whoever has it by now.
    fn delete(&mut self, handout: &Handout) {
        let step = self.tick();
        self.queues.standing.remove(&handout.message);
        self.facts.settled(&handout.task, step);
    }
}

impl World {
    /// Waits until a message can be handed out.
    async fn arrival(&self, queue: Queue) {
        let mut timer = Timer { world: self.clone(), key: None };
        poll_fn(|context| {
            let next = {
                let state = &mut *self.lock();
                let next = state.queues.next_visible(queue);
                if next.is_some_and(|at| at <= state.time.now) {
                    return Poll::Ready(());
                }
                state.queues.waiting.push(context.waker().clone());
                next
            };
            if let Some(at) = next {
                timer.set(at, context);
            }
            Poll::Pending
        })
        .await;
    }
}

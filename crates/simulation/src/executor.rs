//! Whose turn is it? Drives all futures on one thread, in an order that the seed decides, and
//! kills processes between any two of their steps.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::{
    ports::Handout,
    process,
    world::{Phase, Process, Role, World},
};

/// Drives the futures of a world.
pub(crate) struct Executor {
    world: World,
    tasks: BTreeMap<u64, Task>,
    ready: Arc<Ready>,
    adopted: u64,
    polls: u64,
}

struct Task {
    process: Process,
    in_hand: Vec<Handout>,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    alarm: Arc<Alarm>,
}

/// The tasks that can go on, in the order in which they were woken.
#[derive(Default)]
struct Ready(Mutex<Vec<u64>>);

struct Alarm {
    task: u64,
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::Relaxed) {
            self.ready.0.lock().unwrap_or_else(PoisonError::into_inner).push(self.task);
        }
    }
}

/// Goes on without an end.
#[derive(Debug)]
pub(crate) struct Endless;

impl Executor {
    /// How often futures are polled before a run is taken to be endless.
    const MOST_POLLS: u64 = 200_000;

    pub(crate) fn new(world: &World) -> Self {
        Self {
            world: world.clone(),
            tasks: BTreeMap::new(),
            ready: Arc::default(),
            adopted: 0,
            polls: 0,
        }
    }

    /// How often futures were polled.
    pub(crate) fn polls(&self) -> u64 {
        self.polls
    }

    /// Drives everything until `is_over`, or until nothing is left to happen.
    pub(crate) fn run(&mut self, is_over: impl Fn(&World) -> bool) -> Result<(), Endless> {
        while !is_over(&self.world) {
            self.adopt();
            if let Some(task) = self.next() {
                self.polls += 1;
                if self.polls > Self::MOST_POLLS {
                    return Err(Endless);
                }
                self.poll(task);
            } else if !self.world.lock().move_on() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn adopt(&mut self) {
        let spawned = std::mem::take(&mut self.world.lock().spawned);
        for it in spawned {
            self.adopted += 1;
            let (task, ready) = (self.adopted, Arc::clone(&self.ready));
            let alarm = Arc::new(Alarm { task, is_queued: AtomicBool::new(false), ready });
            Arc::clone(&alarm).wake();
            let (process, in_hand, future) = (it.process, it.in_hand, it.future);
            self.tasks.insert(task, Task { process, in_hand, future, alarm });
        }
    }

    /// One of those that can go on.
    fn next(&self) -> Option<u64> {
        let mut ready = self.ready.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.is_empty() {
            return None;
        }
        let chosen = self.world.lock().dice.usize(..ready.len());
        Some(ready.swap_remove(chosen))
    }

    fn poll(&mut self, id: u64) {
        let Some(mut task) = self.tasks.remove(&id) else { return };
        if self.dies(task.process) {
            let process = task.process;
            drop(task);
            return self.kill(process);
        }
        task.alarm.is_queued.store(false, Ordering::Relaxed);
        std::mem::swap(&mut self.world.lock().in_hand, &mut task.in_hand);
        let waker = Waker::from(Arc::clone(&task.alarm));
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        std::mem::swap(&mut self.world.lock().in_hand, &mut task.in_hand);
        if polled == Poll::Pending {
            self.tasks.insert(id, task);
        }
    }

    fn dies(&self, process: Process) -> bool {
        process.role != Role::Outside && self.world.lock().strikes(self.world.profile().death)
    }

    /// Drops all that a process was about to do, wherever it was. Another one takes its place.
    fn kill(&mut self, process: Process) {
        self.world.note(|_| format!("{process} dies"));
        self.adopt();
        let (dead, alive) =
            std::mem::take(&mut self.tasks).into_iter().partition(|(_, it)| it.process == process);
        self.tasks = alive;
        let dead: BTreeMap<u64, Task> = dead;
        drop(dead);
        {
            let state = &mut *self.world.lock();
            state.tally.deaths += 1;
            if self.world.profile().leases_end_with_their_holder {
                state.end_leases_of(process);
            }
            state.queues.forget_withheld(process);
        }
        process::succeed(&self.world, process);
    }

    /// From now on nothing goes wrong but what this phase allows.
    pub(crate) fn enter(&self, phase: Phase) {
        let state = &mut *self.world.lock();
        state.phase = phase;
        state.note(|_| format!("— {phase:?} —"));
    }
}

//! Where is everything, and what time is it? All that a run consists of, behind one lock.
//!
//! There is one thread and one random number generator, so that a seed decides everything: who goes
//! on next, what fails, who dies. Nothing here asks the machine for time or chance.

use std::{
    collections::BTreeMap,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use fastrand::Rng;
use hooks::{ports::PortError, time::Timestamp};

use crate::{
    facts::Facts,
    ports::{Handout, Hooks, Queues, Receivers, Rows},
    profile::Profile,
    sabotage::Sabotage,
    tally::Tally,
};

/// A handle to the world; clones are the same world.
#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    profile: Profile,
    sabotage: Option<Sabotage>,
    state: Mutex<State>,
}

/// The world, as it is now.
pub(crate) struct State {
    pub(crate) dice: Rng,
    pub(crate) time: Time,
    /// Counts what happened, so that "before" can be told where no time passed.
    pub(crate) step: u64,
    pub(crate) phase: Phase,
    pub(crate) queues: Queues,
    pub(crate) rows: Rows,
    pub(crate) hooks: Hooks,
    pub(crate) receivers: Receivers,
    pub(crate) facts: Facts,
    pub(crate) tally: Tally,
    pub(crate) spawned: Vec<Spawned>,
    /// How many of those who make things happen have not come to their end.
    pub(crate) actors: u32,
    /// What the task that goes on now has in hand.
    pub(crate) in_hand: Vec<Handout>,
    timers: BTreeMap<(u64, u64), Waker>,
    timers_made: u64,
    history: Option<Vec<String>>,
}

/// The time that really is, in milliseconds since the start, and what clocks make of it.
#[derive(Debug, Default)]
pub(crate) struct Time {
    pub(crate) now: u64,
    pub(crate) offset: i64,
    /// How far clocks were put back, all in all.
    pub(crate) put_back: i64,
}

/// How much goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Everything that the profile says.
    Trouble,
    /// Nothing but receivers that never come back.
    Drain,
    /// Nothing.
    Amends,
}

/// Who does something: a process in one of its lives, or somebody outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) role: Role,
    pub(crate) place: u8,
    pub(crate) life: u32,
}

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Callers, operators, the machine: nobody who can die.
    Outside,
    Ingest,
    Admin,
    Dispatcher,
}

/// A future that is to be driven, by whom, with which messages in hand.
pub(crate) struct Spawned {
    pub(crate) process: Process,
    pub(crate) in_hand: Vec<Handout>,
    pub(crate) future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// When simulated time begins: 2026-11-21T10:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_795_255_200);

impl Process {
    pub(crate) const OUTSIDE: Self = Self { role: Role::Outside, place: 0, life: 0 };

    pub(crate) fn new(role: Role, place: u8) -> Self {
        Self { role, place, life: 1 }
    }

    pub(crate) fn reborn(self) -> Self {
        Self { life: self.life + 1, ..self }
    }

    /// How far its clock is off, in milliseconds.
    fn skew(self) -> i64 {
        (i64::from(self.place) * 370 + self.role as i64 * 190) % 700 - 350
    }
}

impl fmt::Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Outside => return out.write_str("outside"),
            Role::Ingest => 'i',
            Role::Admin => 'a',
            Role::Dispatcher => 'd',
        };
        write!(out, "{role}{}.{}", self.place, self.life)
    }
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>, has_history: bool) -> Self {
        // Ids are drawn from the thread's generator.
        fastrand::seed(seed);
        let mut dice = Rng::with_seed(seed);
        let profile = Profile::drawn(&mut dice);
        let state = State {
            dice,
            time: Time::default(),
            step: 0,
            phase: Phase::Trouble,
            queues: Queues::default(),
            rows: Rows::default(),
            hooks: Hooks::default(),
            receivers: Receivers::default(),
            facts: Facts::default(),
            tally: Tally::default(),
            spawned: Vec::new(),
            actors: 0,
            in_hand: Vec::new(),
            timers: BTreeMap::new(),
            timers_made: 0,
            history: has_history.then(Vec::new),
        };
        Self(Arc::new(Shared { profile, sabotage, state: Mutex::new(state) }))
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.0.profile
    }

    pub(crate) fn suffers(&self, sabotage: Sabotage) -> bool {
        self.0.sabotage == Some(sabotage)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of history.
    pub(crate) fn note(&self, line: impl FnOnce(&State) -> String) {
        self.lock().note(line);
    }

    /// Drives this, beside everything else.
    pub(crate) fn spawn(
        &self,
        process: Process,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let spawned = Spawned { process, in_hand: Vec::new(), future: Box::pin(future) };
        self.lock().spawned.push(spawned);
    }

    /// What this process takes the time to be.
    pub(crate) fn clock(&self, process: Process) -> Timestamp {
        let state = self.lock();
        let is_exact = !self.profile().has_bad_clocks || state.phase != Phase::Trouble;
        let off = state.time.offset + if is_exact { 0 } else { process.skew() };
        let now = i64::try_from(state.time.now).expect("simulations end before that");
        Timestamp::from_millis(START.as_millis() + now + off)
    }

    /// Lets everybody else go first, once.
    pub(crate) async fn give_way(&self) {
        let mut gave_way = false;
        poll_fn(|context| {
            if gave_way {
                return Poll::Ready(());
            }
            gave_way = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    pub(crate) async fn sleep(&self, span: Duration) {
        let until = self.lock().time.now + millis(span);
        self.sleep_until(until).await;
    }

    pub(crate) async fn sleep_until(&self, until: u64) {
        let mut timer = Timer { world: self.clone(), key: None };
        poll_fn(|context| timer.poll(until, context)).await;
    }

    /// As long as a call takes on its way there, or back.
    pub(crate) async fn travel(&self) {
        let span = {
            let state = &mut *self.lock();
            match state.dice.u32(..1_000) {
                _ if !self.profile().is_sluggish || state.phase != Phase::Trouble => 0,
                0..4 => state.dice.u64(1_000..6_000),
                4..100 => state.dice.u64(1..300),
                _ => 0,
            }
        };
        match span {
            0 => self.give_way().await,
            span => self.sleep(Duration::from_millis(span)).await,
        }
    }

    /// A call to store or ledger: on its way, at work, on its way back; and what can go wrong with
    /// that.
    pub(crate) async fn call<T>(
        &self,
        process: Process,
        what: &'static str,
        work: impl FnOnce(&mut State) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        self.travel().await;
        let answer = {
            let state = &mut *self.lock();
            match state.fate(self.profile().trouble) {
                Fate::Done => work(state),
                Fate::Refused => {
                    state.tally.refused += 1;
                    state.note(|_| format!("{process} {what}: unavailable"));
                    Err(unavailable(what))
                }
                Fate::Unanswered => {
                    let is_conflict = work(state).is_err();
                    state.tally.unanswered += 1;
                    state.note(|_| {
                        let done = if is_conflict { "not done" } else { "done" };
                        format!("{process} {what}: {done}, and the answer lost")
                    });
                    Err(unavailable(what))
                }
            }
        };
        self.travel().await;
        answer
    }

    /// Everything that happened, one line each.
    pub(crate) fn take_history(&self) -> Vec<String> {
        self.lock().history.take().unwrap_or_default()
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    /// Nothing happens, and the caller is told so.
    Refused,
    /// It happens, and the caller is told that it did not.
    Unanswered,
}

impl State {
    pub(crate) fn fate(&mut self, trouble: f64) -> Fate {
        if !self.strikes(trouble) {
            return Fate::Done;
        }
        if self.dice.bool() { Fate::Refused } else { Fate::Unanswered }
    }

    /// Does something of this likelihood happen now? Only while there is trouble.
    pub(crate) fn strikes(&mut self, likelihood: f64) -> bool {
        likelihood > 0.0 && self.phase == Phase::Trouble && self.dice.f64() < likelihood
    }

    /// The next step.
    pub(crate) fn tick(&mut self) -> u64 {
        self.step += 1;
        self.step
    }

    /// A line of history, where one is kept.
    pub(crate) fn note(&mut self, line: impl FnOnce(&Self) -> String) {
        if let Some(mut history) = self.history.take() {
            let (seconds, millis) = (self.time.now / 1_000, self.time.now % 1_000);
            history.push(format!("+{seconds}.{millis:03}s  {}", line(self)));
            self.history = Some(history);
        }
    }

    /// Something is not as it was promised.
    pub(crate) fn accuse(&mut self, what: String) {
        self.note(|_| format!("BROKEN: {what}"));
        if self.facts.broken.len() < 50 {
            self.facts.broken.push(what);
        }
    }

    /// Moves on to when the next timer ends; `false` when there is none.
    pub(crate) fn move_on(&mut self) -> bool {
        let Some((&(at, _), _)) = self.timers.first_key_value() else { return false };
        self.time.now = self.time.now.max(at);
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > self.time.now {
                break;
            }
            entry.remove().wake();
        }
        true
    }

    pub(crate) fn set_timer(&mut self, at: u64, waker: Waker) -> (u64, u64) {
        self.timers_made += 1;
        let key = (at, self.timers_made);
        self.timers.insert(key, waker);
        key
    }

    pub(crate) fn drop_timer(&mut self, key: (u64, u64)) {
        self.timers.remove(&key);
    }
}

/// Wakes its task at a time, and is forgotten with it.
pub(crate) struct Timer {
    pub(crate) world: World,
    pub(crate) key: Option<(u64, u64)>,
}

impl Timer {
    fn poll(&mut self, until: u64, context: &mut Context<'_>) -> Poll<()> {
        if self.world.lock().time.now >= until {
            return Poll::Ready(());
        }
        self.set(until, context);
        Poll::Pending
    }

    /// Wakes the task then, and at no other time that was set before.
    pub(crate) fn set(&mut self, until: u64, context: &mut Context<'_>) {
        let mut state = self.world.lock();
        if let Some(key) = self.key.take() {
            state.drop_timer(key);
        }
        self.key = Some(state.set_timer(until, context.waker().clone()));
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.world.lock().drop_timer(key);
        }
    }
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("simulations end before that")
}

pub(crate) fn unavailable(what: &'static str) -> PortError {
    PortError::Unavailable { what, source: "simulated".into() }
}

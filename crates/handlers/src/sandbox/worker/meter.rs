//! Has this run used up its time?
//!
//! Asked at every step of the interpreter, so that it must cost little: a clock that goes by the
//! system's ticks is read each time, and the processor's, which costs a system call, when that one
//! has moved.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use nix::{
    sys::time::TimeValLike,
    time::{ClockId, clock_gettime},
};

use crate::sandbox::limits::Limits;

/// How often the processor's clock is read at most.
const LOOK: Duration = Duration::from_micros(500);

/// A clock that costs next to nothing to read, where there is one: it stands still between two ticks
/// of the system, some milliseconds.
#[cfg(target_os = "linux")]
const GLANCE: ClockId = ClockId::CLOCK_MONOTONIC_COARSE;
#[cfg(not(target_os = "linux"))]
const GLANCE: ClockId = ClockId::CLOCK_MONOTONIC;

/// The time of one run.
#[derive(Debug)]
pub(super) struct Meter {
    most_cpu: Duration,
    most_wall: Duration,
    cpu_at_start: Cell<Duration>,
    start: Cell<Instant>,
    /// When the processor's clock was last read, by the clock for a glance.
    looked: Cell<Duration>,
    excused: Cell<Duration>,
    over: Cell<bool>,
    starved: Cell<bool>,
}

/// What is raised in a script whose time is over.
#[derive(Debug, thiserror::Error)]
#[error("the time of the script is over")]
pub(super) struct TimeIsOver;

impl Meter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            most_cpu: limits.cpu,
            most_wall: limits.wall,
            cpu_at_start: Cell::new(cpu_used()),
            start: Cell::new(Instant::now()),
            looked: Cell::new(read(GLANCE)),
            excused: Cell::default(),
            over: Cell::default(),
            starved: Cell::default(),
        }
    }

    /// The run begins.
    pub(super) fn start(&self) {
        self.cpu_at_start.set(cpu_used());
        self.start.set(Instant::now());
        self.looked.set(read(GLANCE));
    }

    /// Is the time over? Once it is, it stays so: what a script caught once, it gets again.
    pub(super) fn is_over(&self) -> bool {
        if self.over.get() {
            return true;
        }
        let now = read(GLANCE);
        if now.saturating_sub(self.looked.get()) >= LOOK {
            self.looked.set(now);
            self.look();
        }
        self.over.get()
    }

    /// As [`Meter::is_over`], for `?` within functions that Lua calls.
    pub(super) fn check(&self) -> mlua::Result<()> {
        if self.is_over() { Err(mlua::Error::external(TimeIsOver)) } else { Ok(()) }
    }

    /// Was the time over when it was last asked?
    pub(super) fn was_over(&self) -> bool {
        self.over.get()
    }

    /// Was it over before the script had used up what it may of the processor?
    pub(super) fn was_starved(&self) -> bool {
        self.starved.get()
    }

    /// What takes as long as somebody else likes is not counted.
    pub(super) fn excuse<T>(&self, wait: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = wait();
        self.excused.set(self.excused.get() + start.elapsed());
        result
    }

    fn look(&self) {
        let cpu = cpu_used().saturating_sub(self.cpu_at_start.get());
        let wall = self.start.get().elapsed().saturating_sub(self.excused.get());
        self.starved.set(cpu < self.most_cpu);
        self.over.set(cpu >= self.most_cpu || wall >= self.most_wall);
    }
}

fn cpu_used() -> Duration {
    read(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

fn read(clock: ClockId) -> Duration {
    let nanos = clock_gettime(clock).map_or(0, |it| it.num_nanoseconds());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(cpu: u64, wall: u64) -> Limits {
        let [cpu, wall] = [cpu, wall].map(Duration::from_millis);
        Limits { cpu, wall, ..Limits::default() }
    }

    #[test]
    fn processor_time_is_counted() {
        // The clock on the wall starts first, and is of another grain.
        let start = Instant::now();
        let meter = Meter::new(&limits(10, 60_000));
        while !meter.is_over() {
            assert!(start.elapsed() < Duration::from_mins(1), "a run without end");
        }
        assert!(start.elapsed() >= Duration::from_millis(9));
        assert!(meter.is_over() && meter.was_over(), "it stays over");
        assert!(!meter.was_starved());
        assert!(meter.check().is_err());
    }

    #[test]
    fn sleeping_costs_time_on_the_wall_unless_excused() {
        let meter = Meter::new(&limits(60_000, 20));
        meter.excuse(|| std::thread::sleep(Duration::from_millis(30)));
        assert!(!meter.is_over(), "excused");
        std::thread::sleep(Duration::from_millis(30));
        assert!(meter.is_over() && meter.was_starved());
    }
}

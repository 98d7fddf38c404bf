//! How is a hook's receiver doing, and what follows from it?
//!
//! A pure state machine over failures in a row. A few open the *circuit*: first attempts then wait,
//! and one attempt at a time, the *probe*, finds out whether the receiver is back. A run of failures
//! that is old and long disables the hook. A hook that was changed starts afresh: what failed was
//! the one before.
//!
//! Failures for good (a template, a script) say nothing about the receiver and do not come here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// So many failures in a row open the circuit.
pub const OPENS_AFTER: u32 = 5;

/// How long a probe keeps the circuit to itself. One that takes longer has lost it. One that fails
/// keeps it until then: else each of the many that wait would be the next probe at once, and lose
/// an attempt to a receiver that is known to be down.
pub const PROBE_LEASE: Duration = Duration::from_secs(30);

/// How long deliveries wait at a time while the circuit is open.
pub const HOP: Duration = Duration::from_mins(15);

/// A hook is disabled when its failures in a row are so old and so many.
pub const DISABLED_AFTER: (Duration, u32) = (Duration::from_hours(5 * 24), 10);

/// How long it is remembered how a receiver did.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

/// How a hook's receiver is doing, as far as it is known. Nothing is known of most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The version of the hook that this is about.
    pub hook_version: u64,
    /// How many attempts in a row have failed.
    pub failures: u32,
    /// When the first of them failed; means nothing while there are none.
    pub since: Timestamp,
    /// Until when a probe has the circuit, where one was let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_until: Option<Timestamp>,
}

/// May an attempt be made?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Go,
    /// It may, as the one that finds out: if this can be written down before.
    Probe(Health),
    /// The circuit is open.
    Wait,
}

/// What an attempt says about the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It succeeded.
    Well,
    /// It failed, and may succeed another time.
    Ill,
}

/// What is to be written after an attempt, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What is known from now on.
    pub health: Health,
    /// What that means, beyond a number that went up or down.
    pub turn: Option<Turn>,
}

/// A turn in a hook's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The circuit is open from now on.
    Opened,
    /// The circuit is closed again.
    Closed,
    /// The hook is to be disabled.
    Disable,
}

impl Health {
    /// What is known of a hook of which nothing is known.
    pub fn unknown(hook_version: u64) -> Self {
        Self { hook_version, failures: 0, since: Timestamp::from_millis(0), probe_until: None }
    }

    /// Is the circuit open?
    pub fn is_open(&self) -> bool {
        self.failures >= OPENS_AFTER
    }

    /// What is known that is about this version of the hook.
    #[must_use]
    pub fn of_version(self, hook_version: u64) -> Self {
        if self.hook_version == hook_version { self } else { Self::unknown(hook_version) }
    }
}

/// May a first attempt be made? The circuit's probes are not for them: what waits already comes
/// first.
pub fn admit_first(health: Health) -> Admission {
    if health.is_open() { Admission::Wait } else { Admission::Go }
}

/// May an attempt be made that waited before?
pub fn admit_waiting(health: Health, now: Timestamp) -> Admission {
    if !health.is_open() {
        return Admission::Go;
    }
    match health.probe_until {
        Some(until) if until > now => Admission::Wait,
        _ => Admission::Probe(Health { probe_until: Some(now + PROBE_LEASE), ..health }),
    }
}

/// What is known after an attempt that ended at this time; `None` where nothing has to be written.
pub fn after(health: Health, sign: Sign, at: Timestamp) -> Option<Change> {
    match sign {
        Sign::Well if health.failures == 0 => None,
        Sign::Well => {
            let turn = health.is_open().then_some(Turn::Closed);
            Some(Change { health: Health::unknown(health.hook_version), turn })
        }
        Sign::Ill => {
            let failures = health.failures.saturating_add(1);
            let since = if health.failures == 0 { at } else { health.since };
            let (age, count) = DISABLED_AFTER;
            let turn = if failures >= count && at >= since + age {
                Some(Turn::Disable)
            } else {
                (failures == OPENS_AFTER).then_some(Turn::Opened)
            };
            Some(Change { health: Health { failures, since, ..health }, turn })
        }
    }
}

#[cfg(test)]
mod tests;

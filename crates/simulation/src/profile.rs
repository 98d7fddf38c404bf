//! What kind of bad day is it? Everything that a seed decides beforehand.

use std::time::Duration;

use fastrand::Rng;
use hooks::deliver::DeliveryLog;

/// One kind of world.
#[expect(clippy::struct_excessive_bools, reason = "switches that seeds set, each for itself")]
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) plot: Plot,
    /// How many dispatchers there are at once.
    pub(crate) dispatchers: u8,
    /// Do dispatchers end messages batch by batch, as a function does, or each for itself?
    pub(crate) whole_batches: bool,
    /// How long a function that ends messages batch by batch begins attempts for.
    pub(crate) time_to_begin: Duration,
    /// How likely a call to store, ledger or queue is to fail.
    pub(crate) trouble: f64,
    /// How likely a process is to die, each time that it could go on.
    pub(crate) death: f64,
    /// How likely a message is to be handed out twice.
    pub(crate) twice: f64,
    /// Are messages handed out in any order, or oldest first?
    pub(crate) is_shuffled: bool,
    /// How long a message is leased to whom it was handed out.
    pub(crate) lease: Duration,
    /// Does the queue notice the death of a process?
    pub(crate) leases_end_with_their_holder: bool,
    /// Do clocks jump, go back and disagree?
    pub(crate) has_bad_clocks: bool,
    /// Do calls take their time?
    pub(crate) is_sluggish: bool,
    pub(crate) log: DeliveryLog,
}

/// What happens while things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plot {
    /// Some minutes with a bit of everything.
    Usual,
    /// More events at once than fit, and receivers that hang.
    Crowd,
    /// A receiver that never comes back.
    Siege,
    /// A receiver that never comes back, and events for it for a week.
    Week,
}

impl Profile {
    pub(crate) fn drawn(dice: &mut Rng) -> Self {
        let plot = match dice.u32(..100) {
            0..87 => Plot::Usual,
            87..91 => Plot::Crowd,
            91..98 => Plot::Siege,
            _ => Plot::Week,
        };
        // In a crowd, what goes wrong would drown who waits for whom. Over days, each repetition is
        // repeated itself with every hop.
        let (calm, worst) = match plot {
            Plot::Usual => (20, 4),
            Plot::Crowd => (90, 3),
            Plot::Siege | Plot::Week => (40, 2),
        };
        let is_calm = dice.u32(..100) < calm;
        let mut likelihood =
            |steps: [f64; 4]| if is_calm { 0.0 } else { steps[dice.usize(..worst)] };
        let trouble = likelihood([0.0, 0.01, 0.04, 0.12]);
        let death = likelihood([0.0, 0.000_5, 0.002, 0.006]);
        let twice = likelihood([0.0, 0.01, 0.1, 0.2]);
        let leases = if is_calm || plot == Plot::Crowd { [90; 4] } else { [8, 30, 90, 600] };
        Self {
            plot,
            dispatchers: dice.u8(1..=3),
            whole_batches: dice.u32(..3) == 0,
            time_to_begin: Duration::from_millis(one_of(dice, [2_000, 4_000, 20_000, 60_000])),
            trouble,
            death,
            twice,
            is_shuffled: dice.bool(),
            lease: Duration::from_secs(one_of(dice, leases)),
            leases_end_with_their_holder: dice.bool(),
            has_bad_clocks: dice.bool() && !is_calm,
            is_sluggish: dice.bool() && !is_calm,
            log: if dice.u32(..8) == 0 { DeliveryLog::Failures } else { DeliveryLog::All },
        }
    }

    /// Does everything but receivers work?
    pub(crate) fn is_calm(&self) -> bool {
        let likely = self.trouble + self.death + self.twice;
        likely == 0.0 && !self.is_sluggish && !self.has_bad_clocks && self.lease.as_secs() >= 90
    }
}

/// One of these, each as likely as the others.
pub(crate) fn one_of<T: Copy, const N: usize>(dice: &mut Rng, choices: [T; N]) -> T {
    choices[dice.usize(..N)]
}

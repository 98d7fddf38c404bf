//! What follows from an attempt, or from there being none?

use std::time::Duration;

use crate::{
    delivery::{Delivery, ExhaustedReason, FailureClass, Outcome, PendingReason, State},
    health, retry,
    time::Timestamp,
};

/// How long a delivery waits for a slow receiver at a time: half of what it has waited so far,
/// within these.
const SLOW_HOPS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// Where a delivery stands after an attempt.
pub(super) fn follow(delivery: &Delivery, number: u32, outcome: &Outcome, now: Timestamp) -> State {
    let class = match outcome {
        Outcome::Succeeded => return State::Delivered,
        Outcome::Failed(failure) => failure.class,
    };
    match class {
        FailureClass::Permanent(reason) => State::Exhausted { reason },
        FailureClass::Gone => State::Parked,
        FailureClass::NotTried => {
            let wait = hop(PendingReason::Slow, Duration::ZERO);
            State::Pending { due: now + wait, reason: PendingReason::Slow }
        }
        FailureClass::Transient { retry_after } => {
            match retry::after(number, delivery.id(), retry_after) {
                Some(wait) => State::Pending { due: now + wait, reason: PendingReason::Retry },
                None => State::Exhausted { reason: ExhaustedReason::ScheduleOver },
            }
        }
    }
}

/// How long a delivery that has `waited` is put off this time.
pub(super) fn hop(reason: PendingReason, waited: Duration) -> Duration {
    let (least, most) = SLOW_HOPS;
    match reason {
        PendingReason::Circuit => health::HOP,
        PendingReason::Slow | PendingReason::Retry | PendingReason::Redelivery => {
            (waited / 2).clamp(least, most)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_a_slow_receiver_comes_by_less_and_less_often() {
        const SECONDS: fn(u64) -> Duration = Duration::from_secs;
        for (name, reason, waited, expected) in [
            ("at first", PendingReason::Slow, SECONDS(0), SECONDS(5)),
            ("after the first time", PendingReason::Slow, SECONDS(5), SECONDS(5)),
            ("later", PendingReason::Slow, SECONDS(100), SECONDS(50)),
            ("in the end", PendingReason::Slow, SECONDS(86_400), SECONDS(300)),
            ("an open circuit is another matter", PendingReason::Circuit, SECONDS(0), SECONDS(900)),
            ("however long", PendingReason::Circuit, SECONDS(86_400), SECONDS(900)),
        ] {
            assert_eq!(hop(reason, waited), expected, "{name}");
        }
    }
}

//! When is a failed delivery tried again?

use std::time::Duration;

use crate::id::DeliveryId;

/// The steps between attempts, before jitter: ten attempts in a little under 24 hours.
pub const SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(12),
];

/// The longest that a receiver's `Retry-After` can make a step.
pub const LONGEST_STEP: Duration = Duration::from_hours(24);

/// A step is longer or shorter than the schedule says by at most this part of it.
const JITTER: f64 = 0.2;

/// How long to wait after attempt `failed` (counted from 1) of a delivery; `None` when the
/// schedule is over. The jitter follows from the delivery and the attempt, so that asking
/// twice answers the same. `asked` is the receiver's `Retry-After`: it can only lengthen a step.
pub fn after(failed: u32, delivery: DeliveryId, asked: Option<Duration>) -> Option<Duration> {
    let step = *SCHEDULE.get(usize::try_from(failed).ok()?.checked_sub(1)?)?;
    let jittered = step.mul_f64(1.0 + JITTER * spread(delivery, failed));
    Some(jittered.max(asked.unwrap_or_default().min(LONGEST_STEP)))
}

/// A number in -1..1 that looks random.
fn spread(delivery: DeliveryId, failed: u32) -> f64 {
    let (seed, _) = delivery.as_uuid().as_u64_pair();
    fastrand::Rng::with_seed(seed ^ u64::from(failed)).f64() * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn some_delivery(number: u128) -> DeliveryId {
        Uuid::from_u128(number << 64).into()
    }

    #[test]
    fn steps_follow_the_schedule_within_a_fifth() {
        for (index, step) in SCHEDULE.iter().enumerate() {
            let failed = u32::try_from(index).unwrap() + 1;
            for delivery in (0..200).map(some_delivery) {
                let wait = after(failed, delivery, None).unwrap();
                assert!(
                    wait >= step.mul_f64(0.8) && wait <= step.mul_f64(1.2),
                    "{failed}: {wait:?}"
                );
            }
        }
        assert_eq!(after(10, some_delivery(1), None), None, "the tenth attempt is the last");
        assert_eq!(after(0, some_delivery(1), None), None, "attempts count from one");
        assert_eq!(after(u32::MAX, some_delivery(1), None), None);
    }

    #[test]
    fn jitter_spreads_and_is_the_same_when_asked_again() {
        let waits: std::collections::HashSet<_> =
            (0..100).map(|it| after(1, some_delivery(it), None)).collect();
        assert!(waits.len() > 90, "only {} different waits", waits.len());
        assert_eq!(after(1, some_delivery(1), None), after(1, some_delivery(1), None));
    }

    #[test]
    fn a_receiver_can_only_lengthen_a_step_and_not_beyond_a_day() {
        let day = Duration::from_hours(24);
        let ask = |asked| after(1, some_delivery(1), Some(asked)).unwrap();
        assert!(ask(Duration::ZERO) >= Duration::from_secs(4), "not shorter");
        assert_eq!(ask(Duration::from_mins(1)), Duration::from_mins(1));
        assert_eq!(ask(Duration::MAX), day);
    }
}

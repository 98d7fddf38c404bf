//! [`Clock`]: some moment after 1970.

use hooks::{ports::Clock, time::Timestamp};

/// Holds a clock to its promise.
pub fn run(clock: &dyn Clock) {
    it_is_not_before_1970(clock);
    it_is_not_beyond_what_can_be_shown(clock);
}

fn it_is_not_before_1970(clock: &dyn Clock) {
    assert!(clock.now() >= Timestamp::from_millis(0), "{}", clock.now());
}

fn it_is_not_beyond_what_can_be_shown(clock: &dyn Clock) {
    let now = clock.now();
    assert_eq!(Timestamp::parse(&now.to_string()), Some(now));
}

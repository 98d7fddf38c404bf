//! The time of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use hooks::{ports::Clock, time::Timestamp};

/// What the operating system says. A clock set before 1970 is taken as 1970.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others ask")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// What tests of this crate share.
#[cfg(test)]
pub(crate) mod fixed {
    use super::{Clock, Timestamp};

    /// A clock that stands.
    pub(crate) struct At(pub(crate) i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }
}

//! When does a row end?
//!
//! To the millisecond it ends when its `ends` says so, which every read and every condition
//! compares. `DynamoDB` deletes it by its `expires`, in seconds, some time after that.

use std::time::Duration;

use hooks::time::Timestamp;

use crate::{
    TIME_TO_LIVE,
    fault::Fault,
    item::{Item, Row, optional_number},
};

/// How much longer than needed a row is kept that another row speaks of: so long that hardly ever
/// both have to be written only because the other one is kept for longer.
pub(super) const GRACE: Duration = Duration::from_hours(7 * 24);

impl Row {
    /// Ends then, and is cleared away.
    pub(super) fn ends(self, at: Timestamp) -> Self {
        self.number("ends", at.as_millis()).cleared(at)
    }

    /// Is cleared away then, or somewhat later.
    pub(super) fn cleared(self, at: Timestamp) -> Self {
        self.number(TIME_TO_LIVE, seconds(at))
    }
}

/// The first whole second that is not before then.
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000) + i64::from(at.as_millis().rem_euclid(1_000) > 0)
}

/// When it ends, if it ever does.
pub(super) fn end(item: &Item) -> Result<Option<Timestamp>, Fault> {
    Ok(optional_number(item, "ends")?.map(Timestamp::from_millis))
}

/// Has it not ended?
pub(super) fn lives(item: &Item, now: Timestamp) -> Result<bool, Fault> {
    Ok(end(item)?.is_none_or(|end| end > now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Key;

    #[test]
    fn a_row_is_never_cleared_away_before_it_ends() {
        for (millis, expected) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(seconds(Timestamp::from_millis(millis)), expected, "{millis}");
        }
    }

    #[test]
    fn a_row_lives_until_its_end_and_for_ever_without_one() {
        let row = || Row::at(&Key::new("pk", "sk"));
        let at = Timestamp::from_millis;
        for (name, row, now, expected) in [
            ("before its end", row().ends(at(60)), 59, true),
            ("at its end", row().ends(at(60)), 60, false),
            ("after its end", row().ends(at(60)), 61, false),
            ("without an end", row(), i64::MAX, true),
            ("when it may be cleared away", row().ends(at(60)).cleared(at(90)), 89, false),
        ] {
            assert_eq!(lives(&row.into_item(), at(now)).unwrap(), expected, "{name}");
        }
    }
}

//! When: moments in milliseconds since 1970, and spans between them.

use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment so many milliseconds after 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// A moment so many whole seconds after 1970; saturates at the ends of time.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as the admin API shows them.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// How long after `earlier` this is; nothing when it is not after it.
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let millis = u64::try_from(self.0.saturating_sub(earlier.0)).ok()?;
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// How far apart the two are, whichever comes first.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }

    /// Reads RFC 3339 (`2026-11-21T10:00:00Z`) or seconds since 1970 (`1795255200`, fractions
    /// allowed). Anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(Self(at.as_millisecond()));
        }
        let seconds: f64 = text.parse().ok()?;
        Self::from_fractional_seconds(seconds)
    }

    /// Seconds since 1970 with a fraction; `None` outside the years 1970 to 9999.
    pub fn from_fractional_seconds(seconds: f64) -> Option<Self> {
        const YEAR_10000: f64 = 253_402_300_800.0;
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        (0.0..YEAR_10000).contains(&seconds).then(|| Self((seconds * 1_000.0).round() as i64))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds: `2026-11-21T10:00:00.000Z`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(out, "{at:.3}"),
            Err(_) => write!(out, "{}ms", self.0),
        }
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_both_notations_and_nothing_else() {
        for (name, text, expected) in [
            ("RFC 3339", "2026-11-21T10:00:00Z", Some(1_795_255_200_000)),
            ("RFC 3339 with an offset", "2026-11-21T11:00:00+01:00", Some(1_795_255_200_000)),
            ("seconds", "1795255200", Some(1_795_255_200_000)),
            ("seconds with a fraction", "1795255200.25", Some(1_795_255_200_250)),
            ("negative", "-1", None),
            ("infinite", "inf", None),
            ("not a number", "nan", None),
            ("words", "yesterday", None),
            ("nothing", "", None),
        ] {
            assert_eq!(Timestamp::parse(text).map(Timestamp::as_millis), expected, "{name}");
        }
    }

    #[test]
    fn a_moment_is_shown_in_utc_with_milliseconds() {
        assert_eq!(Timestamp::from_seconds(1_795_255_200).to_string(), "2026-11-21T10:00:00.000Z");
    }
}

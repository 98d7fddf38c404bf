//! What does an answer, or the lack of one, mean for the delivery?
//!
//! The only place that decides it. A receiver that answers 2xx has it; whatever else it says may
//! change, so that everything else is tried again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hooks::{
    delivery::{ExhaustedReason, Failure, FailureClass, Outcome},
    time::Timestamp,
};

/// What an answer of this status means. Redirects are failures: they are never followed. A
/// receiver that is gone wants its hook disabled.
pub fn outcome_of(status: u16, retry_after: Option<Duration>) -> Outcome {
    match status {
        200..=299 => Outcome::Succeeded,
        410 => Outcome::Failed(Failure {
            class: FailureClass::Gone,
            reason: "receiver answered 410: it wants no more, and the hook is disabled".into(),
        }),
        _ => Outcome::Failed(Failure {
            class: FailureClass::Transient { retry_after },
            reason: format!("receiver answered {status}"),
        }),
    }
}

/// A failure that may not happen again.
pub(crate) fn transient(reason: String) -> Outcome {
    let class = FailureClass::Transient { retry_after: None };
    Outcome::Failed(Failure { class, reason })
}

/// Nothing was begun, for there was no room for it on our side.
pub(crate) fn not_tried(reason: String) -> Outcome {
    Outcome::Failed(Failure { class: FailureClass::NotTried, reason })
}

/// A failure that would happen again and again.
pub(crate) fn permanent(why: ExhaustedReason, reason: String) -> Outcome {
    Outcome::Failed(Failure { class: FailureClass::Permanent(why), reason })
}

/// What a `Retry-After` asks for: whole seconds or an HTTP date (RFC 9110). `None` for anything
/// else, for dates that are not after `now`, and for numbers beyond counting.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|it| it.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let date: SystemTime = httpdate::parse_http_date(value).ok()?;
    (Timestamp::from_seconds(0) + date.duration_since(UNIX_EPOCH).ok()?).since(now)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-21T10:00:00Z, a Saturday.
    const NOW: Timestamp = Timestamp::from_seconds(1_795_255_200);

    #[test]
    fn only_2xx_is_success() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(outcome_of(status, None), Outcome::Succeeded, "{status}");
        }
        let gone = outcome_of(410, None);
        assert!(matches!(gone, Outcome::Failed(Failure { class: FailureClass::Gone, .. })));
        for status in [101, 199, 300, 301, 302, 304, 307, 400, 404, 429, 500, 503, 599, 999] {
            let expected = Outcome::Failed(Failure {
                class: FailureClass::Transient { retry_after: Some(Duration::from_secs(7)) },
                reason: format!("receiver answered {status}"),
            });
            assert_eq!(outcome_of(status, Some(Duration::from_secs(7))), expected, "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let digits = "9".repeat(10_000);
        for (name, value, expected) in [
            ("seconds", "120", Some(120)),
            ("at once", "0", Some(0)),
            ("with leading zeros", "0007", Some(7)),
            ("with space around", " 5\t", Some(5)),
            ("the most seconds", "18446744073709551615", Some(u64::MAX)),
            ("one more", "18446744073709551616", None),
            ("10,000 digits", &digits, None),
            ("a date", "Sat, 21 Nov 2026 10:01:00 GMT", Some(60)),
            ("a date in RFC 850's form", "Saturday, 21-Nov-26 10:01:00 GMT", Some(60)),
            ("a date in asctime's form", "Sat Nov 21 10:01:00 2026", Some(60)),
            ("now", "Sat, 21 Nov 2026 10:00:00 GMT", None),
            ("the past", "Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("the last date", "Fri, 31 Dec 9999 23:59:59 GMT", Some(251_607_045_599)),
            ("a date that is none", "Sat, 31 Nov 2026 10:01:00 GMT", None),
            ("negative", "-1", None),
            ("signed", "+5", None),
            ("a fraction", "1.5", None),
            ("infinite", "inf", None),
            ("not a number", "NaN", None),
            ("an exponent", "1e300", None),
            ("digits of another script", "१२", None),
            ("nothing", "", None),
            ("only space", " ", None),
            ("words", "later", None),
        ] {
            assert_eq!(retry_after(value, NOW), expected.map(Duration::from_secs), "{name}");
        }
    }

    proptest! {
        #[test]
        fn retry_after_takes_anything(value: String, now: i64) {
            let asked = retry_after(&value, Timestamp::from_millis(now));
            let digits = value.bytes().any(|it| it.is_ascii_digit());
            prop_assert!(asked.is_none() || digits);
        }

        #[test]
        fn retry_after_takes_anything_like_a_date(
            value in "(Sun|Sunday|Mon), ?[0-9 ]{2}[- ](Feb|Nov|Dec)[- ][0-9]{2,4} [0-9:]{8}( GMT)?",
        ) {
            let _ = retry_after(&value, NOW);
        }
    }
}

//! When is that? A time as people say it: `2h`, or as the API has it.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A moment, in seconds since 1970 or RFC 3339, as the API takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) String);

/// Reads a moment: so long ago, or a time.
pub(crate) fn parse(text: &str) -> Result<Moment, String> {
    parse_at(text, now())
}

fn parse_at(text: &str, now: i64) -> Result<Moment, String> {
    if let Some(ago) = seconds(text) {
        return Ok(Moment(now.saturating_sub(ago).max(0).to_string()));
    }
    if text.parse::<Timestamp>().is_ok() || text.parse::<u64>().is_ok() {
        return Ok(Moment(text.to_owned()));
    }
    Err("expected so long ago (90s, 15m, 2h, 7d), a time (2026-11-21T08:00:00Z) or seconds since 1970"
        .into())
}

/// `90s`, `15m`, `2h`, `7d`
fn seconds(text: &str) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number: u32 = text[..text.len() - 1].parse().ok()?;
    i64::from(number).checked_mul(unit)
}

#[expect(clippy::disallowed_methods, reason = "people mean the time of their own machine")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_said_in_several_ways() {
        for (text, expected) in [
            ("90s", Some("910")),
            ("15m", Some("100")),
            ("2h", Some("0")),
            ("0d", Some("1000")),
            ("1795265260", Some("1795265260")),
            ("2026-11-21T08:00:00Z", Some("2026-11-21T08:00:00Z")),
            ("2026-11-21T08:00:00+02:00", Some("2026-11-21T08:00:00+02:00")),
            ("yesterday", None),
            ("-5m", None),
            ("h", None),
            ("", None),
            ("5ä", None),
        ] {
            let found = parse_at(text, 1_000).ok().map(|it| it.0);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}

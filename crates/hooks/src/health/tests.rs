use proptest::{collection::vec, prelude::*};

use super::*;

const VERSION: u64 = 7;
const DAY: Duration = Duration::from_hours(24);

fn at(span: Duration) -> Timestamp {
    Timestamp::from_seconds(1_795_255_200) + span
}

fn seconds(seconds: u64) -> Timestamp {
    at(Duration::from_secs(seconds))
}

/// A receiver that failed so often, from the beginning on.
fn failed(failures: u32) -> Health {
    Health { hook_version: VERSION, failures, since: seconds(0), probe_until: None }
}

fn probed(until: u64) -> Health {
    Health { probe_until: Some(seconds(until)), ..failed(OPENS_AFTER) }
}

#[test]
fn a_circuit_lets_one_probe_of_those_that_waited_through_at_a_time() {
    use Admission::{Go, Probe, Wait};

    let probe = |now: u64| Probe(probed(now + 30));
    for (name, health, now, first, waiting) in [
        ("nothing is known", Health::unknown(VERSION), 0, Go, Go),
        ("four failures", failed(4), 0, Go, Go),
        ("the fifth opens it", failed(5), 0, Wait, probe(0)),
        ("it stays open", failed(50), 0, Wait, Probe(Health { failures: 50, ..probed(30) })),
        ("another one is the probe", probed(30), 29, Wait, Wait),
        ("the probe has lost it", probed(30), 30, Wait, probe(30)),
        ("no probe counts while it is closed", Health { failures: 4, ..probed(30) }, 0, Go, Go),
    ] {
        assert_eq!(admit_first(health), first, "first: {name}");
        assert_eq!(admit_waiting(health, seconds(now)), waiting, "waiting: {name}");
    }
}

#[test]
fn an_attempt_says_what_is_to_be_written_and_what_turn_that_is() {
    use Sign::{Ill, Well};

    let unknown = Health::unknown(VERSION);
    let change = |health, turn| Some(Change { health, turn });
    let (now, five_days) = (seconds(0), at(5 * DAY));
    let before = |it: Timestamp| it - Duration::from_millis(1);
    for (name, health, sign, at, expected) in [
        ("nothing was wrong", unknown, Well, now, None),
        ("the first failure", unknown, Ill, now, change(failed(1), None)),
        ("one after another", failed(1), Ill, five_days, change(failed(2), None)),
        ("well again, in time", failed(4), Well, now, change(unknown, None)),
        ("the fifth", failed(4), Ill, now, change(failed(5), Some(Turn::Opened))),
        ("the sixth opens nothing", failed(5), Ill, now, change(failed(6), None)),
        ("well again", failed(5), Well, now, change(unknown, Some(Turn::Closed))),
        (
            "the probe failed",
            probed(30),
            Ill,
            now,
            change(Health { failures: 6, ..probed(30) }, None),
        ),
        ("the probe succeeded", probed(30), Well, now, change(unknown, Some(Turn::Closed))),
        ("old, but nine", failed(8), Ill, five_days, change(failed(9), None)),
        ("ten, but not old", failed(9), Ill, before(five_days), change(failed(10), None)),
        ("old and ten", failed(9), Ill, five_days, change(failed(10), Some(Turn::Disable))),
        ("and still", failed(10), Ill, five_days, change(failed(11), Some(Turn::Disable))),
        ("a clock that went back", failed(9), Ill, before(now), change(failed(10), None)),
    ] {
        assert_eq!(after(health, sign, at), expected, "{name}");
    }
}

#[test]
fn another_version_of_the_hook_starts_afresh() {
    assert_eq!(failed(9).of_version(VERSION), failed(9));
    assert_eq!(failed(9).of_version(VERSION + 1), Health::unknown(VERSION + 1));
    assert_eq!(failed(9).of_version(VERSION - 1), Health::unknown(VERSION - 1));
}

#[test]
fn health_is_kept_as_it_was_and_read_without_a_probe() {
    let recorded = r#"{"hook_version":7,"failures":5,"since":1795255200000}"#;
    assert_eq!(serde_json::from_str::<Health>(recorded).unwrap(), failed(5));
    assert_eq!(serde_json::to_string(&failed(5)).unwrap(), recorded);
    let kept = serde_json::to_string(&probed(30)).unwrap();
    assert_eq!(serde_json::from_str::<Health>(&kept).unwrap(), probed(30));
}

/// A receiver's days: attempts and their signs, and how much later each is. Time may go back.
fn signs() -> impl Strategy<Value = Vec<(Sign, i64)>> {
    let sign = prop_oneof![1 => Just(Sign::Well), 12 => Just(Sign::Ill)];
    let hours = prop_oneof![Just(-30), Just(0), 0_i64..48];
    vec((sign, hours.prop_map(|hours| hours * 3_600_000)), 0..60)
}

proptest! {
    #[test]
    fn whatever_happens_health_follows_from_the_failures_since_the_last_success(signs in signs()) {
        let mut health = Health::unknown(VERSION);
        let mut in_a_row: Vec<Timestamp> = Vec::new();
        let mut now = seconds(0);
        for (sign, later) in signs {
            now = Timestamp::from_millis(now.as_millis() + later);
            let was_open = in_a_row.len() >= 5;
            let change = after(health, sign, now);
            if sign == Sign::Well {
                prop_assert_eq!(change.is_none(), in_a_row.is_empty(), "nothing is written for nothing");
                in_a_row.clear();
            } else {
                in_a_row.push(now);
            }
            health = change.map_or(health, |it| it.health);

            let is_open = in_a_row.len() >= 5;
            let is_old = in_a_row.first().is_some_and(|first| now.since(*first) >= Some(5 * DAY));
            let expected = match (was_open, is_open) {
                _ if is_old && in_a_row.len() >= 10 => Some(Turn::Disable),
                (false, true) => Some(Turn::Opened),
                (true, false) => Some(Turn::Closed),
                _ => None,
            };
            prop_assert_eq!(change.and_then(|it| it.turn), expected);
            prop_assert_eq!(health.is_open(), is_open);
            prop_assert_eq!(admit_first(health) == Admission::Go, !is_open);
        }
    }

    /// Others fail meanwhile, as often as they like.
    #[test]
    fn no_two_probes_are_let_through_within_a_lease(steps in vec((any::<bool>(), 0..40_u64), 0..200)) {
        let mut health = failed(OPENS_AFTER);
        let (mut now, mut last) = (seconds(0), None);
        for (asks, later) in steps {
            now = now + Duration::from_secs(later);
            if !asks {
                health = after(health, Sign::Ill, now).unwrap().health;
                continue;
            }
            let is_free = last.is_none_or(|last: Timestamp| now >= last + PROBE_LEASE);
            match admit_waiting(health, now) {
                Admission::Probe(probed) => {
                    prop_assert!(is_free, "{:?} after {:?}", now, last);
                    (health, last) = (probed, Some(now));
                }
                other => prop_assert!(other == Admission::Wait && !is_free, "{:?}", other),
            }
        }
    }

    #[test]
    fn no_number_is_too_large(
        failures: u32, since: i64, until in proptest::option::of(any::<i64>()), at: i64,
    ) {
        let [since, at] = [since, at].map(Timestamp::from_millis);
        let probe_until = until.map(Timestamp::from_millis);
        let health = Health { hook_version: VERSION, failures, since, probe_until };
        admit_waiting(health, at);
        let change = after(health, Sign::Ill, at).unwrap();
        prop_assert!(change.health.is_open() || failures < OPENS_AFTER);
    }
}

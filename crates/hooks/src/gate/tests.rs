use serde_json::json;
use uuid::Uuid;

use super::{
    FireReason::{Changed, First, MayHavePassed, NoRules, PassedBefore, SnoozeOver},
    HoldReason::{Snoozed, Stale, Unchanged},
    Verdict::{Fire, Hold},
    *,
};

const NONE: Rules = Rules { on_change: false, snooze: None };
const CHANGE: Rules = Rules { on_change: true, snooze: None };
const SNOOZE: Rules = Rules { on_change: false, snooze: NonZeroU32::new(60) };
const BOTH: Rules = Rules { on_change: true, snooze: NonZeroU32::new(60) };

/// Events happen from this second on, so that some can lie before the first.
const START: i64 = 1_000;

fn at(second: i64, said: &str) -> Candidate {
    let accepted = Timestamp::from_seconds(START + second);
    let said = Digest::of_texts([said]);
    let millis = accepted.as_millis().unsigned_abs();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &[said.as_bytes()[0]; 10]);
    Candidate {
        occurrence: id.into_uuid().into(),
        order: Order { accepted, request: Uuid::nil().into(), index: 0 },
        said,
        subject: None,
        again: false,
    }
}

fn snoozed(second: i64) -> Verdict {
    Hold(Snoozed { until: Timestamp::from_seconds(START + second) })
}

fn after(rules: Rules, events: &[Candidate]) -> Memory {
    events.iter().fold(Memory::default(), |memory, event| {
        decide_all(rules, &memory, &[*event]).1.unwrap_or(memory)
    })
}

#[test]
fn the_verdict_on_the_next_event() {
    for (name, rules, before, next, expected) in [
        ("no rules", NONE, &[at(0, "a")][..], at(0, "a"), Fire(NoRules)),
        ("on_change: nothing remembered", CHANGE, &[], at(0, "a"), Fire(First)),
        ("on_change: the same again", CHANGE, &[at(0, "a")], at(1, "a"), Hold(Unchanged)),
        (
            "on_change: the same, long after",
            CHANGE,
            &[at(0, "a")],
            at(9_999_999, "a"),
            Hold(Unchanged),
        ),
        ("on_change: another", CHANGE, &[at(0, "a")], at(1, "b"), Fire(Changed)),
        ("on_change: there and back", CHANGE, &[at(0, "a"), at(1, "b")], at(2, "a"), Fire(Changed)),
        ("on_change: older than what passed", CHANGE, &[at(5, "a")], at(4, "b"), Hold(Stale)),
        (
            "on_change: older than what was held as unchanged",
            CHANGE,
            &[at(0, "a"), at(5, "a")],
            at(4, "b"),
            Hold(Stale),
        ),
        ("snooze: nothing remembered", SNOOZE, &[], at(0, "a"), Fire(First)),
        ("snooze: inside it", SNOOZE, &[at(0, "a")], at(59, "b"), snoozed(60)),
        ("snooze: at the end of it", SNOOZE, &[at(0, "a")], at(60, "a"), Fire(SnoozeOver)),
        ("snooze: late, but within it", SNOOZE, &[at(0, "a")], at(-59, "a"), snoozed(60)),
        ("snooze: late, and before it", SNOOZE, &[at(0, "a")], at(-60, "a"), Fire(SnoozeOver)),
        (
            "snooze: a late firing does not lower the memory",
            SNOOZE,
            &[at(0, "a"), at(-100, "a")],
            at(30, "b"),
            snoozed(60),
        ),
        (
            "snooze: held events do not prolong it",
            SNOOZE,
            &[at(0, "a"), at(59, "a")],
            at(60, "a"),
            Fire(SnoozeOver),
        ),
        ("both: a change must still wait", BOTH, &[at(0, "a")], at(59, "b"), snoozed(60)),
        ("both: waiting is not enough", BOTH, &[at(0, "a")], at(60, "a"), Hold(Unchanged)),
        ("both: changed and waited", BOTH, &[at(0, "a")], at(60, "b"), Fire(SnoozeOver)),
        (
            "both: a snoozed change is still a change for the next event",
            BOTH,
            &[at(0, "a"), at(10, "b")],
            at(60, "b"),
            Fire(SnoozeOver),
        ),
        (
            "both: a change taken back within the snooze is none",
            BOTH,
            &[at(0, "a"), at(10, "b")],
            at(60, "a"),
            Hold(Unchanged),
        ),
    ] {
        assert_eq!(decide(rules, &after(rules, before), &next), expected, "{name}");
    }
}

#[test]
fn an_event_that_passed_passes_again() {
    for rules in [CHANGE, SNOOZE, BOTH] {
        let memory = after(rules, &[at(0, "a")]);
        assert_eq!(decide(rules, &memory, &at(0, "a")), Fire(PassedBefore), "{rules:?}");

        let memory = after(rules, &[at(0, "a"), at(100, "b")]);
        assert_eq!(
            decide(rules, &memory, &at(0, "a")),
            Fire(PassedBefore),
            "{rules:?}: also when another one passed in between"
        );
        let (_, changed) = decide_all(rules, &memory, &[at(0, "a")]);
        assert_eq!(changed, None, "{rules:?}: and leaves no trace");
    }
}

#[test]
fn an_event_that_comes_again_passes_where_the_memory_forgot_whether_it_did() {
    let most = i64::try_from(Memory::MOST_PASSED).unwrap();
    let batch: Vec<_> = (0..3 * most).map(|second| at(second, &second.to_string())).collect();
    let (verdicts, memory) = decide_all(CHANGE, &Memory::default(), &batch);
    assert!(verdicts.iter().all(|it| matches!(it, Fire(_))));
    let memory = memory.unwrap();

    let again: Vec<_> = batch.iter().map(|it| Candidate { again: true, ..*it }).collect();
    let (verdicts, changed) = decide_all(CHANGE, &memory, &again);
    assert!(verdicts.iter().all(|it| matches!(it, Fire(MayHavePassed | PassedBefore))));
    assert_eq!(changed, None, "and leave no trace");

    assert_eq!(decide(CHANGE, &memory, &batch[0]), Hold(Stale), "one that never came is late");
    let late = Candidate { again: true, ..at(3 * most - 2, "never passed") };
    assert_eq!(decide(CHANGE, &memory, &late), Hold(Stale), "the memory is sure of this one");
}

#[test]
fn a_batch_is_decided_in_order_whatever_order_it_comes_in() {
    let batch = [at(3, "b"), at(0, "a"), at(2, "a"), at(1, "a")];
    let (verdicts, memory) = decide_all(CHANGE, &Memory::default(), &batch);
    assert_eq!(verdicts, [Fire(Changed), Fire(First), Hold(Unchanged), Hold(Unchanged)]);
    assert_eq!(memory, Some(after(CHANGE, &[at(0, "a"), at(1, "a"), at(2, "a"), at(3, "b")])));
}

#[test]
fn a_storm_within_a_snooze_writes_nothing() {
    let memory = after(SNOOZE, &[at(0, "a")]);
    let storm: Vec<_> = (1..59).map(|second| at(second, "a")).collect();
    let (verdicts, changed) = decide_all(SNOOZE, &memory, &storm);
    assert!(verdicts.iter().all(|it| *it == snoozed(60)));
    assert_eq!(changed, None);
}

#[test]
fn both_rules_keep_a_snooze_for_each_subject() {
    let of = |second, said| Candidate { subject: Some(at(0, said).said), ..at(second, said) };
    let memory = after(BOTH, &[of(0, "a"), of(10, "b")]);
    assert_eq!(decide(BOTH, &memory, &of(20, "a")), snoozed(60), "a fired at 0");
    assert_eq!(decide(BOTH, &memory, &of(60, "a")), Fire(SnoozeOver));
    assert_eq!(decide(BOTH, &memory, &of(20, "c")), Fire(Changed), "c never fired");
}

#[test]
fn a_memory_is_bounded() {
    let events: Vec<_> = (0..2_000)
        .map(|second| {
            let said = second.to_string();
            Candidate { subject: Some(at(0, &said).said), ..at(second, &said) }
        })
        .collect();
    let (_, memory) = decide_all(BOTH, &Memory::default(), &events);
    let memory = memory.unwrap();
    assert_eq!(
        (memory.passed.0.len(), memory.fired.len()),
        (Memory::MOST_PASSED, Memory::MOST_SUBJECTS)
    );
    assert_eq!(decide(BOTH, &memory, &events[1_999]), Fire(PassedBefore), "the newest are kept");

    let written = serde_json::to_string(&memory).unwrap();
    assert!(written.len() < 32 * 1024, "{} bytes", written.len());
    assert_eq!(serde_json::from_str::<Memory>(&written).unwrap(), memory);
}

#[test]
fn a_snooze_is_forgotten_once_no_redelivery_can_ask_and_a_change_never() {
    let memory = after(SNOOZE, &[at(0, "a")]);
    let week = Duration::from_hours(7 * 24);
    let expected = Timestamp::from_seconds(START + 60) + week;
    assert_eq!(memory.expires(SNOOZE), Some(expected));
    assert_eq!(memory.expires(CHANGE), None);
    assert_eq!(memory.expires(BOTH), None);
}

mod groups {
    use super::*;
    use crate::{
        event::Data,
        handler::Handler,
        hook::{Draft, Snooze},
        name::{SourceName, Workspace},
    };

    fn hook(on_change: bool, snooze: bool, group_by: Option<&[&str]>) -> EventHook {
        let draft = Draft {
            source: SourceName::parse("s").unwrap(),
            event: None,
            handler: Handler::Log {},
            on_change: Some(on_change),
            snooze: snooze.then(|| Snooze::seconds(60)),
            enabled: None,
            group_by: group_by.map(|it| it.iter().map(|it| (*it).to_owned()).collect()),
            filter: None,
        };
        let id = Uuid::nil().into();
        let hook = draft.into_hook(id, Workspace::default_workspace(), Timestamp::from_millis(0));
        EventHook { generation: 1.into(), ..hook }
    }

    fn event(data: &serde_json::Value) -> Event {
        let Candidate { occurrence, order, .. } = at(0, "a");
        Event {
            id: occurrence,
            order,
            workspace: Workspace::default_workspace(),
            source: SourceName::parse("s").unwrap(),
            event: EventName::parse("e").unwrap(),
            data: Data::from(data.as_object().unwrap().clone()),
            key: None,
            time: None,
            pid: None,
            trace: None,
        }
    }

    #[test]
    fn which_events_share_a_memory() {
        let unique = ["ip".to_owned()];
        let declared = GateFields { unique: Some(&unique), ..GateFields::default() };
        let published = ["zone".to_owned()];
        let grouped = GateFields { group_by: Some(&published), ..GateFields::default() };
        let plain = GateFields::default();
        let built_in = GateFields { built_in_group_by: &["zone"], ..plain };
        let (one, other) = (json!({"ip": 1, "zone": 1}), json!({"ip": 2, "zone": 2}));
        for (name, hook, fields, shared) in [
            ("on_change needs to see all key parts", hook(true, false, None), declared, true),
            ("a snooze has a memory for each key parts", hook(false, true, None), declared, false),
            ("both need to see all key parts", hook(true, true, None), declared, true),
            ("a snooze of undeclared key parts is one", hook(false, true, None), plain, true),
            ("the hook's group_by", hook(true, false, Some(&["zone"])), plain, false),
            ("the catalog's group_by", hook(true, false, None), grouped, false),
            ("the built-in group_by", hook(true, false, None), built_in, false),
            (
                "the hook's group_by wins, also when empty",
                hook(true, false, Some(&[])),
                grouped,
                true,
            ),
        ] {
            let key = |data| before(&hook, &EventName::parse("e").unwrap(), &event(data), fields).0;
            assert_eq!(key(&one) == key(&other), shared, "{name}");
        }
    }

    #[test]
    fn each_event_name_and_each_life_of_a_hook_has_a_memory_of_its_own() {
        let (hook, event) = (hook(true, true, None), event(&json!({})));
        let reborn = EventHook { generation: 2.into(), ..hook.clone() };
        let key = |hook, name| {
            before(hook, &EventName::parse(name).unwrap(), &event, GateFields::default()).0
        };
        assert_ne!(key(&hook, "e"), key(&hook, "f"));
        assert_ne!(key(&hook, "e"), key(&reborn, "e"));
    }
}

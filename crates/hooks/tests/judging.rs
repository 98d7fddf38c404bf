//! Does a filter want what others of its kind want? `quamina`, which matches the same patterns in
//! another way, is asked about patterns and events that nobody has thought of.
//!
//! It is not asked about `exists` and ranges, whose rows are in the tables of `filter/tests`:
//! version 0.7 takes `"a"` for a number below 0, and wants all of `[{"prefix": …}, {"exists": …}]`
//! where one entry is enough.

use hooks::filter::Filter;
use proptest::prelude::*;
use quamina::Quamina;
use serde_json::{Map, Value, json};

/// Few texts that have much in common, so that some of them match.
fn text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "ab", "abc", "b", "B", "10.0.0.7", "10.0.1.7", "*"])
        .prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(0), json!(1), json!(1.0), json!(-1), json!(2.5), json!(300)])
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(Value::from),
        3 => number(),
        1 => prop::sample::select(vec![json!(true), json!(false), Value::Null]),
    ]
}

/// An object with some of these members.
fn object<V: Strategy<Value = Value>>(
    names: &'static [&str],
    least: usize,
    value: V,
) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::sample::select(names).prop_map(str::to_owned);
    prop::collection::btree_map(name, value, least..=names.len())
        .prop_map(|it| it.into_iter().collect())
}

/// What these members hold is a leaf, or a list of them.
const LEAVES: &[&str] = &["a", "b"];
/// What these hold is an object or a list of objects, which the judge takes for leaves where a
/// pattern has tests for them.
const OBJECTS: &[&str] = &["o"];

fn event() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = || prop_oneof![3 => scalar(), 1 => list(scalar())];
    let inner = || object(LEAVES, 0, leaf()).prop_map(Value::from);
    let inside = object(OBJECTS, 0, prop_oneof![inner(), list(inner())]);
    (object(LEAVES, 0, leaf()), inside)
        .prop_map(|(leaves, inside)| leaves.into_iter().chain(inside).collect())
}

fn list(element: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec(element, 1..4).prop_map(Value::from)
}

/// One entry of a pattern's list.
fn entry() -> impl Strategy<Value = Value> {
    let texts = prop::collection::vec(text(), 1..3).prop_map(Value::from);
    let numbers = prop::collection::vec(number(), 1..3).prop_map(Value::from);
    let wildcard = prop::sample::select(vec!["*", "a*", "*b", "a*c", r"\*", "*.0.*"]);
    let network = prop::sample::select(vec!["10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0"]);
    prop_oneof![
        2 => scalar(),
        1 => text().prop_map(|it| json!({"prefix": it})),
        1 => text().prop_map(|it| json!({"suffix": it})),
        1 => text().prop_map(|it| json!({"equals-ignore-case": it})),
        1 => wildcard.prop_map(|it| json!({"wildcard": it})),
        1 => network.prop_map(|it| json!({"cidr": it})),
        2 => prop_oneof![texts, numbers].prop_map(|it| json!({"anything-but": it})),
    ]
}

fn pattern() -> impl Strategy<Value = Value> {
    let leaf = || prop::collection::vec(entry(), 1..3).prop_map(Value::from);
    let inside = object(OBJECTS, 0, object(LEAVES, 1, leaf()).prop_map(Value::from));
    (object(LEAVES, 0, leaf()), inside)
        .prop_map(|(leaves, inside)| leaves.into_iter().chain(inside).collect::<Map<_, _>>())
        .prop_filter_map("a pattern says something", |it| (!it.is_empty()).then(|| it.into()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_filter_wants_what_another_matcher_matches(pattern in pattern(), event in event()) {
        let mut judge = Quamina::new();
        let judged = judge.add_pattern("it", &pattern.to_string());
        let (Ok(()), Ok(filter)) = (judged, Filter::parse(&pattern)) else {
            // What one of them does not take is in the tables of `filter/tests`.
            return Err(TestCaseError::reject("a pattern that only one of them reads"));
        };
        let text = Value::from(event.clone()).to_string();
        let matches = !judge.matches_for_event(text.as_bytes()).unwrap().is_empty();
        prop_assert_eq!(filter.wants(&event), matches, "{} of {}", pattern, text);
    }
}

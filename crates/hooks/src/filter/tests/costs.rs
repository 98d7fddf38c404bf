//! What a pattern costs at the most: its own size is bounded, and it looks at no part of an event
//! again and again. Steps are counted, not measured.

use serde_json::{Value, json};

use super::{
    super::{Condition, Filter, Test, test::Look},
    wants,
};

#[test]
fn alternatives_multiply_and_are_bounded() {
    let or = |n: usize| json!((0..n).map(|it| json!({"a": [it]})).collect::<Vec<_>>());
    let of = |factors: [usize; 3]| {
        let [a, b, c] = factors;
        Filter::parse(&json!({"$or": or(a), "x": {"$or": or(b)}, "y": {"$or": or(c)}}))
    };
    assert!(of([10, 10, 10]).is_ok());
    assert_eq!(
        of([11, 10, 10]).unwrap_err().to_string(),
        "too many alternatives, at most 1000 in all"
    );
}

/// The only wildcard of a pattern, and how it fits: how often it searched, and through how many
/// bytes it went.
fn steps(wildcard: &str, text: &str) -> (bool, usize, usize) {
    let filter = Filter::parse(&json!({"f": [{"wildcard": wildcard}]})).unwrap();
    let Condition::Leaf { tests, .. } = &filter.pattern.0[0] else { panic!("no leaf") };
    let Test::Looks(Look::Wildcard(wildcard)) = &tests[0] else { panic!("no wildcard") };
    let (mut searches, mut bytes) = (0, 0);
    let fits = wildcard.fits(text, &mut |left, piece| {
        let found = memchr::memmem::find(left, piece);
        searches += 1;
        bytes += found.map_or(left.len(), |at| at + piece.len());
        found
    });
    (fits, searches, bytes)
}

#[test]
fn a_hostile_wildcard_goes_through_a_text_once() {
    const LENGTH: usize = 256 * 1024;
    let text = "a".repeat(LENGTH);
    for (name, wildcard, fits) in [
        ("pieces that are everywhere, and an end that is not", "a*".repeat(500) + "b", false),
        ("a piece that is nowhere, behind many that are", "a*".repeat(500) + "b*", false),
        ("pieces that almost fit", format!("*{}", "aaab*".repeat(100)), false),
        ("many that fit", "*a".repeat(500), true),
    ] {
        let pieces = wildcard.split('*').count();
        let (fitted, searches, bytes) = steps(&wildcard, &text);
        assert_eq!(fitted, fits, "{name}");
        assert!(searches <= pieces, "{name}: {searches} searches for {pieces} pieces");
        assert!(bytes <= LENGTH, "{name}: {bytes} bytes of {LENGTH}");
    }
}

#[test]
fn what_must_be_absent_is_looked_for_once_and_not_in_each_element_again() {
    // Each element fails for its `y`: with a look at all of them for each, this would be four
    // thousand million steps for each of sixty alternatives.
    let elements: Vec<Value> = (0..64_000).map(|_| json!({})).collect();
    let absences: Vec<Value> =
        (0..60).map(|it| json!({"a": {format!("x{it}"): [{"exists": false}], "y": [1]}})).collect();
    assert!(!wants(&json!({"$or": absences}), &json!({"a": elements})));
}

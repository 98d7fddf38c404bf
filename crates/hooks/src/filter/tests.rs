mod operators;
mod shapes;
mod refusals;
mod costs;

use serde_json::json;

use super::*;

fn wants(pattern: &Value, event: &Value) -> bool {
    let filter = Filter::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    filter.wants(event.as_object().unwrap())
}

/// Checks rows of what is said, a pattern, an event, and whether the pattern wants it.
fn check(rows: &[(&str, Value, Value, bool)]) {
    for (name, pattern, event, expected) in rows {
        assert_eq!(wants(pattern, event), *expected, "{name}: {pattern} of {event}");
    }
}

#[test]
fn it_looks_like_what_was_typed() {
    let typed = json!({"b": [1.0, {"prefix": "x"}], "a": {"c": [null]}});
    let filter = Filter::parse(&typed).unwrap();
    assert_eq!(serde_json::to_string(&filter).unwrap(), typed.to_string());
    assert_eq!(serde_json::from_value::<Filter>(typed).unwrap(), filter);
    assert!(serde_json::from_str::<Filter>(r#"{"a":[]}"#).is_err());
}

//! What is no pattern, and what is said of it.

use serde_json::json;

use super::super::Filter;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_is_no_pattern_says_where_and_what_may_stand_there() {
    let operators =
        "prefix, suffix, anything-but, equals-ignore-case, wildcard, numeric, cidr or exists";
    for (name, pattern, expected) in [
        ("no object", json!(["a"]), "expected an object in the shape of the events".to_owned()),
        ("nothing", json!({}), "empty, name at least one member".to_owned()),
        (
            "a text for a list",
            json!({"a": {"b": "x"}}),
            "a.b: expected a list of what is wanted, as [\"a\", \"b\"], or an object".to_owned(),
        ),
        ("an empty list", json!({"a": []}), "a: an empty list wants nothing".to_owned()),
        (
            "a list in a list",
            json!({"a": [["x"]]}),
            "a: a list in a list is never wanted".to_owned(),
        ),
        (
            "an unknown operator",
            json!({"a": [{"begins": "x"}]}),
            format!("a: unknown operator 'begins', there is {operators}"),
        ),
        (
            "two operators",
            json!({"a": [{"prefix": "x", "suffix": "y"}]}),
            format!("a: expected one of {operators}"),
        ),
        (
            "a prefix of a number",
            json!({"a": [{"prefix": 1}]}),
            "a: prefix: expected a text, or {\"equals-ignore-case\": a text}".to_owned(),
        ),
        (
            "exists what",
            json!({"a": [{"exists": "yes"}]}),
            "a: exists: expected true or false".to_owned(),
        ),
        (
            "no network",
            json!({"a": [{"cidr": "10.0.0.0"}]}),
            "a: cidr: expected a network such as 10.0.0.0/24".to_owned(),
        ),
        (
            "no comparison",
            json!({"a": [{"numeric": ["~", 1]}]}),
            "a: numeric: expected [\"=\", 1] or a range such as [\">\", 0, \"<=\", 5]".to_owned(),
        ),
        (
            "two lower bounds",
            json!({"a": [{"numeric": [">", 1, ">", 2]}]}),
            "a: numeric: expected [\"=\", 1] or a range such as [\">\", 0, \"<=\", 5]".to_owned(),
        ),
        (
            "an empty range",
            json!({"a": [{"numeric": [">", 5, "<", 5]}]}),
            "a: numeric: expected a range that some number is in".to_owned(),
        ),
        (
            "one alternative",
            json!({"$or": [{"a": [1]}]}),
            "$or: expected a list of at least two objects".to_owned(),
        ),
        (
            "an operator whose member was forgotten",
            json!({"$or": [{"a": [1]}, {"prefix": ["abc"]}]}),
            "$or: 'prefix' is an operator, not a member; name the member that it is for".to_owned(),
        ),
        (
            "the same, deeper",
            json!({"b": {"$or": [{"a": [1]}, {"c": {"numeric": [123]}}]}}),
            "b.c: $or: 'numeric' is an operator, not a member; name the member that it is for"
                .to_owned(),
        ),
        (
            "an object for alternatives",
            json!({"$or": {"a": [1], "b": [2]}}),
            "$or: expected a list of at least two objects".to_owned(),
        ),
        (
            "anything but a beginning that all have",
            json!({"a": [{"anything-but": {"prefix": ["x", ""]}}]}),
            "a: anything-but: expected a prefix or suffix that not every text has".to_owned(),
        ),
        (
            "a network of no address",
            json!({"a": [{"cidr": "10.0.0.300/8"}]}),
            "a: cidr: expected a network such as 10.0.0.0/24".to_owned(),
        ),
        (
            "two stars",
            json!({"a": [{"wildcard": "a**b"}]}),
            "a: wildcard: expected no two stars in a row, one says it".to_owned(),
        ),
        (
            "a lone backslash",
            json!({"a": [{"wildcard": "a\\b"}]}),
            "a: wildcard: expected \\* or \\\\ where there is a backslash".to_owned(),
        ),
        (
            "too long",
            json!({"a": ["x".repeat(5_000)]}),
            "too long, at most 4096 bytes of JSON".to_owned(),
        ),
    ] {
        let error = Filter::parse(&pattern).expect_err(name).to_string();
        assert_eq!(error, expected, "{name}");
    }
    for wrong in [
        json!(true),
        json!([1, "x"]),
        json!([]),
        json!({"numeric": ["=", 1]}),
        json!({"prefix": []}),
    ] {
        let error =
            Filter::parse(&json!({"a": [{"anything-but": wrong}]})).unwrap_err().to_string();
        assert!(error.starts_with("a: anything-but: expected a text or number"), "{error}");
    }
}

#[test]
fn a_member_may_be_called_like_an_operator_where_it_cannot_be_one() {
    assert!(Filter::parse(&json!({"prefix": ["abc"], "config": {"numeric": [1]}})).is_ok());
}

use serde_json::json;

use super::*;

fn wants(pattern: &Value, event: &Value) -> bool {
    let filter = Filter::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    filter.wants(event.as_object().unwrap())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_pattern_wants_what_it_says() {
    for (name, pattern, event, expected) in [
        // The operators, by the service's own examples.
        (
            "and",
            json!({"Location": ["New York"], "Day": ["Monday"]}),
            json!({"Location": "New York", "Day": "Monday"}),
            true,
        ),
        (
            "and, one fails",
            json!({"Location": ["New York"], "Day": ["Monday"]}),
            json!({"Location": "New York", "Day": "Tuesday"}),
            false,
        ),
        (
            "anything but",
            json!({"state": [{"anything-but": "initializing"}]}),
            json!({"state": "running"}),
            true,
        ),
        (
            "anything but that",
            json!({"state": [{"anything-but": "initializing"}]}),
            json!({"state": "initializing"}),
            false,
        ),
        (
            "anything but of what is not there",
            json!({"state": [{"anything-but": "initializing"}]}),
            json!({"other": 1}),
            false,
        ),
        (
            "anything but a number",
            json!({"n": [{"anything-but": 123}]}),
            json!({"n": 123.0}),
            false,
        ),
        (
            "anything but several",
            json!({"state": [{"anything-but": ["stopped", "overloaded"]}]}),
            json!({"state": "overloaded"}),
            false,
        ),
        (
            "anything but several numbers",
            json!({"n": [{"anything-but": [100, 200]}]}),
            json!({"n": 300}),
            true,
        ),
        (
            "anything but, of another kind",
            json!({"n": [{"anything-but": "1"}]}),
            json!({"n": 1}),
            true,
        ),
        (
            "anything but a beginning",
            json!({"Region": [{"anything-but": {"prefix": "us-"}}]}),
            json!({"Region": "us-east-1"}),
            false,
        ),
        (
            "anything but beginnings",
            json!({"Region": [{"anything-but": {"prefix": ["us-", "eu-"]}}]}),
            json!({"Region": "ap-south-1"}),
            true,
        ),
        (
            "anything but an end",
            json!({"FileName": [{"anything-but": {"suffix": ".png"}}]}),
            json!({"FileName": "a.png"}),
            false,
        ),
        (
            "anything but whatever the case",
            json!({"state": [{"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}]}),
            json!({"state": "STOPPED"}),
            false,
        ),
        (
            "anything but a wildcard",
            json!({"FilePath": [{"anything-but": {"wildcard": "*/lib/*"}}]}),
            json!({"FilePath": "/usr/lib/x"}),
            false,
        ),
        (
            "begins with",
            json!({"Region": [{"prefix": "us-"}]}),
            json!({"Region": "us-west-2"}),
            true,
        ),
        (
            "begins with, any case",
            json!({"service": [{"prefix": {"equals-ignore-case": "EventB"}}]}),
            json!({"service": "eventBRIDGE"}),
            true,
        ),
        ("empty", json!({"LastName": [""]}), json!({"LastName": ""}), true),
        ("empty is not null", json!({"LastName": [""]}), json!({"LastName": null}), false),
        ("equals", json!({"Name": ["Alice"]}), json!({"Name": "Alice"}), true),
        ("equals is exact", json!({"Name": ["Alice"]}), json!({"Name": "alice"}), false),
        (
            "equals, any case",
            json!({"Name": [{"equals-ignore-case": "alice"}]}),
            json!({"Name": "ALICE"}),
            true,
        ),
        (
            "ends with",
            json!({"FileName": [{"suffix": ".png"}]}),
            json!({"FileName": "a.png"}),
            true,
        ),
        (
            "ends with, any case",
            json!({"service": [{"suffix": {"equals-ignore-case": "tbridge"}}]}),
            json!({"service": "EvenTBRIDGE"}),
            true,
        ),
        ("exists", json!({"ProductName": [{"exists": true}]}), json!({"ProductName": null}), true),
        ("exists not", json!({"ProductName": [{"exists": false}]}), json!({"other": 1}), true),
        ("an object is no leaf", json!({"a": [{"exists": true}]}), json!({"a": {"b": 1}}), false),
        (
            "exists not, inside of nothing",
            json!({"a": {"b": [{"exists": false}]}}),
            json!({}),
            true,
        ),
        (
            "exists not, inside of a text",
            json!({"a": {"b": [{"exists": false}]}}),
            json!({"a": "x"}),
            true,
        ),
        (
            "exists not, in no element at all",
            json!({"a": {"x": [{"exists": false}]}}),
            json!({"a": [{"x": 1}, {"y": 2}]}),
            false,
        ),
        ("absent or something", json!({"a": [{"exists": false}, "x"]}), json!({"a": "x"}), true),
        ("a number", json!({"Price": [{"numeric": ["=", 100]}]}), json!({"Price": 100.0}), true),
        (
            "a range",
            json!({"Price": [{"numeric": [">", 10, "<=", 20]}]}),
            json!({"Price": 20}),
            true,
        ),
        (
            "outside of it",
            json!({"Price": [{"numeric": [">", 10, "<=", 20]}]}),
            json!({"Price": 10}),
            false,
        ),
        (
            "a text is no number",
            json!({"Price": [{"numeric": [">", 10]}]}),
            json!({"Price": "20"}),
            false,
        ),
        (
            "an address",
            json!({"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}),
            json!({"sourceIPAddress": "10.0.0.7"}),
            true,
        ),
        (
            "another address",
            json!({"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}),
            json!({"sourceIPAddress": "10.0.1.7"}),
            false,
        ),
        (
            "an address of six",
            json!({"ip": [{"cidr": "2001:db8::/32"}]}),
            json!({"ip": "2001:db8::1"}),
            true,
        ),
        ("no address", json!({"ip": [{"cidr": "10.0.0.0/8"}]}), json!({"ip": "ten"}), false),
        (
            "or, of values",
            json!({"PaymentType": ["Cash", "Credit"]}),
            json!({"PaymentType": "Credit"}),
            true,
        ),
        (
            "or, of members",
            json!({"$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]}),
            json!({"Day": "Monday"}),
            true,
        ),
        (
            "or, and something beside",
            json!({"source": ["crud"], "$or": [{"a": [1]}, {"b": [1]}]}),
            json!({"source": "balancer", "a": 1}),
            false,
        ),
        (
            "or, inside",
            json!({"a": {"$or": [{"b": [1]}, {"c": [{"exists": false}]}]}}),
            json!({"a": {"b": 2}}),
            true,
        ),
        (
            "wildcard",
            json!({"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:*:event-bus/*"}]}),
            json!({"EventBusArn": "arn:aws:events:us-east-1:123:event-bus/mine"}),
            true,
        ),
        (
            "wildcard, in between",
            json!({"f": [{"wildcard": "dir/*/*.png"}]}),
            json!({"f": "dir/a/b/c.png"}),
            true,
        ),
        (
            "wildcard, pieces do not overlap",
            json!({"f": [{"wildcard": "aba*aba"}]}),
            json!({"f": "ababa"}),
            false,
        ),
        ("wildcard, a star alone", json!({"f": [{"wildcard": "*"}]}), json!({"f": ""}), true),
        (
            "wildcard, a star that is meant",
            json!({"f": [{"wildcard": r"a\**"}]}),
            json!({"f": "a*b"}),
            true,
        ),
        (
            "wildcard, and not anything",
            json!({"f": [{"wildcard": r"a\*"}]}),
            json!({"f": "ab"}),
            false,
        ),
        // Shapes.
        ("null", json!({"a": [null]}), json!({"a": null}), true),
        ("null is there", json!({"a": [null]}), json!({}), false),
        ("true", json!({"a": [true]}), json!({"a": true}), true),
        ("true is no text", json!({"a": [true]}), json!({"a": "true"}), false),
        ("1 and 1.0", json!({"a": [1]}), json!({"a": 1.0}), true),
        (
            "a large number is exact",
            json!({"a": [9_007_199_254_740_993_u64]}),
            json!({"a": 9_007_199_254_740_993_u64}),
            true,
        ),
        (
            "deep inside",
            json!({"entity": {"config": {"tags": ["x"]}}}),
            json!({"entity": {"config": {"tags": ["y", "x"]}}}),
            true,
        ),
        ("an element of a list", json!({"a": ["x"]}), json!({"a": [["y"], ["x"]]}), true),
        ("no element of an empty list", json!({"a": [{"exists": true}]}), json!({"a": []}), false),
        (
            "one element matches all that is said",
            json!({"a": {"x": [1], "y": [4]}}),
            json!({"a": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}),
            false,
        ),
        (
            "and one that does",
            json!({"a": {"x": [3], "y": [4]}}),
            json!({"a": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}),
            true,
        ),
        ("an object where a leaf is wanted", json!({"a": ["x"]}), json!({"a": {"b": "x"}}), false),
        ("a leaf where an object is wanted", json!({"a": {"b": ["x"]}}), json!({"a": "x"}), false),
    ] {
        assert_eq!(wants(&pattern, &event), expected, "{name}: {pattern} of {event}");
    }
}

#[test]
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

#[test]
fn it_looks_like_what_was_typed() {
    let typed = json!({"b": [1.0, {"prefix": "x"}], "a": {"c": [null]}});
    let filter = Filter::parse(&typed).unwrap();
    assert_eq!(serde_json::to_string(&filter).unwrap(), typed.to_string());
    assert_eq!(serde_json::from_value::<Filter>(typed).unwrap(), filter);
    assert!(serde_json::from_str::<Filter>(r#"{"a":[]}"#).is_err());
}

#[test]
fn a_long_text_costs_no_more_than_its_length() {
    let text = "a".repeat(256 * 1024);
    let pattern = json!({"f": [{"wildcard": format!("{}b", "a*".repeat(500))}]});
    assert!(!wants(&pattern, &json!({"f": text})));
}

//! What becomes of a payload, and of all texts of an attempt together?

use serde_json::{Map, Value, json};

use crate::template::{
    Compiled, Dialect, OUTPUT_LIMIT, error::RenderError, rendering::Rendering, tree::CompiledTree,
};

fn members(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("an object is expected") };
    members
}

#[test]
fn strings_are_templates_and_the_rest_passes() {
    let payload = members(json!({
        "text": "{{ a }}!", "constant": "x", "comment": "x{# y #}", "{{ a }}": 1,
        "deep": {"list": ["{{ a }}", 2, null, true, 1.5, {"in": "{{ missing }}"}], "none": [], "empty": {}},
    }));
    let tree = CompiledTree::new(Dialect::Resty, &payload).unwrap();
    assert!(tree.lua().is_empty());
    let event = members(json!({"a": "A"}));
    let rendered = tree.render(&mut Rendering::of(&event)).unwrap();
    let expected = json!({
        "text": "A!", "constant": "x", "comment": "x", "{{ a }}": 1,
        "deep": {"list": ["A", 2, null, true, 1.5, {"in": ""}], "none": [], "empty": {}},
    });
    assert_eq!(Value::Object(rendered), expected);
}

#[test]
fn what_the_sandbox_printed_comes_where_its_chunk_was() {
    let payload =
        members(json!({"a": "{{ 1 }}", "b": ["{{ x }}", {"c": "{{ 2 }}"}], "d": "{{ 3 }}"}));
    let tree = CompiledTree::new(Dialect::Resty, &payload).unwrap();
    let places: Vec<_> = tree.lua().iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(places, ["a", "b[2].c", "d"]);
    let event = members(json!({"x": "X"}));
    let printed = vec!["one".into(), "two".into(), "three".into()];
    let rendered = tree.render(&mut Rendering::of(&event).with_printed(printed)).unwrap();
    assert_eq!(
        Value::Object(rendered),
        json!({"a": "one", "b": ["X", {"c": "two"}], "d": "three"})
    );
}

#[test]
fn what_is_wrong_says_where() {
    for (name, payload, said) in [
        (
            "in a list",
            json!({"attachments": [{"text": "ok"}, {"text": "a\n{{ 1 + }}"}]}),
            "attachments[2].text: line 2, column 6: an expression cannot end with `+`",
        ),
        ("at the top", json!({"text": "{(x)}"}), "text: line 1, column 1: `{(` includes"),
        (
            "in lists of lists",
            json!({"a": [["{{ ' }}"]]}),
            "a[1][1]: line 1, column 4: this string",
        ),
    ] {
        let error = CompiledTree::new(Dialect::Resty, &members(payload)).unwrap_err().to_string();
        assert!(error.starts_with(said), "{name}: {error}");
    }
    let tree = CompiledTree::new(Dialect::Resty, &members(json!({"a": {"b": "{{ 1 }}"}}))).unwrap();
    let error = tree.render(&mut Rendering::of(&Map::new())).unwrap_err();
    assert_eq!(error.to_string(), "a.b: the template's Lua was not run");
}

#[test]
fn a_payload_is_so_deep_and_no_deeper() {
    let deep = |levels: usize| {
        let mut value = json!("{{ a }}");
        for _ in 0..levels {
            value = json!([value]);
        }
        members(json!({"a": value}))
    };
    assert!(CompiledTree::new(Dialect::Resty, &deep(31)).is_ok());
    let error = CompiledTree::new(Dialect::Resty, &deep(32)).unwrap_err();
    assert!(error.to_string().ends_with("a payload may be 32 levels deep"), "{error}");
}

#[test]
fn the_texts_of_an_attempt_share_their_room() {
    let event = members(json!({"half": "x".repeat(OUTPUT_LIMIT / 2)}));
    for dialect in [Dialect::Resty, Dialect::Handlebars] {
        let text = Compiled::new(dialect, "{{half}}").unwrap();
        let mut rendering = Rendering::of(&event);
        assert!(text.render(&mut rendering).is_ok());
        assert!(text.render(&mut rendering).is_ok());
        let too_long = RenderError::TooLong { limit: OUTPUT_LIMIT };
        assert_eq!(
            Compiled::new(dialect, "{{half}}").unwrap().render(&mut rendering),
            Err(too_long),
            "{dialect:?}"
        );
    }
}

#[test]
fn a_text_without_tags_costs_nothing() {
    for (name, compiled, constant) in [
        ("text", Compiled::new(Dialect::Resty, "a { b } c"), Some("a { b } c")),
        ("nothing", Compiled::new(Dialect::Resty, ""), Some("")),
        (
            "comments and raw text",
            Compiled::new(Dialect::Resty, "{# a #}{-raw-}{{ b }}{-raw-}"),
            Some("{{ b }}"),
        ),
        ("an escaped tag", Compiled::new(Dialect::Resty, "\\{{ a }}"), Some("{{ a }}")),
        ("a path", Compiled::new(Dialect::Resty, "{{ a }}"), None),
        ("text in handlebars", Compiled::new(Dialect::Handlebars, "a { b } c"), Some("a { b } c")),
        ("a tag in handlebars", Compiled::new(Dialect::Handlebars, "{{a}}"), None),
        ("as it stands", Ok(Compiled::verbatim("{{ a }} {( b )}")), Some("{{ a }} {( b )}")),
    ] {
        assert_eq!(compiled.unwrap().as_constant(), constant, "{name}");
    }
}

#[test]
fn a_dialect_is_asked_for_by_its_name() {
    assert_eq!(Dialect::default(), Dialect::Resty);
    for (name, dialect) in [
        ("resty", Some(Dialect::Resty)),
        ("handlebars", Some(Dialect::Handlebars)),
        ("Handlebars", None),
        ("", None),
    ] {
        assert_eq!(Dialect::parse(name), dialect, "{name}");
    }
}

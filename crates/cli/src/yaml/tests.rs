use proptest::prelude::*;
use serde_json::json;

use super::*;

fn value(text: &str) -> Value {
    let nodes = read(text).unwrap();
    assert_eq!(nodes.len(), 1, "{text}");
    nodes[0].value()
}

#[test]
fn text_stays_text() {
    let lua = "return function(data)\n  if data then\n\tprint('x')\n  end\nend\n";
    let hook =
        json!({"config": {"functions": [lua, "return function() end"], "body": "{{ a }}: b"}});
    let written = write(&hook).unwrap();
    assert_eq!(
        written,
        "config:\n  functions:\n  - |\n    return function(data)\n      if data then\n    \tprint('x')\n      \
         end\n    end\n  - return function() end\n  body: \"{{ a }}: b\"\n"
    );
    assert_eq!(value(&written), hook);
}

#[test]
fn what_looks_like_something_else_is_still_text() {
    for text in [
        "no",
        "on",
        "y",
        "Null",
        "~",
        "",
        " ",
        "0755",
        "1_000",
        "0x1F",
        "0o14",
        "1e3",
        ".inf",
        "-.5",
        "12:30:45",
        "2020-01-01",
        "=",
        "<<",
        "- a",
        "a: b",
        "a #b",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        "\"",
        "|",
        ">",
        "{",
        "]",
        ",",
        "?",
        "a\u{85}b",
        "a\rb",
        "\u{feff}a",
        "\n",
        "\n\n a\n",
        "  a\nb",
        "a \nb \n",
        "\t\n",
        "---",
        "...",
        "a\n---\nb",
        "a\n...\n",
    ] {
        let written = json!({"key": text, "list": [text], text: 1});
        assert_eq!(value(&write(&written).unwrap()), written, "{text:?}");
    }
    let long = json!({"body": format!("{{{{ a }}}} {}", "word ".repeat(100))});
    assert_eq!(write(&long).unwrap().lines().count(), 1, "nothing is folded");
}

#[test]
fn json_is_yaml() {
    let both = json!({"a": [1, -2.5, true, null, "\u{1f600}\t\"\\/\u{7f}\u{9b}\u{85}"], "b": {}, "c": [{"d": []}]});
    assert_eq!(value(&both.to_string()), both);
    assert_eq!(value(&format!("{both:#}")), both);
    assert_eq!(
        value(r#"{"face": "\ud83d\ude00", "slash": "\/"}"#),
        json!({"face": "😀", "slash": "/"})
    );
}

#[test]
fn every_field_has_a_line() {
    let text = "hooks:\n- source: crud\n  config:\n    url: x\n    functions:\n    - one\n    - two\n    headers.x.y: z\n";
    let nodes = read(text).unwrap();
    let hook = &nodes[0].member("hooks").unwrap().elements().unwrap()[0];
    for (field, line) in [
        ("source", 2),
        ("config.url", 4),
        ("config.functions.2", 7),
        ("config.functions.9", 6),
        ("config.method", 4),
        ("config.headers.x.y", 8),
        ("snooze", 2),
    ] {
        assert_eq!(hook.line_of(field), line, "{field}");
    }
}

#[test]
fn what_is_no_yaml_is_said_with_its_line_and_without_its_text() {
    for (name, text, line) in [
        ("a bracket that stays open", "secret: s3cr3t\nhooks: [", 2),
        ("a member that is there twice", "a: 1\nsecret: s3cr3t\na: 2\n", 3),
        ("a tab", "a:\n\tb: s3cr3t\n", 2),
        ("an alias for nothing", "a: *s\n", 1),
        ("not a number", "a: .nan\n", 1),
    ] {
        let wrong = read(text).unwrap_err();
        assert_eq!(wrong.line, Some(line), "{name}: {wrong:?}");
        assert!(
            !wrong.why.contains("s3cr3t") && !wrong.why.contains("Policy"),
            "{name}: {wrong:?}"
        );
    }
}

#[test]
fn as_much_as_a_deployment_has_is_read() {
    let hook =
        "- source: crud\n  event: routes\n  handler: log\n  group_by: [a, b]\n  enabled: true\n";
    let many = read(&format!("hooks:\n{}", hook.repeat(20_000))).unwrap();
    assert_eq!(many[0].member("hooks").unwrap().elements().unwrap().len(), 20_000);

    let lists = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let payload = |levels| format!("hooks:\n- config:\n    payload:\n      a: {}\n", lists(levels));
    let deep = read(&payload(99)).unwrap();
    assert_eq!(deep[0].value(), value(&write(&deep[0].value()).unwrap()));
    assert!(read(&payload(200)).is_err());
}

#[test]
fn what_unfolds_without_end_is_not_read() {
    let ten_of_those_before = |level: usize| {
        format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(10))
    };
    let levels: String = (1..30).map(ten_of_those_before).collect();
    let wrong = read(&format!("a0: &a0 [s3cr3t]\n{levels}")).unwrap_err();
    assert!(!wrong.why.contains("s3cr3t"), "{wrong:?}");
}

#[test]
fn a_file_may_have_several_documents() {
    assert_eq!(read("---\na: 1\n---\nb: 2\n").unwrap().len(), 2);
    assert_eq!(read("# nothing\n").unwrap(), []);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |it| it.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ \t\n:#|>a'\"{}-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(inner in any_value()) {
        let whole = json!({"hooks": [inner]});
        let text = write(&whole).unwrap();
        prop_assert_eq!(value(&text), whole, "{}", text);
    }
}

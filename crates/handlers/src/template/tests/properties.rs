//! Is there any template and any event for which the promises do not hold?

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::luau;
use crate::template::{
    Compiled, Dialect, OUTPUT_LIMIT, rendering::Rendering, resty::Template, tree::CompiledTree,
};

/// Pieces that templates are made of, whole and broken.
const PIECES: [&str; 56] = [
    "{{",
    "}}",
    "{*",
    "*}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{-",
    "-}",
    "{(",
    ")}",
    "{[",
    "]}",
    "\\",
    "\r",
    "\n",
    " ",
    "\0",
    "{",
    "}",
    "é",
    "a",
    "b",
    "off",
    "list",
    ".",
    "[",
    "]",
    "1",
    "0",
    "'",
    "\"",
    "#",
    "--",
    "[[",
    "]]",
    "=",
    "context",
    "blocks",
    "type",
    "{-a-}",
    "{-raw-}",
    "blocks.a",
    "{{ a }}",
    "{* list *}",
    "{{ list[1].b }}",
    "{% if a then %}",
    "{% end %}",
    "{{#each list}}",
    "{{/each}}",
    "{{#if a}}",
    "{{else}}",
    "{{/if}}",
    "{{json a}}",
    "{{> a}}",
];

/// Names that would lead out of the event, if any did.
const NAMES: [&str; 28] = [
    "_G",
    "_ENV",
    "os",
    "io",
    "string",
    "math",
    "debug",
    "package",
    "require",
    "load",
    "print",
    "type",
    "next",
    "getmetatable",
    "template",
    "include",
    "echo",
    "layout",
    "blocks",
    "context",
    "___",
    "escape",
    "self",
    "ngx",
    "kong",
    "__index",
    "arg",
    "bit",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(select(&PIECES[..]), 0..24).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

fn event() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from("x".repeat(OUTPUT_LIMIT / 3))),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            select(&["a", "b", "off", "list", "blocks", "type"][..]).prop_map(String::from),
            any::<String>()
        ];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name, inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => Map::from_iter([("a".to_owned(), other.clone()), ("list".to_owned(), other)]),
    }
}

fn path() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        select(&NAMES[..]).prop_map(|name| format!(".{name}")),
        select(&NAMES[..]).prop_map(|name| format!("['{name}']")),
        (0..3_usize).prop_map(|index| format!("[{index}]")),
    ];
    (select(&NAMES[..]), vec(key, 0..3)).prop_map(|(name, keys)| name.to_owned() + &keys.concat())
}

proptest! {
    #[test]
    fn nothing_panics_and_nothing_is_too_long(text in text(), event in event()) {
        let event = members(event);
        for dialect in [Dialect::Resty, Dialect::Handlebars] {
            let Ok(compiled) = Compiled::new(dialect, &text) else { continue };
            if compiled.lua().is_some() {
                continue;
            }
            if let Ok(printed) = compiled.render(&mut Rendering::of(&event)) {
                prop_assert!(printed.len() <= OUTPUT_LIMIT || compiled.as_constant().is_some());
            }
        }
    }

    #[test]
    fn a_payload_of_anything_does_not_panic(payload in event(), event in event()) {
        let (payload, event) = (members(payload), members(event));
        if let Ok(tree) = CompiledTree::new(Dialect::Resty, &payload) {
            let printed = vec![String::new(); tree.lua().len()];
            let _ = tree.render(&mut Rendering::of(&event).with_printed(printed));
        }
    }

    #[test]
    fn with_nothing_in_the_event_no_path_prints_anything(path in path(), raw in any::<bool>()) {
        prop_assume!(path != "context" && path != "blocks");
        let tag = if raw { format!("{{* {path} *}}") } else { format!("{{{{ {path} }}}}") };
        let native = Template::compile(&tag).unwrap().render(&Map::new());
        prop_assert_eq!(native.as_deref(), Ok(""));
        let in_lua = luau::resty(&format!("{tag}{{% local _ %}}"), &json!({}));
        prop_assert_eq!(in_lua.as_deref(), Ok(""));
    }

    #[test]
    fn what_is_printed_beside_code_is_what_is_printed_alone(
        pieces in vec(select(&["{{ a }}", "{* b *}", "{{ off }}", "{{ list[2].b }}", "x\r\n", "{-raw-}\n{{ a }}{-raw-}\n",
            "{-c-}{{ a }}\n{-c-}", "{{ blocks.c }}", "{# c #}\n", "\\{{ a }}", " ]=] "][..]), 0..12),
        a in any::<String>(), number in any::<f64>(),
    ) {
        let event = json!({"a": a, "b": number, "off": false, "list": [1, {"b": "<>"}]});
        let text = pieces.concat();
        let alone = luau::resty(&text, &event).unwrap();
        let beside = luau::resty(&format!("{text}{{% local _ = a %}}"), &event).unwrap();
        let blanks = [' ', '\t', '\x0b', '\0'];
        prop_assert_eq!(beside.trim_end_matches(blanks), alone.trim_end_matches(blanks));
    }

    #[test]
    fn every_text_can_be_printed_as_it_is(text in any::<String>()) {
        let rendered = Compiled::verbatim(&text).render(&mut Rendering::of(&Map::new())).unwrap().into_owned();
        prop_assert_eq!(rendered, text);
    }
}

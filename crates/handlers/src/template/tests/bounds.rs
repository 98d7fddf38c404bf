//! Does a text exist that takes long to read or to print?

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

use crate::template::{Compiled, Dialect, OUTPUT_LIMIT, SOURCE_LIMIT, rendering::Rendering};

/// What a text of the greatest length may compute in a debug build; what takes the square of its length
/// takes minutes.
const PATIENCE: Duration = Duration::from_secs(4);

/// Texts that are nothing but one of these, again and again.
const SHORT_UNITS: [&str; 35] = [
    "{{", "{*", "{%", "{#", "{-", "{(", "{[", "{", "}", "}}", "%}", "-}", "\\", "\\{{", "{{}}",
    "{##}", "a{##}", "{{a}}", "\\{{a}}", "{*a*}", "{-a-}", "{--}", "{-raw-}", "\r", "\n\r", "{%%}",
    "{%a%}", "{{ '", "{{ [[", "{{ [=", " {%%}", "é", "{é", "{{big}}", "{{a -}}",
];
const LONG_UNITS: [&str; 8] = [
    "\\\\{{a}}",
    "{-a-}{-b-}",
    "\r\n{{a}}",
    "{% --[[ %}",
    "{{a.a.a}}",
    "{-a-}{{a}}{-a-}",
    "{{blocks.a}}",
    "{-a-}{{big}}{-a-}",
];

fn filled(unit: &str) -> String {
    unit.repeat(SOURCE_LIMIT / unit.len())
}

fn numbered(unit: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0.. {
        let next = unit(number);
        if text.len() + next.len() > SOURCE_LIMIT {
            break;
        }
        text.push_str(&next);
    }
    text
}

fn hostile() -> Vec<(String, String)> {
    let units = SHORT_UNITS.iter().chain(&LONG_UNITS);
    let mut texts: Vec<_> = units.map(|unit| ((*unit).to_owned(), filled(unit))).collect();
    texts.extend(
        [
            ("blocks of many names", numbered(|n| format!("{{-{n}-}}"))),
            ("blocks of many names, closed", numbered(|n| format!("{{-{n}-}}{{-{n}-}}"))),
            (
                "many blocks, many times",
                numbered(|n| format!("{{-{n}-}}{{-{n}-}}{{{{blocks.x{n}}}}}")),
            ),
            ("one tag of many braces", format!("{}-}}", filled("{-"))),
            ("one long path", format!("{{{{ {}a }}}}", "a.".repeat(SOURCE_LIMIT / 2 - 8))),
            ("one long number", format!("{{{{ {} }}}}", "1".repeat(SOURCE_LIMIT - 8))),
            ("one long name", format!("{{{{ {} }}}}", "a".repeat(SOURCE_LIMIT - 8))),
            ("many brackets", format!("{{{{ {} }}}}", "(".repeat(SOURCE_LIMIT - 8))),
            ("many equals signs", format!("{{{{ {} }}}}", "=".repeat(SOURCE_LIMIT - 8))),
            ("many names in code", format!("{{% {} %}}", "goto,".repeat(12_000))),
            ("many comments", format!("{{% {} %}}", "--\n".repeat(20_000))),
            ("many long comments", format!("{{% {} %}}", "--[[]]".repeat(10_000))),
        ]
        .map(|(name, text)| (name.to_owned(), text)),
    );
    texts
}

#[test]
fn no_text_takes_long_to_read_or_to_print() {
    let event = json!({"a": "x", "big": "x".repeat(OUTPUT_LIMIT)});
    let Value::Object(event) = event else { unreachable!() };
    for (name, text) in hostile() {
        for dialect in [Dialect::Resty, Dialect::Handlebars] {
            let took = check(dialect, &text, &event);
            assert!(took < PATIENCE, "{name} in {dialect:?} took {took:?}");
        }
    }
}

#[test]
fn no_handlebars_text_of_its_length_takes_long() {
    let event = Map::new();
    for (name, text) in hostile() {
        let text: String = text.chars().take((32 << 10) - 2).collect();
        let took = check(Dialect::Handlebars, &text, &event);
        assert!(took < PATIENCE, "{name} took {took:?}");
    }
}

/// How long this computed, whatever else the machine did meanwhile.
fn check(dialect: Dialect, text: &str, event: &Map<String, Value>) -> Duration {
    let before = computed();
    if let Ok(compiled) = Compiled::new(dialect, text) {
        let mut rendering = Rendering::of(event);
        if let Ok(printed) = compiled.render(&mut rendering) {
            assert!(printed.len() <= OUTPUT_LIMIT);
        }
    }
    computed().saturating_sub(before)
}

/// How long this thread has computed so far.
fn computed() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("threads have a clock").into()
}

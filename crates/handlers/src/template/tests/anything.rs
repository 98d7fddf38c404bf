//! What holds for every template and every event? No panic, no more output and no more time than may
//! be. The fuzz target in `fuzz/` asks this of what it thinks up, the tests of what it thought up
//! before.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::template::{Compiled, Dialect, OUTPUT_LIMIT, rendering::Rendering, tree::CompiledTree};

/// Longer than any template may take, even in this build.
const PATIENCE: Duration = Duration::from_secs(2);

/// Holds a template and an event to what is promised of all of them. The input is a template and,
/// after a NUL, perhaps an event as JSON.
pub(crate) fn holds(input: &str) {
    let (text, data) = input.split_once('\0').unwrap_or((input, ""));
    let event = event(data);
    for dialect in [Dialect::Resty, Dialect::Handlebars] {
        let started = Instant::now();
        one(dialect, text, &event);
        payload(dialect, text, &event);
        assert!(started.elapsed() < PATIENCE, "{dialect:?} took {:?}", started.elapsed());
    }
}

fn event(data: &str) -> Map<String, Value> {
    let sample = json!({
        "a": "<a>", "b": {"c": [1, 2.5, {"d": null}], "off": false}, "list": ["x", "y"], "source": "crud",
        "event": "consumers",
    });
    let given = serde_json::from_str(data).ok();
    match given.unwrap_or(sample) {
        Value::Object(members) => members,
        other => Map::from_iter([("a".to_owned(), other)]),
    }
}

fn one(dialect: Dialect, text: &str, event: &Map<String, Value>) {
    let compiled = match Compiled::new(dialect, text) {
        Ok(compiled) => compiled,
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1, "{error}");
            return;
        }
    };
    if let Some(chunk) = compiled.lua() {
        assert!(chunk.len() <= 64 << 10);
        let lines = |text: &str| text.matches('\n').count();
        assert!(lines(chunk) <= lines(text), "a chunk of more lines than its template");
        return;
    }
    if let Ok(printed) = compiled.render(&mut Rendering::of(event)) {
        assert!(printed.len() <= OUTPUT_LIMIT.max(text.len()));
    }
}

fn payload(dialect: Dialect, text: &str, event: &Map<String, Value>) {
    let Value::Object(payload) = json!({"a": [text, {"b": text}], "c": 1}) else { return };
    if let Ok(tree) = CompiledTree::new(dialect, &payload) {
        let printed = vec![String::new(); tree.lua().len()];
        let rendered = tree.render(&mut Rendering::of(event).with_printed(printed));
        assert!(rendered.is_err() || rendered.is_ok_and(|it| it["c"] == 1));
    }
}

//! Do the hooks of docs/templates.md send what the page says?

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::luau::{self, Null};
use crate::template::{Compiled, Dialect, rendering::Rendering, tree::CompiledTree};

const PAGE: &str = include_str!("../../../../../docs/templates.md");

/// A block of JSON on the page, and the words after `json`: `hook=slack event=admin`.
struct Block {
    labels: BTreeMap<&'static str, &'static str>,
    json: Value,
}

fn blocks() -> Vec<Block> {
    let fences = PAGE.split("\n```json ").skip(1);
    let read = fences.map(|fence| {
        let (labels, rest) = fence.split_once('\n').unwrap();
        let (json, _) = rest.split_once("\n```").unwrap();
        let labels = labels.split(' ').map(|label| label.split_once('=').unwrap()).collect();
        Block { labels, json: serde_json::from_str(json).unwrap() }
    });
    read.collect()
}

/// What templates see of an event.
fn context(event: &Value) -> Map<String, Value> {
    let mut context = event["data"].as_object().unwrap().clone();
    context.extend([
        ("source".into(), event["source"].clone()),
        ("event".into(), event["event"].clone()),
    ]);
    context
}

fn body(config: &Value, context: &Map<String, Value>) -> Value {
    let engine = config["template_engine"].as_str().unwrap_or("resty");
    let dialect = Dialect::parse(engine).unwrap();
    let run = |chunk: &str| luau::run(chunk, context, Null::Sentinel).unwrap();
    if let Some(body) = config["body"].as_str() {
        let body = Compiled::new(dialect, body).unwrap();
        let printed = body.lua().map(run).into_iter().collect();
        let text = body.render(&mut Rendering::of(context).with_printed(printed)).unwrap();
        return serde_json::from_str(&text).unwrap();
    }
    let payload = CompiledTree::new(dialect, config["payload"].as_object().unwrap()).unwrap();
    let printed = payload.lua().into_iter().map(|(_, chunk)| run(chunk)).collect();
    payload.render(&mut Rendering::of(context).with_printed(printed)).unwrap().into()
}

#[test]
fn every_hook_on_the_page_sends_what_the_page_says() {
    let blocks = blocks();
    let labelled = |label: &str, name: &str| {
        let mut found = blocks.iter().filter(|block| block.labels.get(label) == Some(&name));
        let is_it = |block: &&Block| label == "hook" || !block.labels.contains_key("hook");
        found.find(is_it).unwrap_or_else(|| panic!("the page has no {label}={name}"))
    };
    let mut hooks = Vec::new();
    for hook in blocks.iter().filter(|block| block.labels.contains_key("hook")) {
        let (name, event) = (hook.labels["hook"], &labelled("event", hook.labels["event"]).json);
        for member in ["source", "event"] {
            assert_eq!(hook.json[member], event[member], "{name} listens to something else");
        }
        let sent = body(&hook.json["config"], &context(event));
        assert_eq!(sent, labelled("expect", name).json, "{name}");
        hooks.push(name);
    }
    let promised = [
        "slack",
        "slack-blocks",
        "teams",
        "discord",
        "pagerduty",
        "opsgenie",
        "generic",
        "generic-entity",
    ];
    assert_eq!(hooks, promised);
}

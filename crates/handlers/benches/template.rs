//! How long does a template take?

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use handlers::template::{Compiled, Dialect, rendering::Rendering, tree::CompiledTree};
use serde_json::{Map, Value, json};

const SLACK: &str = "Admin account `{{ entity.username }}` {{ operation}}d; \
                     email address set to `{{ entity.email }}`";

/// An event of about 2 KB.
fn event() -> Map<String, Value> {
    let Value::Object(event) = json!({
        "source": "crud", "event": "admins", "operation": "create", "schema": "admins",
        "entity": {
            "username": "Arya Stark", "email": "arya@gameofthrones.com", "created_at": 1_627_581_878,
            "id": "0fd2319f-13ea-4582-a448-8d11893026a8", "type": 0, "note": "x".repeat(1_600),
            "tags": ["north", "faceless"],
        },
    }) else {
        unreachable!()
    };
    event
}

fn payload() -> Map<String, Value> {
    let Value::Object(payload) = json!({
        "text": SLACK, "title": "{{ schema }} {{ operation }}d", "username": "{* entity.username *}",
        "footer": "{{ source }}/{{ event }} {{ entity.id }}", "ts": "{{ entity.created_at }}",
        "color": "#36a64f", "mrkdwn": true,
    }) else {
        unreachable!()
    };
    payload
}

fn templates(criterion: &mut Criterion) {
    let event = event();
    for dialect in [Dialect::Resty, Dialect::Handlebars] {
        let name = |what: &str| format!("{} {what}", dialect.as_str());
        let text = SLACK.replace("{{ ", "{{");
        criterion.bench_function(&name("slack text, compile"), |bench| {
            bench.iter(|| Compiled::new(dialect, black_box(&text)));
        });
        let compiled = Compiled::new(dialect, &text).expect("it is a template in both dialects");
        criterion.bench_function(&name("slack text, render"), |bench| {
            bench.iter(|| compiled.render(&mut Rendering::of(black_box(&event))).map(drop));
        });
    }
    let tree = CompiledTree::new(Dialect::Resty, &payload()).expect("it is a payload of templates");
    criterion.bench_function("resty payload of five strings, render", |bench| {
        bench.iter(|| tree.render(&mut Rendering::of(black_box(&event))));
    });
    let code = "{% for _, tag in ipairs(entity.tags) do %}{{ tag }} {% end %}";
    criterion.bench_function("resty text with Lua, compile to a chunk", |bench| {
        bench.iter(|| Compiled::new(Dialect::Resty, black_box(code)));
    });
}

criterion_group!(benches, templates);
criterion_main!(benches);

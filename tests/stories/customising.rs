//! `webhook-custom`: requests as their receivers want them.

use serde_json::{Value, json};
use testkit::receiver::{Received, Receiver};

use crate::{
    signature::{self, SECRET},
    world::World,
};

/// An administrator was invited, who has an awkward name.
fn an_invitation() -> Value {
    json!({
        "source": "crud",
        "event": "admins",
        "data": {
            "operation": "create",
            "entity": {
                "username": "Arya \"no one\" Stark",
                "tags": ["north", "<b>"],
                "note": "a\r\nx-forged: b",
                "age": 18,
                "big": "\"".repeat(120_000),
            },
        },
    })
}

/// A hook for invitations with this configuration.
fn a_custom(receiver: &Receiver, config: &Value) -> Value {
    let mut all = json!({"method": "POST", "url": receiver.url(), "secret": SECRET});
    let more = config.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(more);
    json!({"source": "crud", "event": "admins", "handler": "webhook-custom", "config": all})
}

/// A request as a story shows it: its first line, the headers that hooks choose, and the body.
fn shown(request: &Received) -> String {
    let query = request.query.as_ref().map(|it| format!("?{it}")).unwrap_or_default();
    let mut lines = vec![format!("{} {}{query}", request.method, request.path)];
    let is_chosen =
        |name: &str| name == "content-type" || name.starts_with("x-") && name != "x-kong-signature";
    let headers = request.headers.iter().filter(|(name, _)| is_chosen(name));
    lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
    lines.extend([String::new(), request.text().to_owned()]);
    let shown = lines.join("\n");
    // The boundary between parts is another one each time.
    let boundary = shown.split("boundary=").nth(1).and_then(|it| it.lines().next());
    match boundary.map(str::to_owned) {
        Some(boundary) => shown.replace(&boundary, "BOUNDARY").replace("\r\n", "\n"),
        None => shown,
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Payloads, and how they are written.
fn encodings() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "a payload is JSON, and what was typed by others harms none of it",
            json!({"payload": {"text": "{* entity.username *} was {{operation}}d"}}),
            "POST /\ncontent-type: application/json\n\n\
             {\"text\":\"Arya \\\"no one\\\" Stark was created\"}",
        ),
        (
            "text at any depth is a template, and nothing else is touched",
            json!({"payload": {
                "{{operation}}": [1, 2.50, true, null, {"deep": ["{{operation}}", {}]}],
            }}),
            "POST /\ncontent-type: application/json\n\n\
             {\"{{operation}}\":[1,2.5,true,null,{\"deep\":[\"create\",{}]}]}",
        ),
        (
            "a form has a field for each element of a list, JSON for objects, and no null",
            json!({"headers": {"Content-Type": FORM}, "payload": {
                "who": "{* entity.username *}", "n": 1, "list": ["a&b", 2],
                "object": {"k": "{{operation}}"}, "none": null,
            }}),
            "POST /\ncontent-type: application/x-www-form-urlencoded\n\n\
             who=Arya+%22no+one%22+Stark&n=1&list=a%26b&list=2\
             &object=%7B%22k%22%3A%22create%22%7D",
        ),
        (
            "multipart has the same fields as parts",
            json!({"headers": {"content-type": "multipart/form-data"}, "payload": {
                "who": "{* entity.username *}", "list": ["a", "b"], "none": null,
            }}),
            "POST /\ncontent-type: multipart/form-data; boundary=BOUNDARY\n\n\
             --BOUNDARY\ncontent-disposition: form-data; name=\"who\"\n\nArya \"no one\" Stark\n\
             --BOUNDARY\ncontent-disposition: form-data; name=\"list\"\n\na\n\
             --BOUNDARY\ncontent-disposition: form-data; name=\"list\"\n\nb\n\
             --BOUNDARY--\n",
        ),
        (
            "GET has them in its query, behind the URL's own",
            json!({"method": "GET", "url": "?key=k", "payload": {
                "who": "{* entity.username *}", "list": ["a", "b"],
            }}),
            "GET /?key=k&who=Arya+%22no+one%22+Stark&list=a&list=b\n\n",
        ),
        (
            "and so has HEAD",
            json!({"method": "HEAD", "payload": {"op": "{{operation}}"}}),
            "HEAD /?op=create\n\n",
        ),
    ]
}

/// Bodies and headers, and what is a template in them.
fn templates() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "a body wins over a payload, and has the content-type that the hook gives it",
            json!({
                "headers": {"content-type": "text/plain"},
                "payload": {"a": 1}, "body": "{{operation}}d: {{ entity.username }}",
            }),
            "POST /\ncontent-type: text/plain\n\ncreated: Arya &quot;no one&quot; Stark",
        ),
        (
            "or none; whoever is not there prints nothing",
            json!({"body": "[{{ consumer.username }}]"}),
            "POST /\n\n[]",
        ),
        ("neither body nor payload", json!({"method": "DELETE"}), "DELETE /\n\n"),
        (
            "Lua: blocks, expressions and loops",
            json!({"body": "{% for i, tag in ipairs(entity.tags) do %}\n{{i}} {{tag}}\n{% end %}\n\
                            {{ entity.age >= 18 and 'of age' or 'a child' }}"}),
            "POST /\n\n1 north\n2 &lt;b&gt;\nof age",
        ),
        (
            "what is said to be no template is none",
            json!({"body": "{{operation}} {% if", "body_format": false}),
            "POST /\n\n{{operation}} {% if",
        ),
        (
            "the same of a payload",
            json!({"payload": {"a": ["{{operation}} {% if"]}, "payload_format": false}),
            "POST /\ncontent-type: application/json\n\n{\"a\":[\"{{operation}} {% if\"]}",
        ),
        (
            "headers are templates where the hook says so",
            json!({"headers": {"x-a": "{{operation}}", "x-b": "b"}, "headers_format": true}),
            "POST /\nx-a: create\nx-b: b\n\n",
        ),
        (
            "and text where it does not",
            json!({"headers": {"x-a": "{{operation}}"}}),
            "POST /\nx-a: {{operation}}\n\n",
        ),
    ]
}

#[tokio::test]
async fn a_request_is_what_the_hook_says_and_its_signatures_hold() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    for (name, mut config, expected) in encodings().into_iter().chain(templates()) {
        if let Some(query) = config.get("url").and_then(Value::as_str) {
            config["url"] = format!("{}{query}", receiver.url()).into();
        }
        let hook = world.hook(&a_custom(&receiver, &config)).await;
        world.publish(&an_invitation()).await;
        let request = receiver.next().await;
        assert_eq!(shown(&request), expected, "{name}");
        signature::assert_holds(&request);
        world.send("DELETE", &format!("/event-hooks/{hook}"), &Value::Null).await;
    }
}

#[tokio::test]
async fn a_template_that_cannot_be_is_refused_with_its_place() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    for (name, config, field, expected) in [
        (
            "an expression that is none",
            json!({"body": "Hello\n {{ 1 + }}"}),
            "body",
            "line 2, column 7: ",
        ),
        (
            "one in a payload",
            json!({"payload": {"a": [{"b": "x"}, {"b": "ok\n{{ # }}"}]}}),
            "payload",
            "a[2].b: line 2, column 4: ",
        ),
        ("Lua that does not end", json!({"body": "\n{% if operation then %}"}), "body", "line 2, "),
        (
            "a header",
            json!({"headers": {"x-a": "{{ 1 + }}"}, "headers_format": true}),
            "headers.x-a",
            "line 1, column 6: ",
        ),
        (
            "Handlebars",
            json!({"body": "a\nb {{#if c}}", "template_engine": "handlebars"}),
            "body",
            "line 2, column 12: ",
        ),
        (
            "a file to include",
            json!({"body": "a {(/etc/passwd)}"}),
            "body",
            "line 1, column 3: `{(` includes another template",
        ),
        (
            "a partial to include",
            json!({"body": "{{> a}}", "template_engine": "handlebars"}),
            "body",
            "line 1, column 1: partials",
        ),
        ("another engine", json!({"template_engine": "erb"}), "template_engine", "one of: resty"),
        ("a tunnel", json!({"method": "CONNECT"}), "method", "CONNECT cannot be used"),
    ] {
        let refused = world.post("/event-hooks", &a_custom(&receiver, &config)).await;
        assert_eq!(refused.status, 400, "{name}: {}", refused.text);
        let refused = refused.json();
        let field = field.split('.').fold(&refused["fields"]["config"], |it, part| &it[part]);
        let message = field.as_str().unwrap_or_else(|| panic!("{name}: {refused}"));
        assert!(message.contains(expected), "{name}: no '{expected}' in {message}");
        assert_eq!(refused["name"], "schema violation", "{name}");
    }
    assert_eq!(world.get("/event-hooks").await.json()["data"], json!([]), "none was made");
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_exhausted_and_says_why() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    for (name, config, expected) in [
        (
            "a header in two lines",
            json!({"headers": {"x-a": "{* entity.note *}"}, "headers_format": true}),
            "config.headers: ",
        ),
        (
            "a template that prints over 1 MiB",
            json!({"body": "{* entity.big *}".repeat(9)}),
            "config.body: ",
        ),
        (
            "a payload that is over 1 MiB once it is JSON",
            json!({"payload": {"a": ["{* entity.big *}", "{* entity.big *}".repeat(4)]}}),
            "the body has 1200",
        ),
        (
            "a query that is over 8 KiB",
            json!({"method": "GET", "payload": {"a": "{* entity.big *}"}}),
            "config.payload does not fit into the query",
        ),
        (
            "Lua that fails",
            json!({"body": "\n{% error('no luck') %}"}),
            "config.body: line 2: no luck",
        ),
        ("Lua that does not end", json!({"body": "{% while true do end %}"}), "ran longer than"),
        (
            "what the event lacks, in an expression",
            json!({"payload": {"to": ["{{ consumer.username or 'nobody' }}"]}}),
            "config.payload: to[1]: line 1: ",
        ),
    ] {
        let hook = world.hook(&a_custom(&receiver, &config)).await;
        world.publish(&an_invitation()).await;
        let delivery = world.newest_that_is(&hook, "exhausted").await;
        let error = delivery["attempts"][0]["error"].as_str().unwrap();
        assert!(error.contains(expected), "{name}: no '{expected}' in {error}");
        assert_eq!(delivery["reason"], "template-error", "{name}");
        assert_eq!(
            delivery["attempts"].as_array().unwrap().len(),
            1,
            "{name}: it would fail again"
        );
        world.send("DELETE", &format!("/event-hooks/{hook}"), &Value::Null).await;
    }
    assert!(receiver.requests().is_empty(), "{:?}", receiver.requests());
}

#[tokio::test]
async fn a_template_reads_the_event_and_nothing_else() {
    let world = World::with([("ADMIN_TOKEN", "t0ken")]).await;
    let receiver = Receiver::http().await;
    let hook = |body: &str| a_custom(&receiver, &json!({"body": body}));
    let send = async |method: &str, path: &str, body: &Value| {
        let asked = world.request(method, path).header("Kong-Admin-Token", "t0ken");
        crate::world::answer(crate::world::json_body(asked, body)).await.json()
    };
    for (name, body, expected) in [
        ("no globals", "{{ _G }}{{ _VERSION }}{{ context._G }}{{ os.getenv }}{{ io }}", Ok("")),
        ("no environment", "{{ os.getenv('EVENT_HOOKS_ADMIN_TOKEN') }}", Err("os.getenv is not")),
        ("no files", "{{ io.open('/etc/passwd') }}", Err("io.open is not")),
        ("no modules that have them", "{{ require('io') }}", Err("not allowed within sandbox")),
        ("no templates", "{% include('/etc/passwd') %}", Err("cannot include")),
        ("no configuration", "{{ secret }}{{ config.secret }}{{ context.secret }}", Ok("")),
        ("its name and source", "{{ source }}/{{ event }}", Ok("crud/admins")),
    ] {
        let id = send("POST", "/event-hooks", &hook(body)).await["id"].as_str().unwrap().to_owned();
        let tested = send("POST", &format!("/event-hooks/{id}/test"), &json!({})).await;
        match (expected, tested["error"].as_str()) {
            (Ok(printed), None) => assert_eq!(receiver.next().await.text(), printed, "{name}"),
            (Err(part), Some(error)) => assert!(error.contains(part), "{name}: {error}"),
            _ => panic!("{name}: {tested}"),
        }
    }
}

#[tokio::test]
async fn handlebars_is_spoken_on_request_and_only_then() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let body = "{{entity.username}} {* operation *}";
    let made =
        world.post("/event-hooks", &a_custom(&receiver, &json!({"body": body}))).await.json();
    let path = format!("/event-hooks/{}", made["id"].as_str().unwrap());
    assert_eq!(made["config"].get("template_engine"), None, "an extension");

    let resty = "Arya &quot;no one&quot; Stark create";
    let handlebars = "Arya &quot;no one&quot; Stark {* operation *}";
    for (engine, shown, expected) in [
        (json!("handlebars"), Some(json!("handlebars")), handlebars),
        (json!("resty"), Some(json!("resty")), resty),
        (json!(null), None, resty),
    ] {
        let change = json!({"config": {"template_engine": engine}});
        let changed = world.send("PATCH", &path, &change).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let changed = changed.json();
        assert_eq!(changed["config"].get("template_engine"), shown.as_ref());
        assert_eq!(changed["config"]["body"], body, "the rest is as it was");
        world.publish(&an_invitation()).await;
        assert_eq!(receiver.next().await.text(), expected);
    }
}

#[tokio::test]
async fn a_changed_template_is_in_force_for_the_next_event() {
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let hook = world.hook(&a_custom(&receiver, &json!({"body": "0 {{operation}}"}))).await;
    for number in 0..20 {
        let body = format!("{number} {{{{operation}}}}");
        let change = json!({"config": {"body": body}});
        world.send("PATCH", &format!("/event-hooks/{hook}"), &change).await;
        world.publish(&an_invitation()).await;
        assert_eq!(receiver.next().await.text(), format!("{number} create"));
    }
}

//! Does `GET /openapi.json` say what is served, and is what it says taken?

use std::collections::BTreeSet;

use axum::body::Body;
use futures_util::stream;
use http::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use crate::doors::{Doors, JSON, id, request, webhook};

/// Where events are read.
const OF_EVENTS: [&str; 2] = ["/events", "/events/explain"];

/// Every operation: its method, its path, and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    operations
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_served() {
    let doors = Doors::open();
    let document = doors.get("/openapi.json").await.expect(200);
    let described: BTreeSet<_> =
        operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    let served = doors.served();
    let served = served.iter().flat_map(|route| {
        let methods = route.methods.iter().filter(|it| !["HEAD", "OPTIONS"].contains(it));
        methods.map(|method| ((*method).to_owned(), route.path.to_owned()))
    });
    assert_eq!(described, served.collect());
}

#[tokio::test]
async fn everything_is_described_by_whoever_is_asked() {
    let guarded = Doors::guarded("first");
    let document = guarded.get("/openapi.json").await;
    assert_eq!(document.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(document.json()["openapi"], "3.1.0");
    assert_eq!(document.json()["info"]["version"], env!("CARGO_PKG_VERSION"));
    let alone = guarded.admin_alone().get("/team/openapi.json/").await;
    assert_eq!(alone.text, document.text);
}

#[tokio::test]
async fn an_operation_has_one_name_and_says_all_of_its_path() {
    let document = Doors::open().get("/openapi.json").await.expect(200);
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        if let Some(name) = operation["operationId"].as_str() {
            assert!(names.insert(name.to_owned()), "{name} twice");
        }
        let none = Vec::new();
        let said = operation["parameters"].as_array().unwrap_or(&none).iter();
        let said = said.filter(|it| it["in"] == "path").map(|it| it["name"].as_str().unwrap());
        let parts = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(said.collect::<Vec<_>>(), parts.collect::<Vec<_>>(), "{method} {path}");
    }
    assert!(names.len() > 25, "{names:?}");
}

/// A body in the way that a content type has it.
fn written(content_type: &str, example: &Value) -> (String, String) {
    let fields = || {
        let members = example.as_object().unwrap();
        members.iter().flat_map(|(name, value)| match value {
            Value::Array(items) => items.iter().map(|it| (name.clone(), text(it))).collect(),
            one => vec![(name.clone(), text(one))],
        })
    };
    match content_type {
        "multipart/form-data" => {
            let part = |(name, value)| {
                let head = format!("Content-Disposition: form-data; name=\"{name}\"");
                format!("--limit\r\n{head}\r\n\r\n{value}\r\n")
            };
            let parts: String = fields().map(part).collect();
            (format!("{content_type}; boundary=limit"), parts + "--limit--\r\n")
        }
        "application/x-www-form-urlencoded" => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            (content_type.to_owned(), form.extend_pairs(fields()).finish())
        }
        _ => (content_type.to_owned(), text(example)),
    }
}

/// Text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[tokio::test]
async fn every_example_is_taken_in_every_form() {
    let document = Doors::open().get("/openapi.json").await.expect(200);
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        let content = operation["requestBody"]["content"].as_object().cloned();
        for (content_type, media) in content.unwrap_or_else(Map::new) {
            let doors = Doors::open();
            let hook = id(&doors.hook(&webhook()).await);
            let path = path.replace("{id}", &hook).replace("{source}", "a").replace("{event}", "b");
            let (content_type, body) = written(&content_type, &media["example"]);
            let method: Method = method.parse().unwrap();
            let headers = [("content-type", &*content_type)];
            let answer = doors.send(request(method.clone(), &path, &headers, body.clone())).await;
            let said = format!("{method} {path} {content_type} {body}: {}", answer.text);
            assert!(answer.status.is_success(), "{said}");
            assert!(operation["responses"].get(answer.status.as_str()).is_some(), "{said}");
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried}");
}

#[tokio::test]
async fn what_is_refused_is_described_too() {
    let doors = Doors::guarded("first");
    let document = doors.get("/openapi.json").await.expect(200);
    let hook = format!("/event-hooks/{}", Uuid::nil());
    let token = ("kong-admin-token", "first");
    for (name, method, path, headers, described, status) in [
        ("no token", Method::GET, hook.clone(), vec![], "/event-hooks/{id}", "401"),
        ("no such hook", Method::GET, hook, vec![token], "/event-hooks/{id}", "404"),
        ("a body of no kind", Method::POST, "/tokens".into(), vec![token], "/tokens", "415"),
        ("no events", Method::POST, "/events".into(), vec![token], "/events", "415"),
    ] {
        let answer = doors.send(request(method.clone(), &path, &headers, "x".to_owned())).await;
        assert_eq!(answer.status.as_str(), status, "{name}");
        let method = method.as_str().to_lowercase();
        let said = &document["paths"][described][&method]["responses"][status];
        let response = meant(&document, said);
        assert_eq!(response.get("content").is_some(), !answer.text.is_empty(), "{name}");
    }
}

/// What stands where a reference leads.
fn meant<'a>(document: &'a Value, said: &'a Value) -> &'a Value {
    match said["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => said,
    }
}

/// Has an answer all members that one of these schemas requires?
fn has_members(document: &Value, schema: &Value, answer: &Value) -> bool {
    let schema = meant(document, schema);
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().any(|it| has_members(document, it, answer));
    }
    let required = schema["required"].as_array().unwrap();
    required.iter().all(|it| answer.get(it.as_str().unwrap()).is_some())
}

#[tokio::test]
async fn each_way_to_refuse_a_request_for_events_is_described() {
    let doors = Doors::open();
    let document = doors.get("/openapi.json").await.expect(200);
    let whole = || Body::from(r#"{"source": "crud"}"#);
    let torn = || {
        let error = std::io::Error::other("reset");
        Body::from_stream(stream::iter([Ok("{"), Err(error)]))
    };
    let too_many = "?a".to_owned() + &"&a".repeat(1_000);
    for described in OF_EVENTS {
        for (name, path, headers, body) in [
            ("an event that is none", described.to_owned(), vec![JSON], whole()),
            ("two content types", described.to_owned(), vec![JSON, JSON], whole()),
            ("too many arguments", format!("{described}{too_many}"), vec![JSON], whole()),
            ("a path that is no text", format!("/%ff{described}"), vec![JSON], whole()),
            ("a body that breaks off", described.to_owned(), vec![JSON], torn()),
        ] {
            let answer = doors.send(request(Method::POST, &path, &headers, body)).await;
            let said = format!("{described}, {name}: {}", answer.text);
            assert_eq!(answer.status, 400, "{said}");
            let content_type = answer.header("content-type").unwrap();
            let media_type = content_type.split(';').next().unwrap();
            let response = &document["paths"][described]["post"]["responses"]["400"];
            let media = meant(&document, response)["content"].get(media_type);
            let schema = &media.unwrap_or_else(|| panic!("{said}"))["schema"];
            if media_type == "application/json" {
                assert!(has_members(&document, schema, &answer.json()), "{said}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_may_be_the_data_of_an_event_or_missing() {
    let doors = Doors::open();
    let document = doors.get("/openapi.json").await.expect(200);
    let attributes = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "crud"),
        ("ce-type", "consumers"),
    ];
    for path in OF_EVENTS {
        for (name, content_type, body) in [
            ("data", Some("application/json"), r#"{"operation": "create"}"#),
            ("data of a type of its own", Some("application/vnd.example+json"), "{}"),
            ("data of no type", None, "{}"),
            ("no data", None, ""),
        ] {
            let content_type = content_type.map(|it| ("content-type", it));
            let headers: Vec<_> = attributes.into_iter().chain(content_type).collect();
            let answer = doors.send(request(Method::POST, path, &headers, body)).await;
            assert!(answer.status.is_success(), "{path}, {name}: {}", answer.text);
        }
        let operation = &document["paths"][path]["post"];
        assert_eq!(operation["requestBody"]["required"], false, "{path}");
        let kinds = &operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"];
        let mut kinds = kinds.as_array().unwrap().iter();
        let asks_for = |it: &Value, word: &str| it.get(word).is_some();
        let is_any_object = |it: &Value| {
            it["type"] == "object" && !asks_for(it, "required") && !asks_for(it, "properties")
        };
        assert!(kinds.any(is_any_object), "{path}");
        assert!(operation["description"].as_str().unwrap().contains("`+json`"), "{path}");
    }
}

#[tokio::test]
async fn as_many_events_are_described_as_are_read() {
    let doors = Doors::open();
    let document = doors.get("/openapi.json").await.expect(200);
    for (path, most) in OF_EVENTS.into_iter().zip([1_000, 10]) {
        let content = &document["paths"][path]["post"]["requestBody"]["content"];
        let lists = [
            &content["application/json"]["schema"]["anyOf"][1],
            &content["application/cloudevents-batch+json"]["schema"],
        ];
        for list in lists {
            assert_eq!(list["maxItems"], most, "{path}");
        }
        let event = json!({"source": "crud", "event": "consumers"});
        for (count, is_taken) in [(most, true), (most + 1, false)] {
            let body = Value::from(vec![event.clone(); count]);
            let answer = doors.json(Method::POST, path, &body).await;
            assert_eq!(answer.status.is_success(), is_taken, "{path}, {count}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn who_may_ask_for_explanations_instead_is_said() {
    let doors = Doors::guarded("first");
    let document = doors.get("/openapi.json").await.expect(200);
    let first = ("kong-admin-token", "first");
    let event = r#"{"source": "crud", "event": "consumers"}"#;
    let description = document["paths"]["/events"]["post"]["description"].as_str().unwrap();
    let exception = description.lines().find(|it| it.contains("`explain=true`")).unwrap();
    for role in ["admin", "read-only", "emitter"] {
        let wanted = json!({"name": role, "role": role}).to_string();
        let made = doors.send(request(Method::POST, "/tokens", &[first, JSON], wanted)).await;
        let token = made.expect(201)["token"].as_str().unwrap().to_owned();
        let headers = [("kong-admin-token", &*token), JSON];
        let asked = request(Method::POST, "/events?explain=true", &headers, event);
        let is_let_in = doors.send(asked).await.status == 200;
        assert_eq!(exception.contains(&format!("`{role}`")), is_let_in, "{role}: {exception}");
    }
}

//! Does `GET /openapi.json` say what is served, and is what it says taken?

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Map, Value};
use url::form_urlencoded;
use uuid::Uuid;

use crate::doors::{Doors, id, request, webhook};

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
        let said = document["paths"][described][&method]["responses"].get(status);
        let name_of_it = said.and_then(|it| it["$ref"].as_str()).unwrap();
        let response = document.pointer(name_of_it.trim_start_matches('#')).unwrap();
        assert_eq!(response.get("content").is_some(), !answer.text.is_empty(), "{name}");
    }
}

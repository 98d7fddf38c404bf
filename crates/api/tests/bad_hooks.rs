//! Does a hook that cannot be get a clear answer, whatever is wrong with it?

use axum::body::Body;
use hooks::violation::Violations;
use http::Method;
use serde_json::{Value, json};

use crate::doors::{Doors, FORM, JSON, request, webhook};

/// The sentence of a refused hook.
async fn refused(doors: &Doors, hook: &Value) -> String {
    let answer = doors.json(Method::POST, "/event-hooks", hook).await;
    assert_eq!(answer.status, 400, "{hook}: {}", answer.text);
    answer.json()["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named() {
    let doors = Doors::open();
    for (field, value, message) in [
        ("id", json!(1), "expected a string"),
        ("id", json!("1"), "expected a valid UUID"),
        ("id", json!("{5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10}"), "expected a valid UUID"),
        ("created_at", json!("now"), "expected an integer"),
        ("created_at", json!(-1), "value should be between 0 and 253402300799"),
        ("updated_at", json!(true), "expected an integer"),
        ("source", json!(["crud"]), "expected a string"),
        ("source", json!(""), "length must be at least 1"),
        ("source", json!("x".repeat(256)), "length must be at most 255"),
        ("event", json!({}), "expected a string"),
        ("event", json!("a\u{0}b"), "must not contain control characters"),
        ("handler", json!(5), "expected a string"),
        ("handler", json!("Webhook"), "unknown type: Webhook"),
        ("on_change", json!("true"), "expected a boolean"),
        ("on_change", json!(1), "expected a boolean"),
        ("snooze", json!("60"), "expected an integer"),
        ("snooze", json!(2.5), "expected an integer"),
        ("snooze", json!(-1), "value should be between 0 and 4294967295"),
        ("snooze", json!(1_u64 << 40), "value should be between 0 and 4294967295"),
        ("snooze", json!(u64::MAX), "value should be between 0 and 4294967295"),
        ("snooze", json!(1e300), "value should be between 0 and 4294967295"),
        ("enabled", json!("no"), "expected a boolean"),
        ("group_by", json!("ip"), "expected an array"),
        ("group_by", json!([]), "length must be at least 1"),
        ("group_by", json!(vec!["x"; 17]), "length must be at most 16"),
        ("config", json!([]), "expected a record"),
        ("config", json!("x"), "expected a record"),
        ("filter", json!([]), "expected an object in the shape of the events"),
        ("filter", json!("x"), "not JSON: expected value at line 1 column 1"),
        (
            "filter",
            json!({"a": {"b": 1}}),
            "a.b: expected a list of what is wanted, as [\"a\", \"b\"], or an object",
        ),
        ("filters", json!({}), "unknown field"),
    ] {
        let mut hook = webhook();
        hook[field] = value;
        let expected = format!("schema violation ({field}: {message})");
        assert_eq!(refused(&doors, &hook).await, expected, "{}", hook[field]);
    }
}

#[tokio::test]
async fn a_configuration_of_the_wrong_type_is_named() {
    let doors = Doors::open();
    let many: serde_json::Map<_, _> = (0..101).map(|it| (format!("h{it}"), json!("x"))).collect();
    let control = "config.url: url must not contain line breaks or other control characters";
    for (field, value, message) in [
        ("url", json!(5), "config.url: expected a string"),
        ("url", json!(""), "config.url: length must be at least 1"),
        ("url", json!("https:///x"), "config.url: missing host in url"),
        ("url", json!("/x"), "config.url: missing scheme in url"),
        ("url", json!("https://a.example/\r\nb"), control),
        ("url", json!(" https://a.example"), "config.url: url must not begin or end with a space"),
        (
            "url",
            json!("ftp://example.com"),
            "config.url: scheme 'ftp' is not supported, use http or https",
        ),
        ("headers", json!("a: b"), "config.headers: expected a map"),
        ("headers", json!(["a"]), "config.headers: expected a map"),
        ("headers", many.into(), "config.headers: length must be at most 100"),
        ("headers", json!({"": "x"}), "config.headers: no header name provided"),
        ("headers", json!({"a": 1}), "config.headers.a: expected a string"),
        (
            "headers",
            json!({"a": "x".repeat(8_193)}),
            "config.headers.a: length must be at most 8192",
        ),
        (
            "headers",
            json!({"a\r\nb": "1"}),
            "config.headers: bad header name 'a\r\nb', allowed characters are A-Z, a-z, 0-9, '_', and '-'",
        ),
        ("secret", json!(5), "config.secret: expected a string"),
        ("secret", json!(""), "config.secret: length must be at least 1"),
        ("secret", json!("x".repeat(1_025)), "config.secret: length must be at most 1024"),
        ("ssl_verify", json!("true"), "config.ssl_verify: expected a boolean"),
        ("method", json!("POST"), "config.method: unknown field"),
    ] {
        let mut hook = webhook();
        hook["config"][field] = value;
        assert_eq!(refused(&doors, &hook).await, format!("schema violation ({message})"));
    }
}

#[tokio::test]
async fn what_its_handler_refuses_is_named_too() {
    let doors = Doors::open();
    let ours = "header 'Host' cannot be set: it follows from the url";
    doors.handlers.refuse(Violations::one("config.headers", ours));
    let mut hook = webhook();
    hook["config"]["headers"] = json!({"Host": "x"});
    let expected = format!("schema violation (config.headers: {ours})");
    assert_eq!(refused(&doors, &hook).await, expected);
}

#[tokio::test]
async fn many_members_and_names_of_many_dots_are_only_unknown() {
    let doors = Doors::open();
    let mut hook = webhook();
    for it in 0..1_001 {
        hook[format!("x{it}")] = json!(it);
    }
    let said = refused(&doors, &hook).await;
    assert!(said.starts_with("1001 schema violations (x0: unknown field; x1: unknown field; "));

    let dots = "a.".repeat(400_000) + "a";
    let mut hook = webhook();
    hook[&dots] = json!(1);
    let answer = doors.json(Method::POST, "/event-hooks", &hook).await.expect(400);
    assert_eq!(answer["fields"], json!({dots: "unknown field"}));
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let hook = json!({
        "handler": "webhook-custom",
        "snooze": "x",
        "foo": 1,
        "config": {"method": "get it", "payload": [], "body_format": "no", "bar": 1},
    });
    assert_eq!(
        refused(&Doors::open(), &hook).await,
        "8 schema violations (config.bar: unknown field; config.body_format: expected a boolean; \
         config.method: invalid value: get it; config.payload: expected a map; \
         config.url: required field missing; foo: unknown field; snooze: expected an integer; \
         source: required field missing)"
    );
}

#[tokio::test]
async fn what_the_other_handlers_are_told_is_looked_at_too() {
    let doors = Doors::open();
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    for (handler, config, message) in [
        ("lambda", json!({}), "config.functions: required field missing"),
        ("lambda", json!({"functions": "return 1"}), "config.functions: expected an array"),
        ("lambda", json!({"functions": []}), "config.functions: length must be at least 1"),
        ("lambda", json!({"functions": ["a", 1]}), "config.functions.2: expected a string"),
        (
            "lambda",
            json!({"functions": ["x".repeat(65_537)]}),
            "config.functions.1: length must be at most 65536",
        ),
        (
            "lambda",
            json!({"functions": vec!["x".repeat(65_536); 5]}),
            "config: length must be at most 307200 in all",
        ),
        (
            "webhook-custom",
            json!({"url": "http://a", "method": "G\nT"}),
            "config.method: invalid value: G\nT",
        ),
        (
            "webhook-custom",
            json!({"url": "http://a", "method": "A".repeat(33)}),
            "config.method: length must be at most 32",
        ),
        (
            "webhook-custom",
            json!({"url": "http://a", "method": "GET", "body": {}}),
            "config.body: expected a string",
        ),
        (
            "webhook-custom",
            json!({"url": "http://a", "method": "GET", "body": "x".repeat(262_145)}),
            "config.body: length must be at most 262144",
        ),
        (
            "webhook-custom",
            json!({"url": "http://a", "method": "GET", "payload": {"x": "x".repeat(262_144)}}),
            "config.payload: length must be at most 262144",
        ),
        (
            "webhook-custom",
            json!({"url": "http://a", "method": "GET", "payload": {"x": deep}}),
            "config.payload: nested deeper than 100 levels",
        ),
        ("log", json!({"url": "http://a"}), "config.url: unknown field"),
    ] {
        let hook = json!({"source": "crud", "handler": handler, "config": config});
        assert_eq!(refused(&doors, &hook).await, format!("schema violation ({message})"));
    }
}

#[tokio::test]
async fn no_snooze_is_a_snooze_too() {
    let hook = json!({"source": "crud", "handler": "log", "snooze": 0});
    assert_eq!(Doors::open().hook(&hook).await["snooze"], 0);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused() {
    let doors = Doors::open();
    let deep = "[".repeat(1_000) + &"]".repeat(1_000);
    let deep_form = format!("{}=1", vec!["a"; 1_000].join("."));
    let deep = format!("{{\"source\":\"crud\",\"handler\":\"log\",\"x\":{deep}}}");
    let multipart = ("content-type", "multipart/form-data; boundary=b");
    let boundless = ("content-type", "multipart/form-data");
    let nameless = "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n";
    for (name, kind, body, status) in [
        ("no JSON", JSON, b"{".to_vec(), 400),
        ("nothing", JSON, Vec::new(), 400),
        ("an array", JSON, b"[]".to_vec(), 400),
        ("a text", JSON, b"\"a\"".to_vec(), 400),
        ("two objects", JSON, b"{} {}".to_vec(), 400),
        ("a broken escape", JSON, br#"{"a":"\ud800"}"#.to_vec(), 400),
        ("no text in JSON", JSON, b"{\"a\":\"\xff\"}".to_vec(), 400),
        ("deep JSON", JSON, deep.into_bytes(), 400),
        ("no text in a form", FORM, b"a=%ff".to_vec(), 400),
        ("a deep form", FORM, deep_form.into_bytes(), 400),
        ("no boundary", boundless, b"x".to_vec(), 400),
        ("no parts", multipart, b"x".to_vec(), 400),
        (
            "an open part",
            multipart,
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx".to_vec(),
            400,
        ),
        ("a part without a name", multipart, nameless.into(), 400),
        ("no content type", ("x-other", "x"), b"{}".to_vec(), 415),
        ("too much", FORM, vec![b'a'; 1024 * 1024 + 1], 413),
    ] {
        let posted = request(Method::POST, "/event-hooks", &[kind], body);
        let answer = doors.send(posted).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert_eq!(answer.text.is_empty(), status == 415, "{name}");
    }
}

#[tokio::test]
async fn an_empty_form_says_nothing() {
    let doors = Doors::open();
    let multipart = ("content-type", "multipart/form-data");
    for headers in [&[][..], &[FORM], &[multipart]] {
        let posted = request(Method::POST, "/event-hooks", headers, Body::empty());
        let fields = doors.send(posted).await.expect(400)["fields"].clone();
        assert_eq!(fields, json!({"handler": "required field missing"}));
    }
}

#[tokio::test]
async fn an_id_is_a_uuid_everywhere() {
    let doors = Doors::open();
    for id in [
        "x",
        "5d2bb5c10a0a4d7ba2c23c1d2a1f7b10",
        "..",
        "%20",
        "5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b1",
    ] {
        for (method, rest) in [
            (Method::GET, ""),
            (Method::PATCH, ""),
            (Method::DELETE, ""),
            (Method::GET, "/ping"),
            (Method::POST, "/test"),
            (Method::GET, "/deliveries"),
        ] {
            let answer = doors.ask(method.clone(), &format!("/event-hooks/{id}{rest}")).await;
            assert_eq!(answer.expect(400)["name"], "invalid primary key", "{method} {id}{rest}");
        }
    }
}

//! Custom webhooks, as a receiver sees them.

use std::time::Duration;

use handlers::{
    AllHandlers,
    signature::{verify_kong, verify_standard},
};
use hooks::{
    delivery::{Delivery, ExhaustedReason, Failure, FailureClass, HandlerResult, Outcome, Report},
    event::Event,
    handler::{Dialect, Handler, Headers, WebhookCustom},
    hook::{Draft, EventHook},
    ports::{CheckError, Handlers, Run},
    secret::{Secret, Signing},
};
use serde_json::{Map, Value, json};
use testkit::{
    builders::{START, data, draft, event, hook},
    receiver::{Received, Receiver},
};

use crate::world::{LOOPBACK, egress, handlers, target};

fn custom(url: &str) -> WebhookCustom {
    WebhookCustom {
        url: target(url),
        method: "POST".to_owned(),
        headers: Headers::new(),
        headers_format: false,
        payload: None,
        payload_format: true,
        body: None,
        body_format: true,
        signing: Signing::default(),
        ssl_verify: false,
        template_engine: None,
    }
}

fn headers(of: &[(&str, &str)]) -> Headers {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is called with literals")]
fn payload(value: Value) -> Option<Map<String, Value>> {
    value.as_object().cloned()
}

fn hook_of(custom: WebhookCustom) -> EventHook {
    let handler = Handler::WebhookCustom(Box::new(custom));
    EventHook { draft: Draft { handler, ..draft() }, ..hook() }
}

async fn run_for(handlers: &AllHandlers, hook: &EventHook, event: &Event) -> Report {
    let delivery = Delivery::first(hook, event.clone()).id();
    let run = Run { hook, event, name: Some(&event.event), delivery, at: START };
    handlers.run(run).await
}

/// Sends it for [`event`] and answers what the receiver got.
async fn sent(custom: impl FnOnce(&str) -> WebhookCustom) -> Received {
    let receiver = Receiver::http().await;
    let hook = hook_of(custom(&receiver.url()));
    let report = run_for(&handlers(egress(&LOOPBACK)), &hook, &event()).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report:?}");
    receiver.next().await
}

/// Why nothing is sent for an event with this data.
async fn broken(handlers: &AllHandlers, custom: WebhookCustom, of: Value) -> String {
    let event = Event { data: data(of), ..event() };
    let report = run_for(handlers, &hook_of(custom), &event).await;
    assert_eq!(report.result, HandlerResult::Nothing);
    let Outcome::Failed(Failure { class, reason }) = report.outcome else { panic!("it is sent") };
    assert_eq!(class, FailureClass::Permanent(ExhaustedReason::TemplateError), "{reason}");
    reason
}

#[tokio::test]
async fn the_slack_example_of_the_reference_is_sent_word_for_word() {
    let request = sent(|url| WebhookCustom {
        headers: headers(&[("content-type", "application/json")]),
        payload: payload(json!({
            "text": "Admin account `{{ entity.username }}` {{ operation}}d; email address set to \
                     `{{ entity.email }}`",
        })),
        ..custom(url)
    })
    .await;
    assert_eq!(
        request.text(),
        r#"{"text":"Admin account `alice` created; email address set to ``"}"#
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_request_is_made_to_order() {
    let json = Some("application/json");
    let form = Some("application/x-www-form-urlencoded");
    for (name, method, content_type, payload_of, body, expected_body, expected_query) in [
        ("nothing at all", "POST", None, None, None, "", "q=1"),
        (
            "JSON where nothing else is said",
            "PUT",
            None,
            Some(
                json!({"u": "{{ entity.username }}", "n": 1, "deep": [{"t": "{{ event }}"}, null]}),
            ),
            None,
            r#"{"u":"alice","n":1,"deep":[{"t":"consumers"},null]}"#,
            "q=1",
        ),
        (
            "a form",
            "POST",
            form,
            Some(json!({"u": "{{ entity.username }}&", "list": ["{{ event }}", 2]})),
            None,
            "u=alice%26&list=consumers&list=2",
            "q=1",
        ),
        (
            "a body wins",
            "PATCH",
            json,
            Some(json!({"u": "{{ entity.username }}"})),
            Some("{{ source }}/{{ event }}: {* entity.username *}"),
            "crud/consumers: alice",
            "q=1",
        ),
        (
            "a payload of GET stands in the query",
            "GET",
            json,
            Some(json!({"u": "{{ entity.username }}", "a b": [1, 2], "none": null})),
            None,
            "",
            "q=1&u=alice&a+b=1&a+b=2",
        ),
        ("and of HEAD", "HEAD", None, Some(json!({"u": "x"})), None, "", "q=1&u=x"),
        ("an empty one adds nothing", "GET", None, Some(json!({})), None, "", "q=1"),
        ("a body of GET is a body", "GET", None, None, Some("b"), "b", "q=1"),
        ("DELETE has a body", "DELETE", None, Some(json!({"a": 1})), None, r#"{"a":1}"#, "q=1"),
        (
            "Lua in a template",
            "POST",
            None,
            None,
            Some(
                "{% for key in pairs(entity) do %}{% if key == 'username' then %}{{ key:upper() }}{% end %}{% end %}",
            ),
            "USERNAME",
            "q=1",
        ),
    ] {
        let request = sent(|url| WebhookCustom {
            method: method.to_owned(),
            headers: content_type.map(|it| headers(&[("Content-Type", it)])).unwrap_or_default(),
            payload: payload_of.clone().and_then(payload),
            body: body.map(str::to_owned),
            ..custom(&format!("{url}?q=1"))
        })
        .await;
        assert_eq!(request.method, method, "{name}");
        assert_eq!(request.text(), expected_body, "{name}");
        assert_eq!(request.query.as_deref(), Some(expected_query), "{name}");
    }
}

#[tokio::test]
async fn a_format_that_is_off_sends_what_is_stored() {
    let text = "{{ entity.username }} {% nonsense";
    let request = sent(|url| WebhookCustom {
        payload: payload(json!({"a": [text]})),
        payload_format: false,
        headers: headers(&[("x-a", text)]),
        ..custom(url)
    })
    .await;
    assert_eq!(request.text(), json!({"a": [text]}).to_string());
    assert_eq!(request.header("x-a"), Some(text), "headers are no templates by default");

    let request = sent(|url| WebhookCustom {
        body: Some(text.to_owned()),
        body_format: false,
        ..custom(url)
    })
    .await;
    assert_eq!(request.text(), text);
    assert_eq!(request.header("content-type"), None, "a body without a type has none");
}

#[tokio::test]
async fn headers_are_templates_on_request() {
    let request = sent(|url| WebhookCustom {
        headers: headers(&[
            ("x-user", "{{ entity.username }}"),
            ("Content-Type", "application/{{ 'x-www-' .. 'form-urlencoded' }}"),
            ("user-agent", "mine"),
        ]),
        headers_format: true,
        payload: payload(json!({"a": 1})),
        ..custom(url)
    })
    .await;
    assert_eq!(request.header("x-user"), Some("alice"));
    assert_eq!(request.header("user-agent"), Some("mine"));
    assert_eq!(request.text(), "a=1", "the encoding follows what the template says");
}

#[tokio::test]
async fn handlebars_is_spoken_on_request_only() {
    let body = "{{#if entity}}{{entity.username}} {{{json operation}}}{{/if}}";
    let request = sent(|url| WebhookCustom {
        body: Some(body.to_owned()),
        template_engine: Some(Dialect::Handlebars),
        ..custom(url)
    })
    .await;
    assert_eq!(request.text(), r#"alice "create""#);
}

#[tokio::test]
async fn what_is_signed_is_what_is_sent() {
    const SECRET: &str = "correct horse";
    let payload_of = json!({"u": "{{ entity.username }}", "q": "a\"b"});
    for (method, content_type) in [
        ("POST", "application/json"),
        ("POST", "application/x-www-form-urlencoded"),
        ("POST", "multipart/form-data"),
        ("GET", "application/json"),
    ] {
        let request = sent(|url| WebhookCustom {
            method: method.to_owned(),
            headers: headers(&[("content-type", content_type)]),
            payload: payload(payload_of.clone()),
            signing: Signing::with(Some(Secret::new(SECRET))),
            ..custom(url)
        })
        .await;
        let header = |name| request.header(name).unwrap();
        let (secret, body) = (Secret::new(SECRET), &request.body[..]);
        let name = format!("{method} {content_type}");
        assert_eq!(verify_kong(&secret, header("x-kong-signature"), body), Ok(()), "{name}");
        let (id, at, signature) =
            (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
        let verified =
            verify_standard(&secret, id, at, signature, body, START, Duration::from_secs(1));
        assert_eq!(verified, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn multipart_is_read_back_by_an_independent_parser() {
    let request = sent(|url| WebhookCustom {
        headers: headers(&[("Content-Type", "Multipart/Form-Data")]),
        payload: payload(json!({"text": "{{ a }}\r\n--x", "n": 1, "o": {"k": "v"}})),
        payload_format: false,
        ..custom(url)
    })
    .await;
    let boundary = multer::parse_boundary(request.header("content-type").unwrap()).unwrap();
    let body = request.body.clone();
    let stream = futures_util::stream::once(async move { Ok::<_, std::io::Error>(body) });
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut read = Vec::new();
    while let Some(part) = parts.next_field().await.unwrap() {
        let name = part.name().unwrap().to_owned();
        read.push((name, part.text().await.unwrap()));
    }
    let expected = [("text", "{{ a }}\r\n--x"), ("n", "1"), ("o", r#"{"k":"v"}"#)];
    assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_template_that_does_not_work_with_an_event_ends_the_delivery() {
    let handlers = handlers(egress(&LOOPBACK));
    let receiver = Receiver::http().await;
    let url = receiver.url();
    let with_body = |body: &str| WebhookCustom { body: Some(body.into()), ..custom(&url) };
    let with_header = |value: &str| WebhookCustom {
        headers: headers(&[("x-a", value)]),
        headers_format: true,
        ..custom(&url)
    };
    let in_query = |value: &str| WebhookCustom {
        method: "GET".to_owned(),
        payload: payload(json!({"a": value})),
        ..custom(&url)
    };
    let in_payload = |value: &str| WebhookCustom {
        payload: payload(json!({"b": [{"c": value}]})),
        ..custom(&url)
    };
    let long = "\u{1}".repeat(200 << 10);
    for (name, custom, data, expected) in [
        (
            "a header with a line break",
            with_header("{* a *}"),
            json!({"a": "x\r\ny: z"}),
            "config.headers: bad value of header 'x-a', line breaks and other control characters \
             are not allowed",
        ),
        (
            "a body that is too long once it is JSON",
            in_payload("{* a *}"),
            json!({"a": long}),
            "the body has 1228816 bytes, at most 1048576 are sent",
        ),
        (
            "a query that is too long",
            in_query("{* a *}"),
            json!({"a": "x".repeat(9_000)}),
            "config.payload does not fit into the query: url is longer than 8192 bytes",
        ),
        (
            "an error of Lua",
            with_body("a\n{% error('no way', 0) %}"),
            json!({}),
            "config.body: no way",
        ),
        (
            "an error of Lua with its line",
            in_payload("a\n{{ nothing() }}"),
            json!({}),
            "config.payload: b[1].c: line 2: attempt to call a nil value",
        ),
        (
            "a loop without end",
            with_header("{% while true do end %}"),
            json!({}),
            "config.headers.x-a: line 1: ran longer than 100 ms",
        ),
    ] {
        assert_eq!(broken(&handlers, custom, data).await, expected, "{name}");
    }
    assert_eq!(receiver.requests().len(), 0, "nothing was sent");
    let well = run_for(&handlers, &hook_of(with_body("{{ 1 + 1 }}")), &event()).await;
    assert_eq!(well.outcome, Outcome::Succeeded, "and the next one is not disturbed");
}

#[tokio::test]
async fn a_template_that_no_longer_compiles_ends_the_delivery() {
    let handlers = handlers(egress(&LOOPBACK));
    let body = Some("{(a)}".to_owned());
    let reason =
        broken(&handlers, WebhookCustom { body, ..custom("http://127.0.0.1:9/") }, json!({}));
    let reason = reason.await;
    assert!(reason.starts_with("the templates no longer compile: config.body: line 1"), "{reason}");
}

#[tokio::test]
async fn a_change_is_in_force_with_the_next_event() {
    let receiver = Receiver::http().await;
    let handlers = handlers(egress(&LOOPBACK));
    let with = |body: &str| {
        hook_of(WebhookCustom { body: Some(body.to_owned()), ..custom(&receiver.url()) })
    };
    let first = with("one {{ event }}");
    let second = EventHook { version: first.version + 1, ..with("two {{ event }}") };
    for (hook, expected) in
        [(&first, "one consumers"), (&second, "two consumers"), (&first, "one consumers")]
    {
        run_for(&handlers, hook, &event()).await;
        assert_eq!(receiver.next().await.text(), expected);
    }
}

#[tokio::test]
async fn a_custom_webhook_is_told_what_is_wrong_with_it() {
    let handlers = handlers(egress(&LOOPBACK));
    let url = "http://127.0.0.1:9000/";
    let nested = json!({"blocks": [{"text": "fine"}, {"text.t": "a\n  {% if %}"}]});
    for (name, custom, expected) in [
        (
            "a tag that is not closed, in every field",
            WebhookCustom {
                headers: headers(&[("x-a", "{{ 'a }}")]),
                headers_format: true,
                body: Some("line 1\n  {(a)}".to_owned()),
                ..custom(url)
            },
            vec!["config.body: line 2, column 3", "config.headers.x-a: line 1, column 4"],
        ),
        (
            "Lua that does not compile, deep in a payload",
            WebhookCustom { payload: payload(nested.clone()), ..custom(url) },
            vec!["config.payload: blocks[2].text.t: line 2, column 3"],
        ),
        (
            "no template, no error",
            WebhookCustom { payload: payload(nested), payload_format: false, ..custom(url) },
            vec![],
        ),
        (
            "the other dialect",
            WebhookCustom {
                body: Some("{{#if a}}".to_owned()),
                template_engine: Some(Dialect::Handlebars),
                ..custom(url)
            },
            vec!["config.body: line 1, column"],
        ),
        (
            "a target that is refused, and a template",
            WebhookCustom { body: Some("{{ end }}".to_owned()), ..custom("http://10.0.0.1/") },
            vec!["config.body: line 1, column 4", "config.url: target not allowed"],
        ),
        (
            "a tunnel",
            WebhookCustom { method: "CONNECT".to_owned(), ..custom(url) },
            vec!["config.method: CONNECT cannot be used"],
        ),
    ] {
        let handler = Handler::WebhookCustom(Box::new(custom));
        let violations = match handlers.check(&Draft { handler, ..draft() }).await {
            Ok(()) => Vec::new(),
            Err(CheckError::Invalid(it)) => {
                it.iter().map(|it| format!("{}: {}", it.field, it.message)).collect()
            }
            Err(CheckError::Port(error)) => panic!("{error}"),
        };
        assert_eq!(violations.len(), expected.len(), "{name}: {violations:?}");
        for (violation, beginning) in violations.iter().zip(expected) {
            assert!(violation.starts_with(beginning), "{name}: {violation}");
        }
    }
}

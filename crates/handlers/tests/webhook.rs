//! Webhooks, as a receiver sees them.

use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use handlers::{AllHandlers, signature::SignatureAlgorithm};
use hooks::{
    delivery::{Failure, FailureClass, HandlerResult, Outcome, Report},
    event::Event,
    handler::{Format, Handler, Webhook},
    hook::{Draft, EventHook},
    id::DeliveryId,
    name::SourceName,
    ports::{Handlers, Run},
    secret::{Secret, Signing},
    time::Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use testkit::{
    builders::{START, data, delivery, draft, event, hook},
    receiver::{Answer, Received, Receiver},
};

use crate::world::{LOOPBACK, egress, handlers, handlers_that_sign, target, timed};

pub(crate) fn webhook(url: &str) -> Webhook {
    let (url, signing) = (target(url), Signing::default());
    Webhook { url, headers: BTreeMap::new(), signing, ssl_verify: false, format: None }
}

fn hook_of(handler: Handler) -> EventHook {
    EventHook { draft: Draft { handler, ..draft() }, ..hook() }
}

/// Runs a webhook for [`event`] at this time.
pub(crate) async fn run_at(
    handlers: &AllHandlers,
    webhook: Webhook,
    at: Timestamp,
) -> (DeliveryId, Report) {
    let (hook, event, delivery) = (hook_of(Handler::Webhook(webhook)), event(), delivery().id());
    let run = Run { hook: &hook, event: &event, name: Some(&event.event), delivery, at };
    (delivery, handlers.run(run).await)
}

async fn run(webhook: Webhook) -> Report {
    run_at(&handlers(egress(&LOOPBACK)), webhook, START).await.1
}

fn failed(retry_after: Option<Duration>, reason: &str) -> Outcome {
    let class = FailureClass::Transient { retry_after };
    Outcome::Failed(Failure { class, reason: reason.to_owned() })
}

fn header_map(request: &Received) -> HeaderMap {
    let headers = request.headers.iter();
    headers
        .map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the independent library asks the clock itself")]
fn now() -> Timestamp {
    Timestamp::from_seconds(0) + std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

#[tokio::test]
async fn a_webhook_is_the_data_with_the_names_merged_in() {
    let receiver = Receiver::http().await;
    let url = format!("{}path?query=1", receiver.url());

    let report = run(webhook(&url)).await;

    let request = receiver.next().await;
    assert_eq!(
        request.text(),
        concat!(
            r#"{"source":"crud","event":"consumers","operation":"create","schema":"consumers","#,
            r#""entity":{"id":"5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10","username":"alice"}}"#
        )
    );
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/path"));
    assert_eq!(request.query.as_deref(), Some("query=1"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("content-length"), Some(&*request.body.len().to_string()));
    assert_eq!(request.header("user-agent"), Some("event-hooks/0.1.0"));
    assert_eq!(request.header("x-kong-signature"), None, "no secret, no signature");
    assert_eq!(request.header("webhook-signature"), None);

    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(report.request, Some(format!("POST {}path?***", receiver.url())));
}

#[tokio::test]
async fn a_signed_webhook_verifies_with_an_independent_library() {
    let receiver = Receiver::http().await;
    let handlers = handlers(egress(&LOOPBACK));
    let (new, old) = ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "typed by hand");
    let signing = Signing::with(Some(Secret::new(old))).rotated(Some(Secret::new(new)), now());

    let signed = Webhook { signing, ..webhook(&receiver.url()) };
    let (delivery, report) = run_at(&handlers, signed, now()).await;

    assert_eq!(report.outcome, Outcome::Succeeded);
    let request = receiver.next().await;
    assert_eq!(request.header("webhook-id"), Some(&*delivery.to_string()));
    let headers = header_map(&request);
    standardwebhooks::Webhook::new(new).unwrap().verify(&request.body, &headers).unwrap();
    let old = standardwebhooks::Webhook::from_bytes(old.into()).unwrap();
    old.verify(&request.body, &headers).expect("the old secret signs for a day");
    let other = standardwebhooks::Webhook::from_bytes(b"another".to_vec()).unwrap();
    assert!(other.verify(&request.body, &headers).is_err());
}

#[tokio::test]
async fn the_gateways_signature_uses_the_present_secret_as_typed() {
    let receiver = Receiver::http().await;
    let secret = Secret::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let signing = Signing::with(Some(Secret::new("old"))).rotated(Some(secret.clone()), START);
    for algorithm in [SignatureAlgorithm::Sha1, SignatureAlgorithm::Sha256] {
        let handlers = handlers_that_sign(egress(&LOOPBACK), algorithm);
        let signed = Webhook { signing: signing.clone(), ..webhook(&receiver.url()) };
        run_at(&handlers, signed, START).await;

        let request = receiver.next().await;
        let header = request.header("x-kong-signature").unwrap();
        assert!(header.starts_with(&format!("{algorithm}=")), "{header}");
        assert_eq!(handlers::signature::verify_kong(&secret, header, &request.body), Ok(()));
    }
}

#[tokio::test]
async fn our_headers_win_over_the_hooks() {
    let receiver = Receiver::http().await;
    let headers = [
        ("X-Custom-Header", "My Value"),
        ("Content-Type", "text/plain"),
        ("User-Agent", "mine"),
        ("Authorization", "Bearer mine"),
        ("Host", "mine"),
        ("Content-Length", "7"),
        ("Transfer-Encoding", "chunked"),
        ("Webhook-Id", "mine"),
        ("X-Kong-Signature", "mine"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let url = format!("http://user:pass@{}/", receiver.address());

    let report = run(Webhook { headers, ..webhook(&url) }).await;

    assert_eq!(report.outcome, Outcome::Succeeded);
    let request = receiver.next().await;
    let host = receiver.address().to_string();
    for (name, expected) in [
        ("x-custom-header", Some("My Value")),
        ("content-type", Some("application/json")),
        ("user-agent", Some("mine")),
        ("authorization", Some("Bearer mine")),
        ("host", Some(&*host)),
        ("content-length", Some(&*request.body.len().to_string())),
        ("transfer-encoding", None),
        ("x-kong-signature", None),
    ] {
        let values: Vec<_> = request.headers.iter().filter(|(it, _)| it == name).collect();
        assert!(values.len() <= 1, "{name} came twice");
        assert_eq!(request.header(name), expected, "{name}");
    }
    assert_ne!(request.header("webhook-id"), Some("mine"));
}

#[tokio::test]
async fn a_certificate_counts_where_the_hook_says_so() {
    let receiver = Receiver::https().await;
    let unverified = run(webhook(&receiver.url())).await;
    assert_eq!(unverified.outcome, Outcome::Succeeded);

    let verified = run(Webhook { ssl_verify: true, ..webhook(&receiver.url()) }).await;
    let reason = "cannot connect: certificate is not trusted: nobody known has signed it";
    assert_eq!(verified.outcome, failed(None, reason));
    assert_eq!(receiver.requests().len(), 1, "nothing was sent to whom nobody trusts");
}

#[tokio::test]
async fn an_answer_is_reported_and_judged() {
    let receiver = Receiver::http().await;
    let asks = Answer::status(503).header("retry-after", "120").body("busy");
    let redirects = Answer::status(302).header("location", "http://127.0.0.1:1/");
    let nonsense = Answer::status(429).header("retry-after", "inf");
    for (name, answer, status, body, outcome) in [
        ("taken", Answer::status(204), 204, "", Outcome::Succeeded),
        (
            "busy, and says for how long",
            asks,
            503,
            "busy",
            failed(Some(Duration::from_mins(2)), "receiver answered 503"),
        ),
        ("busy for ever", nonsense, 429, "", failed(None, "receiver answered 429")),
        ("elsewhere", redirects, 302, "", failed(None, "receiver answered 302")),
        ("not understood", Answer::status(400), 400, "", failed(None, "receiver answered 400")),
    ] {
        receiver.always(answer);
        let report = run(webhook(&receiver.url())).await;
        assert_eq!(report.outcome, outcome, "{name}");
        match report.result {
            HandlerResult::Answered { status: got, headers, body: said } => {
                assert_eq!((got, said.as_str()), (status, body), "{name}");
                assert!(headers.iter().any(|(header, _)| header == "date"), "{name}: {headers:?}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(receiver.requests().len(), 5, "each was sent once");
}

#[tokio::test]
async fn what_was_not_sent_is_reported_as_far_as_it_came() {
    let report = run(webhook("http://user:pass@10.0.0.1/hook?token=t")).await;
    assert_eq!(report.outcome, failed(None, "target not allowed"));
    assert_eq!(report.request.as_deref(), Some("POST http://10.0.0.1/hook?***"));
    assert_eq!(report.result, HandlerResult::Nothing);

    let headers = [("x-a".to_owned(), "b\nc".to_owned())].into();
    let report = run(Webhook { headers, ..webhook("http://127.0.0.1/") }).await;
    let reason = "config.headers: bad value of header 'x-a', line breaks and other control \
                  characters are not allowed";
    assert_eq!(report.outcome, failed(None, reason));
}

#[tokio::test]
async fn a_test_of_a_hook_without_an_event_names_none() {
    let receiver = Receiver::http().await;
    let hook = hook_of(Handler::Webhook(webhook(&receiver.url())));
    let event = Event { data: data(json!({"a": 1})), ..event() };
    let run = Run { hook: &hook, event: &event, name: None, delivery: delivery().id(), at: START };

    handlers(egress(&LOOPBACK)).run(run).await;

    assert_eq!(receiver.next().await.text(), r#"{"source":"crud","a":1}"#);
}

#[tokio::test]
async fn one_slow_receiver_delays_nobody_else() {
    let (slow, quick) = (Receiver::http().await, Receiver::http().await);
    slow.always(Answer::status(200).after(Duration::from_secs(8)));
    let handlers = handlers(egress(&LOOPBACK));
    let ((), took) = timed(async {
        tokio::select! {
            () = async { run_at(&handlers, webhook(&slow.url()), START).await; } => {
                panic!("the slow one came first");
            }
            () = async { run_at(&handlers, webhook(&quick.url()), START).await; } => {}
        }
    })
    .await;
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[tokio::test]
async fn an_event_is_sent_as_a_cloudevent_where_the_hook_says_so() {
    let receiver = Receiver::http().await;
    let signing = Signing::with(Some(Secret::new("s3cr3t".to_owned())));
    let webhook = Webhook {
        signing: signing.clone(),
        format: Some(Format::CloudEvents),
        ..webhook(&receiver.url())
    };
    let event = Event {
        source: SourceName::parse("dao:crud of [all]").unwrap(),
        data: data(json!({"operation": "create", "source": "its own"})),
        ..event()
    };
    let (hook, delivery) = (hook_of(Handler::Webhook(webhook)), delivery().id());
    let run = Run { hook: &hook, event: &event, name: Some(&event.event), delivery, at: START };
    assert_eq!(handlers(egress(&LOOPBACK)).run(run).await.outcome, Outcome::Succeeded);
    let request = receiver.next().await;
    let headers = header_map(&request);
    assert_eq!(headers["content-type"], "application/cloudevents+json");
    let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        sent,
        json!({
            "specversion": "1.0",
            "id": event.id,
            "source": "dao:crud%20of%20%5Ball%5D",
            "type": "consumers",
            "time": START.to_string(),
            "datacontenttype": "application/json",
            "data": {"operation": "create", "source": "its own"},
        })
    );
    assert!(headers.contains_key("webhook-signature"), "what is signed is what is sent");
    assert!(headers.contains_key("x-kong-signature"));
}

#[tokio::test]
async fn the_receiver_is_told_of_the_trace_unless_the_hook_names_one() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (name, trace, headers, expected) in [
        ("an event without a trace", None, None, None),
        ("an event of a trace", Some(PARENT), None, Some(PARENT)),
        ("a hook with a header of its own", Some(PARENT), Some("mine"), Some("mine")),
    ] {
        let receiver = Receiver::http().await;
        let headers = headers.map(|it| ("Traceparent".to_owned(), it.to_owned()));
        let webhook =
            Webhook { headers: headers.into_iter().collect(), ..webhook(receiver.url().as_str()) };
        let event = Event { trace: trace.map(|it| it.parse().unwrap()), ..event() };
        let (hook, delivery) = (hook_of(Handler::Webhook(webhook)), delivery().id());
        let run = Run { hook: &hook, event: &event, name: None, delivery, at: START };
        handlers(egress(&LOOPBACK)).run(run).await;
        let request = receiver.next().await;
        assert_eq!(
            header_map(&request).get("traceparent").map(|it| it.to_str().unwrap()),
            expected,
            "{name}"
        );
    }
}

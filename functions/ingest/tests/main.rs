//! The real program, with somebody in the place of Lambda and of AWS.

use std::time::Duration;

use awskit::{
    events,
    fake::{Asked, FakeAws, TOKEN},
};
use hooks::task::Task;
use serde_json::Value;
use testkit::lambda_host::{LambdaHost, NotStarted};

const TIME: Duration = Duration::from_secs(30);

const EVENT: &[u8] = br#"{"source": "crud", "event": "consumers", "entity": {"username": "Ada"}}"#;

const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/000000000000/events";

async fn ingest(aws: &FakeAws, more: &[(&str, &str)]) -> Result<LambdaHost, NotStarted> {
    let endpoint = aws.url();
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("EVENT_HOOKS_TABLE_CATALOG", "the-catalog"),
        ("EVENT_HOOKS_TABLE_TOKENS", "the-tokens"),
        ("EVENT_HOOKS_QUEUE_EVENTS", QUEUE),
        ("EVENT_HOOKS_ADMIN_TOKEN_SECRET", "the-secret"),
    ];
    let variables = variables.iter().chain(more).copied();
    LambdaHost::start(env!("CARGO_BIN_EXE_ingest"), variables).await
}

/// Posts the event with this token, and answers status and body.
async fn post(ingest: &LambdaHost, token: &str) -> (u64, Value) {
    let headers = [("content-type", "application/json"), ("kong-admin-token", token)];
    let request = events::request("POST", "/events", &headers, EVENT);
    let answer = ingest.invoke(&request, TIME).await.answer();
    let body = answer["body"].as_str().expect("a text");
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn an_event_is_answered_when_it_is_on_the_queue() {
    let aws = FakeAws::start().await;
    let ingest = ingest(&aws, &[]).await.unwrap();
    let (status, body) = post(&ingest, TOKEN).await;
    assert_eq!((status, &body["accepted"]), (202, &1.into()), "{body}");

    let sent = aws.sent();
    let [text] = sent.as_slice() else { panic!("one message, not {sent:?}") };
    let Task::Dispatch { events, .. } = Task::decode(text).unwrap() else { panic!("{text}") };
    assert_eq!(body["ids"][0], events[0].id.to_string());
    assert_eq!(events[0].data.get("entity").unwrap()["username"], "Ada");
    assert_eq!(
        events[0].trace.unwrap().to_string(),
        "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
        "it goes on in the trace that Lambda says"
    );
}

#[tokio::test]
async fn it_asks_aws_for_nothing_that_its_role_does_not_allow() {
    let aws = FakeAws::start().await;
    let ingest = ingest(&aws, &[]).await.unwrap();
    assert_eq!(aws.asked(), [], "it starts without the network");
    post(&ingest, TOKEN).await;
    post(&ingest, "unknown").await;
    for Asked { action, with } in aws.asked() {
        let table = with["TableName"].as_str().unwrap_or_default();
        let allowed = match action.as_str() {
            "GetSecretValue" => with["SecretId"] == "the-secret",
            "SendMessageBatch" => with["QueueUrl"] == QUEUE,
            "GetItem" | "Query" => ["the-catalog", "the-tokens"].contains(&table),
            _ => false,
        };
        assert!(allowed, "{action} {with}");
    }
}

#[tokio::test]
async fn what_is_not_on_the_queue_is_not_accepted() {
    for (name, refused) in [
        ("the queue", &["SendMessageBatch"][..]),
        ("the catalog", &["Query"]),
        ("the first token", &["GetSecretValue"]),
    ] {
        let aws = FakeAws::refusing(refused).await;
        let ingest = ingest(&aws, &[]).await.unwrap();
        let (status, body) = post(&ingest, TOKEN).await;
        assert_eq!(status, 503, "without {name}: {body}");
        assert_eq!(ingest.starts(), 1, "and the program lives on");
    }
}

#[tokio::test]
async fn without_a_token_nobody_comes_in() {
    let aws = FakeAws::start().await;
    let ingest = ingest(&aws, &[]).await.unwrap();
    for token in ["", "unknown"] {
        assert_eq!(post(&ingest, token).await.0, 401, "{token:?}");
    }
    assert_eq!(aws.sent(), Vec::<String>::new());
}

#[tokio::test]
async fn what_it_says_is_json_about_an_invocation() {
    let aws = FakeAws::start().await;
    let ingest = ingest(&aws, &[("EVENT_HOOKS_LOG", "debug")]).await.unwrap();
    post(&ingest, TOKEN).await;
    let log = ingest.logged("event_hooks_accepted_total").await;
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let counted = lines.filter(|it| it["event_hooks_accepted_total"] == 1).last();
    let counted = counted.expect("the event is counted");
    assert_eq!(counted["function"], "ingest");
    assert_eq!(counted["_aws"]["CloudWatchMetrics"][0]["Namespace"], "EventHooks");
    assert_eq!(counted["request_id"], "00000000-0000-4000-8000-000000000001");
    assert_eq!(counted["trace_id"], "5759e988bd862e3fe1be46a994272793");
    assert!(!log.contains(TOKEN), "no secret is printed");
}

#[tokio::test]
async fn what_is_set_wrongly_stops_the_start_with_its_name() {
    let aws = FakeAws::start().await;
    for (variable, value, said) in [
        ("EVENT_HOOKS_QUEUE_EVENTS", "", "EVENT_HOOKS_QUEUE_EVENTS is not set: set it to a queue"),
        ("EVENT_HOOKS_TRACE", "on", "EVENT_HOOKS_TRACE is 'on': set it to off or xray"),
        ("EVENT_HOOKS_LOG", "x=y=z", "EVENT_HOOKS_LOG is 'x=y=z': set it to a level"),
    ] {
        let error = ingest(&aws, &[(variable, value)]).await.unwrap_err();
        assert!(error.log.contains(said), "{error:?}");
    }
}

//! The real program, with somebody in the place of Lambda and of AWS.

use std::time::Duration;

use awskit::{
    events,
    fake::{FakeAws, TOKEN},
};
use serde_json::{Value, json};
use testkit::lambda_host::{LambdaHost, NotStarted};

const TIME: Duration = Duration::from_secs(30);

async fn admin(aws: &FakeAws, more: &[(&str, &str)]) -> Result<LambdaHost, NotStarted> {
    let endpoint = aws.url();
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("EVENT_HOOKS_TABLE_HOOKS", "the-hooks"),
        ("EVENT_HOOKS_TABLE_CATALOG", "the-catalog"),
        ("EVENT_HOOKS_TABLE_TOKENS", "the-tokens"),
        ("EVENT_HOOKS_TABLE_LEDGER", "the-ledger"),
        ("EVENT_HOOKS_QUEUE_EVENTS", "https://sqs.us-east-1.amazonaws.com/000000000000/events"),
        ("EVENT_HOOKS_QUEUE_RETRIES", "https://sqs.us-east-1.amazonaws.com/000000000000/retries"),
        ("EVENT_HOOKS_ADMIN_TOKEN_SECRET", "the-secret"),
    ];
    let variables = variables.iter().chain(more).copied();
    LambdaHost::start(env!("CARGO_BIN_EXE_admin"), variables).await
}

async fn ask(admin: &LambdaHost, method: &str, path: &str, body: &Value) -> (u64, Value) {
    let headers = [("content-type", "application/json"), ("kong-admin-token", TOKEN)];
    let request = events::request(method, path, &headers, body.to_string().as_bytes());
    let answer = admin.invoke(&request, TIME).await.answer();
    let body = answer["body"].as_str().expect("a text");
    (answer["statusCode"].as_u64().unwrap(), serde_json::from_str(body).unwrap())
}

fn lambda(function: &str) -> Value {
    json!({
        "source": "crud",
        "event": "consumers",
        "handler": "lambda",
        "config": {"functions": [function]},
    })
}

#[tokio::test]
async fn a_hook_is_made() {
    let aws = FakeAws::start().await;
    let admin = admin(&aws, &[]).await.unwrap();
    assert_eq!(aws.asked(), [], "it starts without the network");
    let hook = json!({"source": "crud", "event": "consumers", "handler": "log"});
    let (status, made) = ask(&admin, "POST", "/event-hooks", &hook).await;
    assert_eq!((status, &made["handler"]), (201, &"log".into()), "{made}");
    let written = aws.asked().into_iter().find(|it| it.action == "TransactWriteItems");
    let written = written.expect("the hook is written in one step").with.to_string();
    assert!(written.contains(made["id"].as_str().unwrap()), "{written}");
}

/// The sandbox's worker is this program, started again.
#[tokio::test]
async fn lua_is_looked_at_by_a_worker() {
    let aws = FakeAws::start().await;
    let admin = admin(&aws, &[]).await.unwrap();
    let good = lambda("return function() return true end");
    assert_eq!(ask(&admin, "POST", "/event-hooks", &good).await.0, 201);
    let (status, refused) = ask(&admin, "POST", "/event-hooks", &lambda("return funktion")).await;
    assert_eq!(status, 400, "{refused}");
    assert!(refused.to_string().contains("functions"), "{refused}");
}

#[tokio::test]
async fn the_status_tells_what_is_out_of_reach() {
    for (refused, status, storage, queue) in [
        (&[][..], 200, "reachable", "reachable"),
        (&["GetItem"], 503, "unreachable", "reachable"),
        (&["GetQueueAttributes"], 503, "reachable", "unreachable"),
    ] {
        let aws = FakeAws::refusing(refused).await;
        let admin = admin(&aws, &[]).await.unwrap();
        let (found, body) = ask(&admin, "GET", "/status", &json!({})).await;
        assert_eq!(
            (found, &body["storage"], &body["queue"]),
            (status, &storage.into(), &queue.into())
        );
    }
}

#[tokio::test]
async fn what_is_set_wrongly_stops_the_start_with_its_name() {
    let aws = FakeAws::start().await;
    for (variable, value, said) in [
        ("EVENT_HOOKS_TIMEOUT", "61", "EVENT_HOOKS_TIMEOUT is '61': set it to a whole number from"),
        (
            "EVENT_HOOKS_SIGNATURE",
            "md5",
            "EVENT_HOOKS_SIGNATURE is 'md5': set it to sha1 or sha256",
        ),
        ("EVENT_HOOKS_EGRESS_ALLOW", "here", "EVENT_HOOKS_EGRESS_ALLOW is 'here': set it to netw"),
        ("EVENT_HOOKS_TABLE_LEDGER", "", "EVENT_HOOKS_TABLE_LEDGER is not set: set it to a table"),
    ] {
        let error = admin(&aws, &[(variable, value)]).await.unwrap_err();
        assert!(error.log.contains(said), "{error:?}");
    }
}

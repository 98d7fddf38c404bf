//! What Lambda hands over.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use uuid::Uuid;

/// Where dead letters of `events` are, as the functions are told.
pub const DEAD_EVENTS: &str = "arn:aws:sqs:us-east-1:000000000000:dead-events";

/// The same of `retries`.
pub const DEAD_RETRIES: &str = "arn:aws:sqs:us-east-1:000000000000:dead-retries";

/// A request, as API Gateway hands it over, and its answer.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
    let headers: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "21/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1_795_255_200_000_i64,
        },
        "body": STANDARD.encode(body),
        "isBase64Encoded": true,
    })
}

/// A message on its way to a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its text.
    pub body: String,
    /// How often it was handed over, this time included.
    pub receives: u32,
    /// Where it comes from.
    pub arn: String,
}

impl Message {
    /// A message that comes from there for the first time.
    pub fn new(arn: &str, body: impl Into<String>) -> Self {
        let id = Uuid::new_v4().to_string();
        Self { id, body: body.into(), receives: 1, arn: arn.to_owned() }
    }
}

/// A batch of messages.
pub fn batch(messages: &[Message]) -> Value {
    let record = |it: &Message| {
        json!({
            "messageId": it.id,
            "receiptHandle": it.id,
            "body": it.body,
            "attributes": {
                "ApproximateReceiveCount": it.receives.to_string(),
                "ApproximateFirstReceiveTimestamp": "1795255200000",
                "SentTimestamp": "1795255200000",
                "SenderId": "id",
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": it.arn,
            "awsRegion": "us-east-1",
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

/// The ids of the messages that the answer to a batch gives back.
pub fn given_back(answer: &Value) -> Vec<String> {
    let failures = answer["batchItemFailures"].as_array().expect("an answer to a batch");
    let id = |it: &Value| it["itemIdentifier"].as_str().expect("an id").to_owned();
    failures.iter().map(id).collect()
}

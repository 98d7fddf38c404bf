//! AWS, as far as it goes without remembering anything: every table is empty, every queue takes what
//! it is sent. What it was asked it remembers; what is put into its tables, where a test wants that.

use std::sync::Arc;

use aws::SystemClock;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use dynamodb::{Dynamo, Table, Tables};
use serde_json::{Value, json};
use testkit::receiver::{Answer, Received, Receiver};

use crate::rows::Rows;

/// The first admin token, as Secrets Manager has it.
pub const TOKEN: &str = "first-token";

/// Stands where `AWS_ENDPOINT_URL` points.
#[derive(Debug)]
pub struct FakeAws(Receiver);

/// What AWS was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// For example `SendMessageBatch`.
    pub action: String,
    /// With what.
    pub with: Value,
}

impl FakeAws {
    /// One that does everything that it is asked.
    pub async fn start() -> Self {
        Self::refusing(&[]).await
    }

    /// One that these actions fail at.
    pub async fn refusing(actions: &'static [&'static str]) -> Self {
        let receiver = Receiver::http().await;
        receiver.judge(move |request| {
            let Asked { action, with } = asked(request);
            if actions.contains(&action.as_str()) {
                // Not one that clients repeat.
                return Answer::status(400).body(r#"{"__type": "AccessDeniedException"}"#);
            }
            Answer::status(200).body(answer(&action, &with).to_string())
        });
        Self(receiver)
    }

    /// One at this address, whose tables keep what is put there.
    pub fn keeping(receiver: Receiver, rows: &Rows) -> Self {
        let rows = rows.clone();
        receiver.judge(move |request| {
            let Asked { action, with } = asked(request);
            let answer = rows.answer(&action, &with).unwrap_or_else(|| answer(&action, &with));
            Answer::status(200).body(answer.to_string())
        });
        Self(receiver)
    }

    /// Its tables, each by the name of what it holds.
    pub fn dynamo(&self) -> Dynamo {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(self.url())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let [hooks, catalog, tokens, ledger] = Table::ALL.map(|it| it.to_string());
        let tables = Tables { hooks, catalog, tokens, ledger };
        Dynamo::new(Client::from_conf(config.build()), tables, Arc::new(SystemClock))
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.0.requests().iter().map(asked).collect()
    }

    /// The texts of all messages that queues were sent so far.
    pub fn sent(&self) -> Vec<String> {
        let sent = self.asked().into_iter().filter(|it| it.action == "SendMessageBatch");
        let bodies = |it: Asked| {
            let entries = it.with["Entries"].as_array().expect("a batch has entries").clone();
            entries.into_iter().map(|it| it["MessageBody"].as_str().expect("a text").to_owned())
        };
        sent.flat_map(bodies).collect()
    }
}

fn asked(request: &Received) -> Asked {
    let target = request.header("x-amz-target").unwrap_or_default();
    let action = target.rsplit('.').next().unwrap_or_default().to_owned();
    Asked { action, with: serde_json::from_slice(&request.body).unwrap_or_default() }
}

fn answer(action: &str, with: &Value) -> Value {
    match action {
        "Query" => json!({"Items": [], "Count": 0, "ScannedCount": 0}),
        "BatchGetItem" => json!({"Responses": {}, "UnprocessedKeys": {}}),
        "GetSecretValue" => json!({"SecretString": TOKEN}),
        "GetQueueAttributes" => json!({"Attributes": {
            "ApproximateNumberOfMessages": "3",
            "ApproximateNumberOfMessagesDelayed": "0",
            "ApproximateNumberOfMessagesNotVisible": "0",
        }}),
        "SendMessageBatch" => {
            let taken =
                |it: &Value| json!({"Id": it["Id"], "MessageId": it["Id"], "MD5OfMessageBody": ""});
            let entries = with["Entries"].as_array().into_iter().flatten();
            json!({"Successful": entries.map(taken).collect::<Vec<_>>(), "Failed": []})
        }
        _ => json!({}),
    }
}

//! Tables and queues of a test's own, in the servers that `EVENT_HOOKS_TEST_DYNAMODB` and
//! `EVENT_HOOKS_TEST_SQS` name.

use std::{
    env,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

use aws::SystemClock;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use dynamodb::{Dynamo, PARTITION_KEY, SORT_KEY, Table, Tables};
use futures_util::FutureExt as _;
use hooks::{ports::Clock, task::Queue};
use sqs::Queues;
use testkit::lambda_host::LambdaHost;
use uuid::Uuid;

use crate::{
    events::{self, DEAD_EVENTS, DEAD_RETRIES, Message},
    meter::Meter,
};

const DYNAMODB: &str = "EVENT_HOOKS_TEST_DYNAMODB";
const SQS: &str = "EVENT_HOOKS_TEST_SQS";

/// Empty tables and queues, which nobody else knows.
pub struct Servers {
    dynamodb: (String, aws_sdk_dynamodb::Client),
    sqs: (String, aws_sdk_sqs::Client),
    tables: Tables,
    queues: Queues,
}

/// Runs a test with tables and queues of its own, where there are servers, and removes both, however
/// it ends.
pub async fn with(test: impl AsyncFnOnce(&Servers)) {
    let (Ok(dynamodb), Ok(sqs)) = (env::var(DYNAMODB), env::var(SQS)) else {
        #[expect(clippy::print_stdout, reason = "whoever runs the tests is to see it")]
        {
            println!("skipped: {DYNAMODB} and {SQS} name no servers: run it with `make unit`");
        }
        return;
    };
    let servers = Servers::start(dynamodb, sqs).await;
    let result = AssertUnwindSafe(test(&servers)).catch_unwind().await;
    servers.remove().await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

impl Servers {
    async fn start(dynamodb: String, sqs: String) -> Self {
        let http = || aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
            .credentials_provider(aws_sdk_dynamodb::config::Credentials::new(
                "test", "test", None, None, "test",
            ))
            .endpoint_url(&dynamodb)
            .http_client(http());
        let database = aws_sdk_dynamodb::Client::from_conf(config.build());
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .credentials_provider(aws_sdk_sqs::config::Credentials::new(
                "test", "test", None, None, "test",
            ))
            .endpoint_url(&sqs)
            .http_client(http());
        let queue = aws_sdk_sqs::Client::from_conf(config.build());
        let tables = tables(&database).await;
        let queues =
            Queues { events: made(&queue, "events").await, retries: made(&queue, "retries").await };
        Self { dynamodb: (dynamodb, database), sqs: (sqs, queue), tables, queues }
    }

    /// The variables of a function that works with these tables and queues.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL_DYNAMODB", self.dynamodb.0.as_str()),
            ("AWS_ENDPOINT_URL_SQS", &self.sqs.0),
            ("EVENT_HOOKS_TABLE_HOOKS", &self.tables.hooks),
            ("EVENT_HOOKS_TABLE_CATALOG", &self.tables.catalog),
            ("EVENT_HOOKS_TABLE_TOKENS", &self.tables.tokens),
            ("EVENT_HOOKS_TABLE_LEDGER", &self.tables.ledger),
            ("EVENT_HOOKS_QUEUE_EVENTS", &self.queues.events),
            ("EVENT_HOOKS_QUEUE_RETRIES", &self.queues.retries),
            ("EVENT_HOOKS_DEAD_EVENTS_ARN", DEAD_EVENTS),
            ("EVENT_HOOKS_DEAD_RETRIES_ARN", DEAD_RETRIES),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// What is remembered in the tables.
    pub fn dynamo(&self) -> Dynamo {
        Dynamo::new(self.dynamodb.1.clone(), self.tables.clone(), Arc::new(SystemClock))
    }

    /// The same by this clock, where what it costs is counted.
    pub fn metered(&self, meter: &Meter, clock: Arc<dyn Clock>) -> Dynamo {
        let config = self.dynamodb.1.config().to_builder().interceptor(meter.clone()).build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        Dynamo::new(client, self.tables.clone(), clock)
    }

    /// A queue's ARN.
    pub fn arn(&self, queue: Queue) -> String {
        let name = self.queues.url(queue).rsplit('/').next().unwrap_or_default();
        format!("arn:aws:sqs:us-east-1:000000000000:{name}")
    }

    /// Takes what can be had of a queue now, up to ten messages; they are gone from it.
    pub async fn take(&self, queue: Queue) -> Vec<Message> {
        let url = self.queues.url(queue);
        let received = self
            .sqs
            .1
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .expect("messages can be received");
        let mut messages = Vec::new();
        for it in received.messages.unwrap_or_default() {
            let handle = it.receipt_handle.expect("what was received can be deleted");
            let deleted = self.sqs.1.delete_message().queue_url(url).receipt_handle(handle);
            deleted.send().await.expect("messages can be deleted");
            let id = it.message_id.expect("messages have ids");
            let body = it.body.unwrap_or_default();
            messages.push(Message { id, body, receives: 1, arn: self.arn(queue) });
        }
        messages
    }

    /// Everything that can be had of both queues now.
    pub async fn take_all(&self) -> Vec<Message> {
        let mut all = Vec::new();
        for queue in [Queue::Events, Queue::Retries] {
            loop {
                match self.take(queue).await {
                    none if none.is_empty() => break,
                    some => all.extend(some),
                }
            }
        }
        all
    }

    /// Hands a function what is in both queues, as Lambda does, until there is nothing to be had.
    /// What it gives back is handed to it again.
    pub async fn drain(&self, function: &LambdaHost, time: Duration) {
        loop {
            let messages = self.take_all().await;
            if messages.is_empty() {
                return;
            }
            for mut batch in messages.chunks(10).map(<[_]>::to_vec) {
                while !batch.is_empty() {
                    let answer = function.invoke(&events::batch(&batch), time).await.answer();
                    let back = events::given_back(&answer);
                    batch.retain(|it| back.contains(&it.id));
                    batch.iter_mut().for_each(|it| it.receives += 1);
                }
            }
        }
    }

    async fn remove(&self) {
        // What stays is no reason to fail what was tested.
        for table in Table::ALL {
            let _ = self.dynamodb.1.delete_table().table_name(self.tables.name(table)).send().await;
        }
        for url in [&self.queues.events, &self.queues.retries] {
            let _ = self.sqs.1.delete_queue().queue_url(url).send().await;
        }
    }
}

async fn made(client: &aws_sdk_sqs::Client, name: &str) -> String {
    let name = format!("{}-{name}", Uuid::new_v4());
    let made = client.create_queue().queue_name(name).send().await.expect("a queue can be made");
    made.queue_url.expect("a queue has a URL")
}

async fn tables(client: &aws_sdk_dynamodb::Client) -> Tables {
    let name = |table: Table| format!("event-hooks-test-{}-{table}", Uuid::new_v4());
    let tables = Tables {
        hooks: name(Table::Hooks),
        catalog: name(Table::Catalog),
        tokens: name(Table::Tokens),
        ledger: name(Table::Ledger),
    };
    for table in Table::ALL {
        let mut request = client
            .create_table()
            .table_name(tables.name(table))
            .billing_mode(BillingMode::PayPerRequest);
        for (attribute, role) in [(PARTITION_KEY, KeyType::Hash), (SORT_KEY, KeyType::Range)] {
            let definition = AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(ScalarAttributeType::S);
            let element = KeySchemaElement::builder().attribute_name(attribute).key_type(role);
            request = request
                .attribute_definitions(definition.build().expect("it is whole"))
                .key_schema(element.build().expect("it is whole"));
        }
        request.send().await.expect("a table can be made");
    }
    tables
}

//! Tables of their own for each subject of a test, in the server that
//! `EVENT_HOOKS_TEST_DYNAMODB` names.

use std::{
    env,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region,
        retry::{RetryConfig, RetryPartition, TokenBucket},
        timeout::TimeoutConfig,
    },
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use dynamodb::{Dynamo, PARTITION_KEY, SORT_KEY, Table, Tables};
use futures_util::FutureExt as _;
use testkit::{fakes::HandClock, flaky::Flaky};
use uuid::Uuid;

const SERVER: &str = "EVENT_HOOKS_TEST_DYNAMODB";

/// How long a request through trouble may take.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

/// How often the SDK asks before it gives up.
const MOST_ATTEMPTS: u32 = 8;

/// The server, and the tables that a test has made there.
pub(crate) struct World {
    server: String,
    made: Mutex<Vec<String>>,
    kept: Mutex<Vec<Flaky>>,
}

/// Runs a test against the server, if there is one, and removes its tables, however it ends.
pub(crate) async fn with(test: impl AsyncFnOnce(&World)) {
    let Ok(server) = env::var(SERVER) else {
        #[expect(clippy::print_stdout, reason = "whoever runs the tests is to know")]
        println!("skipped: {SERVER} names no server: run it with `make unit`");
        return;
    };
    let world = World { server, made: Mutex::default(), kept: Mutex::default() };
    let result = AssertUnwindSafe(test(&world)).catch_unwind().await;
    world.remove_tables().await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

/// A client of this server that gives each request so long, and waits little between them.
fn client(server: &str, patience: Duration) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(patience)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(MOST_ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(5));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(server)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .timeout_config(timeouts)
        .retry_config(retries)
        // Of its own, so that trouble in one test does not make the clients of others give up.
        .retry_partition(
            RetryPartition::custom("tests").token_bucket(TokenBucket::unlimited()).build(),
        )
        .build();
    Client::from_conf(config)
}

/// The same tables twice: asked directly, and through somebody who makes trouble.
#[expect(clippy::struct_field_names, reason = "it is what the field is")]
pub(crate) struct Troubled {
    pub(crate) direct: Dynamo,
    pub(crate) troubled: Dynamo,
    pub(crate) flaky: Flaky,
}

impl World {
    /// A client that asks the server itself.
    pub(crate) fn client(&self) -> Client {
        client(&self.server, Duration::from_secs(10))
    }

    /// A store with empty tables of its own, by this clock.
    pub(crate) async fn dynamo(&self, clock: &HandClock) -> Dynamo {
        let tables = self.tables().await;
        Dynamo::new(self.client(), tables, Arc::new(clock.clone()))
    }

    /// A store with empty tables of its own, by this clock, and trouble on the way to it as soon
    /// as somebody asks for that. Those who ask through it wait for [`SHORT`].
    pub(crate) async fn troubled(&self, clock: &HandClock) -> Troubled {
        let (tables, flaky) = (self.tables().await, Flaky::before(&self.server).await);
        let dynamo = |client| Dynamo::new(client, tables.clone(), Arc::new(clock.clone()));
        let troubled = dynamo(client(&flaky.url(), SHORT));
        Troubled { direct: dynamo(self.client()), troubled, flaky }
    }

    /// Empty tables, which nobody else knows.
    pub(crate) async fn tables(&self) -> Tables {
        let name = |table: Table| format!("event-hooks-test-{}-{table}", Uuid::new_v4());
        let tables = Tables {
            hooks: name(Table::Hooks),
            catalog: name(Table::Catalog),
            tokens: name(Table::Tokens),
            ledger: name(Table::Ledger),
        };
        let client = self.client();
        for table in Table::ALL {
            make(&client, tables.name(table)).await;
            self.made.lock().expect("nobody panics with it").push(tables.name(table).to_owned());
        }
        tables
    }

    /// Keeps this up for as long as the test takes.
    pub(crate) fn keep(&self, flaky: Flaky) {
        self.kept.lock().expect("nobody panics with it").push(flaky);
    }

    async fn remove_tables(&self) {
        let client = self.client();
        let made = std::mem::take(&mut *self.made.lock().expect("nobody panics with it"));
        for table in made {
            // A table that stays is no reason to fail what was tested.
            let _ = client.delete_table().table_name(table).send().await;
        }
    }
}

async fn make(client: &Client, name: &str) {
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, role) in [(PARTITION_KEY, KeyType::Hash), (SORT_KEY, KeyType::Range)] {
        let definition = AttributeDefinition::builder()
            .attribute_name(attribute)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder().attribute_name(attribute).key_type(role);
        request = request
            .attribute_definitions(definition.build().expect("it has a name and a type"))
            .key_schema(element.build().expect("it has a name and a role"));
    }
    request.send().await.expect("a new table");
    // At once where the server is a local one; a real one takes some seconds.
    for _ in 0..100 {
        let described = client.describe_table().table_name(name).send().await;
        let described = described.expect("a table that is there");
        let status = described.table.and_then(|it| it.table_status);
        if status.is_some_and(|it| it.as_str() == "ACTIVE") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{name} does not become active");
}

//! Clients, and queues in the server that `EVENT_HOOKS_TEST_SQS` names.

use std::{
    env,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Mutex,
    time::Duration,
};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig},
};
use futures_util::FutureExt as _;
use sqs::Queues;
use uuid::Uuid;

const SERVER: &str = "EVENT_HOOKS_TEST_SQS";

/// How long a client waits for one answer.
pub(crate) const ATTEMPT: Duration = Duration::from_millis(500);

/// How often a client repeats a request by itself.
pub(crate) const ATTEMPTS: u32 = 2;

/// The server, and the queues that a test has made there.
pub(crate) struct World {
    pub(crate) client: Client,
    made: Mutex<Vec<String>>,
}

/// Runs a test against the server, if there is one, and removes its queues, however it ends.
#[expect(clippy::print_stdout, reason = "whoever runs the tests is told what they left out")]
pub(crate) async fn with(test: impl AsyncFnOnce(&World)) {
    let Ok(server) = env::var(SERVER) else {
        println!("skipped: {SERVER} names no server: run it with `make unit`");
        return;
    };
    let world = World { client: client(&server, Duration::from_secs(5)), made: Mutex::default() };
    let result = AssertUnwindSafe(test(&world)).catch_unwind().await;
    for url in world.made.into_inner().expect("no test holds it") {
        let _ = world.client.delete_queue().queue_url(url).send().await;
    }
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

impl World {
    /// Two queues that are nobody else's.
    pub(crate) async fn queues(&self) -> Queues {
        let name = Uuid::new_v4();
        Queues {
            events: self.queue(&format!("{name}-events")).await,
            retries: self.queue(&format!("{name}-retries")).await,
        }
    }

    async fn queue(&self, name: &str) -> String {
        let made = self.client.create_queue().queue_name(name).send().await.expect("a new name");
        let url = made.queue_url.expect("it was made");
        self.made.lock().expect("nobody panics with it").push(url.clone());
        url
    }
}

/// A client as the functions have it, only less patient.
pub(crate) fn client(server: &str, attempt: Duration) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(attempt)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(10));
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(server)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .timeout_config(timeouts)
        .retry_config(retries)
        .build();
    Client::from_conf(config)
}

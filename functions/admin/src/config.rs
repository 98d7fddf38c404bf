//! How is the admin API set up? By its environment, read once.

use std::time::Duration;

use dynamodb::Tables;
use handlers::Setup;
use settings::{Environment, Wrong};
use sqs::Queues;

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) tables: Tables,
    pub(crate) queues: Queues,
    /// The ARN of the secret with the first admin token.
    pub(crate) admin_token_secret: String,
    /// For pings and tests.
    pub(crate) handlers: Setup,
    /// Do new hooks check their receiver's certificate, where they do not say?
    pub(crate) ssl_verify_default: bool,
    /// For how long deliveries are kept.
    pub(crate) retention: Duration,
}

impl Config {
    pub(crate) fn read(environment: &Environment) -> Result<Self, Wrong> {
        let table = |name| environment.text(name, "a table's name");
        let queue = |name| environment.text(name, "a queue's URL");
        Ok(Self {
            tables: Tables {
                hooks: table("EVENT_HOOKS_TABLE_HOOKS")?,
                catalog: table("EVENT_HOOKS_TABLE_CATALOG")?,
                tokens: table("EVENT_HOOKS_TABLE_TOKENS")?,
                ledger: table("EVENT_HOOKS_TABLE_LEDGER")?,
            },
            queues: Queues {
                events: queue("EVENT_HOOKS_QUEUE_EVENTS")?,
                retries: queue("EVENT_HOOKS_QUEUE_RETRIES")?,
            },
            admin_token_secret: environment.text(
                "EVENT_HOOKS_ADMIN_TOKEN_SECRET",
                "the ARN of the secret with the first admin token",
            )?,
            handlers: Setup::read(environment)?,
            ssl_verify_default: environment.ssl_verify_default()?,
            retention: environment.retention()?,
        })
    }
}

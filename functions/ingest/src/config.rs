//! How is ingest set up? By its environment, read once.

use dynamodb::Tables;
use settings::{Environment, Wrong};
use sqs::Queues;

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Config {
    /// Only catalog and tokens: it has no business with the others.
    pub(crate) tables: Tables,
    /// Only `events`: it has no business with the other.
    pub(crate) queues: Queues,
    /// The ARN of the secret with the first admin token.
    pub(crate) admin_token_secret: String,
}

impl Config {
    pub(crate) fn read(environment: &Environment) -> Result<Self, Wrong> {
        Ok(Self {
            tables: Tables {
                hooks: String::new(),
                catalog: environment.text("EVENT_HOOKS_TABLE_CATALOG", "a table's name")?,
                tokens: environment.text("EVENT_HOOKS_TABLE_TOKENS", "a table's name")?,
                ledger: String::new(),
            },
            queues: Queues {
                events: environment.text("EVENT_HOOKS_QUEUE_EVENTS", "a queue's URL")?,
                retries: String::new(),
            },
            admin_token_secret: environment.text(
                "EVENT_HOOKS_ADMIN_TOKEN_SECRET",
                "the ARN of the secret with the first admin token",
            )?,
        })
    }
}

//! How is the dispatcher set up? By its environment, read once.

use dynamodb::Tables;
use handlers::Setup;
use hooks::deliver::Logging;
use settings::{Environment, Wrong};
use sqs::{DeadLetters, Queues};

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) tables: Tables,
    pub(crate) queues: Queues,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) handlers: Setup,
    pub(crate) logging: Logging,
}

impl Config {
    pub(crate) fn read(environment: &Environment) -> Result<Self, Wrong> {
        let table = |name| environment.text(name, "a table's name");
        let queue = |name| environment.text(name, "a queue's URL");
        let dead_letters = |name| environment.text(name, "the ARN of a dead-letter queue");
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
            dead_letters: DeadLetters {
                events: dead_letters("EVENT_HOOKS_DEAD_EVENTS_ARN")?,
                retries: dead_letters("EVENT_HOOKS_DEAD_RETRIES_ARN")?,
            },
            handlers: Setup::read(environment)?,
            logging: Logging {
                log: environment.delivery_log()?,
                retention: environment.retention()?,
            },
        })
    }
}

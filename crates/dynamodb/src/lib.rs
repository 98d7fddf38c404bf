//! Hooks, catalog, tokens and ledger in Amazon `DynamoDB`.
//!
//! Everything is read consistently and from base tables, never by an index of `DynamoDB`'s: a
//! change that was answered is seen by every later call, on every instance.

mod tables;
mod fault;
mod item;
mod requests;
mod transaction;
mod hooks;
mod catalog;
mod tokens;
mod ledger;

use std::{fmt, sync::Arc};

use ::hooks::ports::Clock;
use aws_sdk_dynamodb::Client;

pub use self::ledger::DeadLetter;
pub use self::tables::{PARTITION_KEY, SORT_KEY, TIME_TO_LIVE, Table, Tables};

/// Everything that is remembered. It is one client, and cheap to clone.
#[derive(Clone)]
pub struct Dynamo {
    client: Client,
    tables: Tables,
    clock: Arc<dyn Clock>,
}

impl Dynamo {
    /// What stands in these tables, which are there already.
    pub fn new(client: Client, tables: Tables, clock: Arc<dyn Clock>) -> Self {
        Self { client, tables, clock }
    }
}

impl fmt::Debug for Dynamo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Dynamo").field("tables", &self.tables).finish_non_exhaustive()
    }
}

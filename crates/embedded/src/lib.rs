//! Everything remembered in one folder on one machine, with SQLite: hooks, catalog, tokens, the
//! ledger and both queues.
//!
//! One thread writes, in groups that share a commit; a few connections read. Reading order:
//! `open`, `writer`, `reader`, then a module for each thing that is remembered.

mod open;
mod schema;
mod writer;
mod reader;
mod fault;
mod paging;
#[cfg(test)]
mod plan;

mod hooks;
mod catalog;
mod tokens;
mod ledger;
mod queue;
mod sweep;
mod probe;

use std::{path::Path, sync::Arc};

use ::hooks::{
    ports::{Clock, PortResult},
    time::Timestamp,
};
use rusqlite::Connection;

pub use open::OpenError;
pub use queue::{Depth, Message, Waiting};

use crate::{
    fault::Fault,
    queue::Queues,
    reader::Readers,
    writer::{Terms, Writer},
};

/// Everything that one machine remembers. Clones are the same store.
///
/// When the last clone is dropped, what was asked is finished and written, and the folder is free
/// for the next process. That drop waits for the disk.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// Dropped before the writer, which gives the folder back.
    readers: Readers,
    writer: Writer,
    queues: Queues,
    clock: Arc<dyn Clock>,
}

impl Store {
    /// Opens the store in this folder, and makes it where there is none. Leases of a process that
    /// died are void from here on.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let opened = open::open(folder)?;
        let backlog = Arc::new(opened.backlog);
        let inner = Inner {
            readers: Readers::start(opened.reading),
            writer: Writer::start(opened.writing, opened.lock, Arc::clone(&backlog)),
            queues: Queues::with(opened.last_task, backlog),
            clock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Changes something, in one step.
    async fn write<T: Send + 'static>(
        &self,
        terms: Terms,
        deed: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        self.inner.writer.inbox().write(terms, deed).await
    }

    /// Looks at everything that was answered so far.
    async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        self.inner.readers.read(what, query).await
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}

//! Who reads? A few connections, each of which sees all that was committed when it is asked.
//! Writes are answered after their commit, so that everybody reads what was answered.

use std::sync::{Arc, Mutex, PoisonError};

use hooks::ports::{PortError, PortResult};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::fault::Fault;

/// Connections that read, one query each at a time, off the threads that must not block.
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    seats: Arc<Semaphore>,
}

impl Readers {
    /// How many read at once.
    pub(crate) const COUNT: usize = 4;

    /// Readers with these connections.
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let seats = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), seats }
    }

    /// Runs a query as soon as a connection is free.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        let closed = |_| PortError::Unavailable { what, source: "it is shutting down".into() };
        let seat = Arc::clone(&self.seats).acquire_owned().await.map_err(closed)?;
        let idle = Arc::clone(&self.idle);
        let reading = tokio::task::spawn_blocking(move || {
            let connection = locked(&idle).pop().expect("a seat for each connection");
            let found = query(&connection);
            locked(&idle).push(connection);
            drop(seat);
            found
        });
        match reading.await {
            Ok(found) => found.map_err(|fault| fault.of(what)),
            Err(error) => Err(PortError::Unavailable { what, source: error.into() }),
        }
    }
}

fn locked(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

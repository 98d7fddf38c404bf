//! Who reads? A few threads, each with a connection, which see all that was committed when they
//! look. Writes are answered after their commit, so that everybody reads what was answered.
//!
//! Threads of our own, because a query takes a few microseconds: the runtime's threads for
//! blocking work cost several times that for each.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use hooks::ports::{PortError, PortResult};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::fault::Fault;

/// The threads, from their start to their end.
pub(crate) struct Readers {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
}

type Query = Box<dyn FnOnce(&Connection) + Send>;

/// Where queries wait for a thread.
#[derive(Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

#[derive(Default)]
struct Waiting {
    queries: VecDeque<Query>,
    is_closed: bool,
}

impl Readers {
    /// How many read at once: one slow list leaves room for others.
    pub(crate) const COUNT: usize = 4;

    /// Starts a thread for each of these connections.
    pub(crate) fn start(connections: Vec<Connection>) -> Self {
        let desk = Arc::new(Desk::default());
        let start = |connection| {
            let desk = Arc::clone(&desk);
            std::thread::spawn(move || desk.serve(&connection))
        };
        let threads = connections.into_iter().map(start).collect();
        Self { desk, threads }
    }

    /// Runs a query as soon as a thread is free, unless nobody waits for it any more.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> PortResult<T> {
        let (answer, answered) = oneshot::channel();
        self.desk.hand_in(Box::new(move |connection| {
            if !answer.is_closed() {
                // Who stopped waiting just now needs no answer.
                let _ = answer.send(query(connection));
            }
        }));
        match answered.await {
            Ok(found) => found.map_err(|fault| fault.of(what)),
            Err(error) => Err(PortError::Unavailable { what, source: error.into() }),
        }
    }
}

impl Drop for Readers {
    /// Lets the threads finish what waits.
    fn drop(&mut self) {
        self.desk.waiting().is_closed = true;
        self.desk.bell.notify_all();
        for thread in self.threads.drain(..) {
            // It has no answer, and if it panicked it has said so.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn hand_in(&self, query: Query) {
        self.waiting().queries.push_back(query);
        self.bell.notify_one();
    }

    /// Runs queries until the desk is closed and none waits.
    fn serve(&self, connection: &Connection) {
        while let Some(query) = self.next() {
            query(connection);
        }
    }

    fn next(&self) -> Option<Query> {
        let is_idle = |waiting: &mut Waiting| waiting.queries.is_empty() && !waiting.is_closed;
        let waiting = self.bell.wait_while(self.waiting(), is_idle);
        waiting.unwrap_or_else(PoisonError::into_inner).queries.pop_front()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const WHAT: &str = "the test";

    fn readers(count: usize) -> Readers {
        Readers::start((0..count).map(|_| Connection::open_in_memory().unwrap()).collect())
    }

    fn one(connection: &Connection) -> Result<i64, Fault> {
        Ok(connection.query_row("SELECT 1", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_slow_query_leaves_room_for_others() {
        let readers = readers(2);
        let (let_go, held) = mpsc::channel::<()>();
        let slow = readers.read(WHAT, move |connection| {
            held.recv().unwrap();
            one(connection)
        });
        let others = async {
            for _ in 0..10 {
                assert_eq!(readers.read(WHAT, one).await.unwrap(), 1);
            }
            let_go.send(()).unwrap();
        };
        let (slow, ()) = tokio::join!(slow, others);
        assert_eq!(slow.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_query_that_fails_is_answered_and_harms_no_other() {
        let readers = readers(1);
        let wrong = readers.read(WHAT, |connection| {
            Ok(connection.query_row("SELECT * FROM nowhere", [], |row| row.get::<_, i64>(0))?)
        });
        let error = wrong.await.unwrap_err().to_string();
        assert!(error.starts_with("the test is unavailable: no such table"), "{error}");
        assert_eq!(readers.read(WHAT, one).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_query_that_nobody_waits_for_is_not_run() {
        let readers = readers(1);
        let (let_go, held) = mpsc::channel::<()>();
        let (ran, has_run) = mpsc::channel();
        let mut slow = Box::pin(readers.read(WHAT, move |connection| {
            held.recv().unwrap();
            one(connection)
        }));
        let mut left = Box::pin(readers.read(WHAT, move |connection| {
            ran.send(()).unwrap();
            one(connection)
        }));
        tokio::select! {
            biased;
            _ = &mut slow => panic!("it is held"),
            _ = &mut left => panic!("the only thread is held"),
            () = std::future::ready(()) => {}
        }
        drop(left);
        let_go.send(()).unwrap();
        slow.await.unwrap();
        assert_eq!(readers.read(WHAT, one).await.unwrap(), 1);
        assert!(has_run.try_recv().is_err());
    }
}

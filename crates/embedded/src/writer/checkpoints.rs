//! Who copies SQLite's log into the database, and when?
//!
//! Not the writer: a log of 32 MiB takes a tenth of a second, for which everybody would wait who is
//! owed a commit. A thread with a connection of its own copies while the writer goes on. What was
//! added meanwhile is little, and the writer copies that itself: only when nothing is left can the
//! log begin anew, and while others go on writing something always is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, TryRecvError},
    },
    thread::JoinHandle,
};

use rusqlite::{Connection, hooks::Wal};

/// How many pages (of 4 KiB) the log may have before it is copied: less often than SQLite would, for
/// each time costs fsyncs.
const ENOUGH: u32 = 8 * 1_024;

/// How many pages the writer copies itself: some milliseconds' worth.
const LITTLE: u32 = 512;

/// How often the thread goes on after what was added while it copied.
const ROUNDS: usize = 4;

/// The thread, from its start to its end, and what the writer knows of it.
pub(super) struct Checkpoints {
    /// How many pages the log had after the last commit.
    pages: Arc<AtomicU32>,
    /// How many it has to have before it is copied.
    enough: u32,
    is_copying: bool,
    asks: Option<mpsc::Sender<()>>,
    answers: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread, with a connection of its own to what `writing` writes. The writer copies
    /// nothing by itself from here on.
    pub(super) fn start(writing: &mut Connection, copying: Connection) -> Self {
        let pages = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&pages);
        let note = move |_: &mut Wal, pages| {
            seen.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        writing.wal_hook(Some(note)).expect("there is memory for a hook");
        let (asks, asked) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            while asked.recv().is_ok() {
                copy_most(&copying);
                if answer.send(()).is_err() {
                    return;
                }
            }
        });
        let asks = Some(asks);
        Self { pages, enough: ENOUGH, is_copying: false, asks, answers, thread: Some(thread) }
    }

    /// Sees to the log after a commit of the writer.
    pub(super) fn after_commit(&mut self, writing: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if !self.is_copying && pages >= self.enough {
            self.is_copying = true;
            if let Some(asks) = &self.asks {
                // A thread that is gone does not answer either.
                let _ = asks.send(());
            }
        }
        if self.is_copying && !matches!(self.answers.try_recv(), Err(TryRecvError::Empty)) {
            self.is_copying = false;
            // Where a reader needs what is older, the log goes on growing for a while.
            let left = copy(writing).unwrap_or(pages);
            self.enough = if left == 0 { ENOUGH } else { pages + ENOUGH / 4 };
        }
    }
}

impl Drop for Checkpoints {
    /// Lets the thread finish what it copies.
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            // It has no answer, and if it panicked it has said so.
            let _ = thread.join();
        }
    }
}

/// Copies until little is left.
fn copy_most(copying: &Connection) {
    for _ in 0..ROUNDS {
        if copy(copying).is_none_or(|left| left <= LITTLE) {
            return;
        }
    }
}

/// Copies what nobody needs any more in the log; answers how many pages are left there. A disk that
/// is full or fails stops this as it stops the writer, whose jobs are told; the log has everything
/// until it is copied.
fn copy(connection: &Connection) -> Option<u32> {
    let copied = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let (log, copied): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(u32::try_from(log - copied).unwrap_or(0))
    });
    copied
        .inspect_err(
            |error| tracing::warn!(%error, "SQLite's log was not copied; it is tried again"),
        )
        .ok()
}

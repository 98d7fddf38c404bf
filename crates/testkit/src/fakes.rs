//! Every port in memory, each proved by its suite.
//!
//! Clones share what they hold, so that a test keeps one and hands another in. `fail_next` makes
//! a call answer that it is unavailable, once, having done nothing.

mod clock;
mod faults;
mod handlers;
mod ledger;
mod queue;
mod store;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use clock::HandClock;
pub use handlers::{Ran, Script, ScriptedHandlers};
pub use ledger::{LedgerCall, MemoryLedger};
pub use queue::{MemoryQueue, Sent};
pub use store::MemoryStore;

/// A test that panicked while it held the lock has left nothing half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Does an adapter keep the promises of its port? One suite a port, for every adapter and fake.
//!
//! A suite is handed what makes a fresh, empty adapter, and runs each of its checks against one.
//! A check is a function whose name is the sentence that it proves. Adapters go by the clock that
//! they are made with, so that time in a suite moves by hand.

pub mod catalog_store;
pub mod clock;
pub mod handlers;
pub mod hook_store;
pub mod ledger;
pub mod task_queue;
pub mod token_store;

mod pages;
mod races;

/// Runs checks, each with a subject of its own. What a port cannot do is a check that failed.
macro_rules! check_each {
    ($subject:expr => $($check:path),+ $(,)?) => {$(
        if let Err(error) = $check(&$subject).await {
            panic!("{}: {error}", stringify!($check));
        }
    )+};
}
use check_each;

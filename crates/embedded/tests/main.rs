//! The store from outside: the ports' suites, what a folder may be, what outlives a process.

mod lists;
mod opening;
mod queue;
mod recorded;
mod suites;
mod surviving;

use std::{path::Path, sync::Arc};

use embedded::Store;
use testkit::fakes::HandClock;

/// A store in this folder that goes by this clock.
fn open(folder: &Path, clock: &HandClock) -> Store {
    Store::open(folder, Arc::new(clock.clone())).expect("the folder is ours")
}

/// A folder that is gone after the test.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

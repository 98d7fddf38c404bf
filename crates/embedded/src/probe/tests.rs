use std::{fs, sync::Arc};

use hooks::{
    delivery::{Delivery, Record, State},
    event::Event,
    ports::{HookStore, Ledger, PortError, TaskQueue},
    task::Queue,
};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use testkit::{
    builders::{
        START, at, attempt_step, data, dispatch, event, failing, hook, outgoing, record_of,
        recovery,
    },
    fakes::HandClock,
};

use super::*;
use crate::fault::Fault;

const TERMS: Terms = Terms::asked("the test", Survives::Process, 0);

/// A store, and the folder that it is in.
struct World {
    store: Store,
    folder: TempDir,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Arc::new(HandClock::default())).unwrap();
    World { store, folder }
}

/// An event that no page has room for.
fn large_event() -> Event {
    Event { data: data(json!({"filler": "x".repeat(100_000)})), ..event() }
}

fn large_record() -> Record {
    let delivery = Delivery::first(&hook(), large_event());
    record_of(delivery, attempt_step(1), State::Delivered)
}

impl World {
    /// Leaves no room for another page, or all that anybody could want.
    async fn leave_room(&self, is_there_any: bool) {
        let pages = if is_there_any { 1_000_000 } else { 1 };
        let limit = move |connection: &Connection| {
            Ok(connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
        };
        self.store.write(TERMS, limit).await.unwrap();
    }

    /// What comes of each kind of large writing.
    async fn write_all(&self) -> Vec<(&'static str, PortResult<()>)> {
        let store = &self.store;
        vec![
            ("a task", store.send(vec![outgoing(dispatch(large_event()))]).await),
            ("a record", store.record(&large_record(), at(60)).await),
        ]
    }

    /// What comes of each kind of small one.
    async fn write_a_little(&self) -> Vec<(&'static str, PortResult<()>)> {
        let (store, hook) = (&self.store, hook());
        let health = store.keep_health(hook.id, hook.generation, &failing(1), 0, at(60)).await;
        vec![
            ("a hook", store.insert(&hook).await),
            ("health", health),
            ("a recovery", store.keep_recovery(&recovery(), at(60)).await),
            ("a sweep", store.sweep(10).await.map(drop)),
            ("a probe", store.probe().await),
        ]
    }
}

fn assert_unavailable(results: Vec<(&str, PortResult<()>)>, because: &str) {
    for (name, result) in results {
        let error = result.expect_err(name);
        assert!(matches!(error, PortError::Unavailable { .. }), "{name}: {error}");
        assert!(error.to_string().contains(because), "{name}: {error}");
    }
}

fn assert_written(results: Vec<(&str, PortResult<()>)>) {
    for (name, result) in results {
        assert!(result.is_ok(), "{name}: {result:?}");
    }
}

#[tokio::test]
async fn a_probe_writes_and_changes_nothing() {
    let world = world();
    let log = || fs::metadata(world.folder.path().join("event-hooks.db-wal")).unwrap().len();
    let before = log();
    world.store.probe().await.unwrap();
    assert!(log() > before, "it came as far as the disk");
    let World { store, folder } = world;
    drop(store);
    Store::open(folder.path(), Arc::new(HandClock::default())).expect("as good as before");
}

#[tokio::test]
async fn a_probe_shows_that_nobody_writes() {
    let World { store, folder: _folder } = world();
    let panicking =
        store.write(TERMS, |_| -> Result<(), Fault> { panic!("a test wants the thread dead") });
    assert!(panicking.await.is_err());
    let error = store.probe().await.unwrap_err().to_string();
    assert_eq!(error, "the store is unavailable: its writer has stopped");
}

#[tokio::test]
async fn on_a_full_disk_what_is_there_is_worked_off_and_nothing_is_taken() {
    let world = world();
    world.store.send(vec![outgoing(dispatch(large_event()))]).await.unwrap();
    let kept = large_record();
    world.store.record(&kept, at(60)).await.unwrap();

    world.leave_room(false).await;
    for _ in 0..3 {
        assert_unavailable(world.write_all().await, "full");
    }
    let entry = world.store.delivery(kept.delivery.id(), START).await.unwrap();
    assert_eq!(entry.unwrap().delivery, kept.delivery, "it can be read");
    let messages = world.store.receive(Queue::Events, 10).await.unwrap();
    assert_eq!(messages.len(), 1, "what was taken before, and nothing of what was refused");
    world.store.acknowledge(&[messages[0].id]).await.unwrap();
    world.store.send(vec![outgoing(dispatch(large_event()))]).await.expect("that made room");

    world.leave_room(true).await;
    assert_written(world.write_all().await);
    assert_written(world.write_a_little().await);
}

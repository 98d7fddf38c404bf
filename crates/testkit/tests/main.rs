//! The fakes keep the promises that the adapters keep: both run the same suites.

mod lambda_host;

use std::sync::Arc;

use testkit::{
    fakes::{HandClock, MemoryLedger, MemoryQueue, MemoryStore, ScriptedHandlers},
    suites,
};

#[tokio::test(flavor = "multi_thread")]
async fn hook_store() {
    suites::hook_store::run(async |clock: HandClock| {
        let ledger = MemoryLedger::new(&clock);
        let store = Arc::new(MemoryStore::beside(&ledger));
        suites::hook_store::Subject { store, ledger: Arc::new(ledger) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_store() {
    suites::catalog_store::run(async || Arc::new(MemoryStore::default()) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_store() {
    suites::token_store::run(async || Arc::new(MemoryStore::default()) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger() {
    suites::ledger::run(async |clock| Arc::new(MemoryLedger::new(&clock)) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison() {
    suites::ledger::poison::run(async |clock| {
        let ledger = Arc::new(MemoryLedger::new(&clock));
        suites::ledger::poison::Subject { ledger: ledger.clone(), undertaker: ledger }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn task_queue() {
    suites::task_queue::run(async |clock| Arc::new(MemoryQueue::new(&clock)) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers() {
    suites::handlers::run(Arc::new(ScriptedHandlers::default())).await;
}

#[test]
fn clock() {
    suites::clock::run(&HandClock::default());
}

//! The ports' suites, each check on a folder of its own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use embedded::{Message, Store};
use hooks::{
    id::PoisonId,
    ports::{Ledger, Outgoing, PageRequest, Poison, PortResult, TaskQueue},
    task::{Queue, Task},
};
use testkit::{
    fakes::HandClock,
    suites::{
        self,
        ledger::poison::Burying,
        task_queue::{Received, Receiving},
    },
};

use crate::{folder, open};

/// What makes fresh stores, and the folder that they stand in.
struct Fresh(tempfile::TempDir);

impl Fresh {
    fn store(&self, clock: &HandClock) -> Store {
        let folder = tempfile::tempdir_in(self.0.path()).expect("a folder within the folder");
        // It goes with the one that it stands in.
        open(&folder.keep(), clock)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_store() {
    let fresh = Fresh(folder());
    suites::hook_store::run(async |clock| {
        let store = Arc::new(fresh.store(&clock));
        suites::hook_store::Subject { store: store.clone(), ledger: store }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_store() {
    let fresh = Fresh(folder());
    suites::catalog_store::run(async || Arc::new(fresh.store(&HandClock::default())) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_store() {
    let fresh = Fresh(folder());
    suites::token_store::run(async || Arc::new(fresh.store(&HandClock::default())) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger() {
    let fresh = Fresh(folder());
    suites::ledger::run(async |clock| Arc::new(fresh.store(&clock)) as _).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison() {
    let fresh = Fresh(folder());
    suites::ledger::poison::run(async |clock: HandClock| {
        let store = fresh.store(&clock);
        let undertaker = Arc::new(BothHalves { store: store.clone(), clock });
        suites::ledger::poison::Subject { ledger: Arc::new(store), undertaker }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn task_queue() {
    let fresh = Fresh(folder());
    suites::task_queue::run(async |clock: HandClock| {
        Arc::new(BothHalves { store: fresh.store(&clock), clock }) as _
    })
    .await;
}

/// The queue as the suite wants it.
struct BothHalves {
    store: Store,
    clock: HandClock,
}

fn received(message: &Message) -> Received {
    Received {
        handle: message.id.to_string(),
        task: Task::decode(&message.body).expect("it was sent as a task"),
        receives: message.receives,
    }
}

fn id(received: &Received) -> i64 {
    received.handle.parse().expect("made from an id")
}

#[async_trait]
impl TaskQueue for BothHalves {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        self.store.send(tasks).await
    }
}

#[async_trait]
impl Receiving for BothHalves {
    async fn receive(&self, queue: Queue, most: usize) -> PortResult<Vec<Received>> {
        Ok(self.store.receive(queue, most).await?.iter().map(received).collect())
    }

    async fn acknowledge(&self, received: &Received) -> PortResult<()> {
        self.store.acknowledge(&[id(received)]).await
    }

    async fn release(&self, received: &Received, delay: Duration) -> PortResult<()> {
        self.store.release(id(received), delay).await
    }

    async fn wait(&self, span: Duration) {
        self.clock.advance(span);
    }
}

#[async_trait]
impl Burying for BothHalves {
    /// Lives the message's life: sent, handed out so often, and given up.
    async fn bury(&self, poison: &Poison) -> PortResult<PoisonId> {
        let task = Task::decode(&poison.body).expect("the text of a task");
        let (queue, delay, group) = (poison.queue, Duration::ZERO, "a group".to_owned());
        self.clock.set(poison.sent);
        self.store.send(vec![Outgoing { queue, task, delay, group }]).await?;
        let mut id = 0;
        for _ in 0..poison.receives {
            let handed_out = self.store.receive(queue, 1).await?.remove(0);
            self.store.release(handed_out.id, delay).await?;
            id = handed_out.id;
        }
        self.clock.set(poison.buried);
        self.store.bury(id, &poison.reason).await?;
        // The highest number is the latest's.
        let page = PageRequest { size: 1_000, after: None };
        let latest = self.store.poisons(page).await?.items.pop();
        Ok(latest.expect("it was put aside just now").id)
    }
}

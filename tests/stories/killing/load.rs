//! Clients that go on posting, whatever becomes of the server.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::tally::Tally;
use crate::world::{self, PATIENCE, json_body};

/// What was accepted of each event, and when the answer was there.
pub(super) type Accepted = BTreeMap<(&'static str, u64), Instant>;

/// Some clients. They stop when they are told to.
pub(super) struct Load {
    door: Arc<Door>,
    clients: JoinSet<()>,
}

/// The way in, and what went through it.
struct Door {
    url: Mutex<String>,
    client: Client,
    closed: AtomicBool,
    numbers: AtomicU64,
    unanswered: AtomicUsize,
    accepted: Mutex<Accepted>,
}

impl Load {
    /// Begins to post to the server at this address. Whoever posts what `halting` counts waits
    /// until it has arrived.
    pub(super) fn begin(url: &str, halting: Tally) -> Self {
        let door = Arc::new(Door {
            url: Mutex::new(url.to_owned()),
            client: world::client(),
            closed: AtomicBool::new(false),
            numbers: AtomicU64::new(1),
            unanswered: AtomicUsize::new(0),
            accepted: Mutex::default(),
        });
        let mut clients = JoinSet::new();
        for _ in 0..2 {
            clients.spawn(one_by_one(Arc::clone(&door)));
        }
        clients.spawn(in_batches(Arc::clone(&door)));
        clients.spawn(each_state_twice(Arc::clone(&door)));
        clients.spawn(until_answered(Arc::clone(&door)));
        clients.spawn(one_at_a_time(Arc::clone(&door), halting));
        Self { door, clients }
    }

    /// From now on the server is at this address.
    pub(super) fn moves_to(&self, url: &str) {
        url.clone_into(&mut self.door.url.lock().unwrap());
    }

    /// Ends, and answers what was accepted, and how many posts were not answered.
    pub(super) async fn end(self) -> (Accepted, usize) {
        self.door.closed.store(true, Ordering::SeqCst);
        self.clients.join_all().await;
        let accepted = self.door.accepted.lock().unwrap().clone();
        (accepted, self.door.unanswered.load(Ordering::SeqCst))
    }
}

impl Door {
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    /// Goes through once, and waits a little; breaks when it is closed.
    async fn pause(&self, milliseconds: u64) -> ControlFlow<()> {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        if self.closed.load(Ordering::SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Posts events of this name with these numbers; answers whether they were accepted. Nobody
    /// knows what became of them where they were not.
    async fn post(&self, event: &'static str, numbers: &[u64], more: Value) -> bool {
        let of_number = |number: &u64| {
            let mut data = json!({"number": number});
            data.as_object_mut()
                .unwrap()
                .extend(more["data"].as_object().cloned().unwrap_or_default());
            let mut event = json!({"source": "chaos", "event": event, "data": data});
            if let Some(id) = more.get("id") {
                event["id"] = id.clone();
            }
            event
        };
        let events: Value = numbers.iter().map(of_number).collect();
        let url = format!("{}/events", self.url.lock().unwrap());
        let answered = json_body(self.client.post(url), &events).send().await;
        let Ok(answer) = answered else {
            self.unanswered.fetch_add(1, Ordering::SeqCst);
            // There is no server just now.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return false;
        };
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let at = Instant::now();
        let mut accepted = self.accepted.lock().unwrap();
        accepted.extend(numbers.iter().map(|number| ((event, *number), at)));
        true
    }
}

async fn one_by_one(door: Arc<Door>) {
    while door.pause(10).await.is_continue() {
        door.post("plain", &[door.number()], Value::Null).await;
    }
}

async fn in_batches(door: Arc<Door>) {
    while door.pause(200).await.is_continue() {
        let numbers: Vec<_> = (0..20).map(|_| door.number()).collect();
        door.post("plain", &numbers, Value::Null).await;
    }
}

/// A thing that changes, and says everything twice.
async fn each_state_twice(door: Arc<Door>) {
    while door.pause(10).await.is_continue() {
        let number = door.number();
        for _ in 0..2 {
            door.post("state", &[number], json!({"data": {"thing": "the same"}})).await;
        }
    }
}

/// Gives each event an id, and posts it until it knows that it was accepted.
async fn until_answered(door: Arc<Door>) {
    while door.pause(10).await.is_continue() {
        let number = door.number();
        let id = json!({"id": format!("once-{number}")});
        while !door.post("once", &[number], id.clone()).await {}
    }
}

/// Waits for each event to arrive before it posts the next one.
async fn one_at_a_time(door: Arc<Door>, arrived: Tally) {
    // Numbers of its own, of which none is left out while the server is away.
    let mut number = 0;
    while door.pause(5).await.is_continue() {
        if !door.post("halting", &[number], Value::Null).await {
            continue;
        }
        let posted = Instant::now();
        while !arrived.has(number) {
            assert!(posted.elapsed() < PATIENCE, "{number} was accepted and did not arrive");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        number += 1;
    }
}

//! What arrived, and does it make up for what was accepted?

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Instant,
};

use serde_json::Value;
use testkit::receiver::Received;

/// What receivers have seen of one hook. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    arrivals: Vec<Arrival>,
    /// How often each delivery was answered with success.
    taken: BTreeMap<String, usize>,
    /// The deliveries that each number came with.
    numbers: BTreeMap<u64, BTreeSet<String>>,
}

/// A request, as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    /// What it was about.
    pub(super) number: u64,
    /// When.
    pub(super) at: Instant,
}

impl Tally {
    /// Notes a request that is refused for now.
    pub(super) fn refuse(&self, request: &Received) {
        self.note(request, false);
    }

    /// Notes a request that is taken.
    pub(super) fn take(&self, request: &Received) {
        self.note(request, true);
    }

    /// Has any request of this delivery come before?
    pub(super) fn knows(&self, request: &Received) -> bool {
        let (number, delivery) = read(request);
        let seen = self.0.lock().unwrap();
        number.is_some_and(|it| seen.numbers.get(&it).is_some_and(|all| all.contains(&delivery)))
    }

    /// Has this come, whether it was taken or not?
    pub(super) fn has(&self, number: u64) -> bool {
        self.0.lock().unwrap().numbers.contains_key(&number)
    }

    /// Which of these were never taken?
    pub(super) fn missing(&self, owed: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let seen = self.0.lock().unwrap();
        let taken = |number: &u64| {
            seen.numbers
                .get(number)
                .is_some_and(|all| all.iter().any(|it| seen.taken.contains_key(it)))
        };
        owed.into_iter().filter(|number| !taken(number)).collect()
    }

    /// What came as more than one delivery.
    pub(super) fn announced_twice(&self) -> Vec<u64> {
        let seen = self.0.lock().unwrap();
        seen.numbers.iter().filter(|(_, all)| all.len() > 1).map(|(number, _)| *number).collect()
    }

    /// The ids of the deliveries that were taken.
    pub(super) fn deliveries(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().taken.keys().cloned().collect()
    }

    /// How many requests came for what had been taken already.
    pub(super) fn duplicates(&self) -> usize {
        self.0.lock().unwrap().taken.values().map(|times| times - 1).sum()
    }

    /// Everything that came, in its order.
    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        self.0.lock().unwrap().arrivals.clone()
    }

    fn note(&self, request: &Received, taken: bool) {
        // A ping has no number, and nobody counts on it.
        let (Some(number), delivery) = read(request) else { return };
        let mut seen = self.0.lock().unwrap();
        seen.arrivals.push(Arrival { number, at: request.at });
        seen.numbers.entry(number).or_default().insert(delivery.clone());
        if taken {
            *seen.taken.entry(delivery).or_default() += 1;
        }
    }
}

/// What a request is about, and which delivery it is of.
fn read(request: &Received) -> (Option<u64>, String) {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let delivery = request.header("webhook-id").expect("every request has one");
    (body["number"].as_u64(), delivery.to_owned())
}

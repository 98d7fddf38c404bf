//! Which tasks go into one request?

use std::collections::HashMap;

use hooks::task::Queue;

use crate::entry::{Entry, MOST_BYTES};

/// How many messages a request has at most.
const MOST_ENTRIES: usize = 10;

/// The tasks of one request: of one queue, few enough and small enough.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) queue: Queue,
    pub(crate) entries: Vec<Entry>,
    bytes: usize,
}

impl Batch {
    fn has_room(&self, entry: &Entry) -> bool {
        self.entries.len() < MOST_ENTRIES && self.bytes + entry.body.len() <= MOST_BYTES
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.body.len();
        self.entries.push(entry);
    }
}

/// Puts tasks into requests: the tasks of each queue in their order.
pub(crate) fn batches(entries: Vec<Entry>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut open: HashMap<Queue, usize> = HashMap::new();
    for entry in entries {
        match open.get(&entry.queue) {
            Some(&last) if batches[last].has_room(&entry) => batches[last].push(entry),
            _ => {
                open.insert(entry.queue, batches.len());
                let (queue, bytes) = (entry.queue, entry.body.len());
                batches.push(Batch { queue, entries: vec![entry], bytes });
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: Queue = Queue::Events;
    const RETRIES: Queue = Queue::Retries;

    fn entries(sizes: &[(Queue, usize)]) -> Vec<Entry> {
        let entry = |(number, &(queue, size)): (usize, &(Queue, usize))| Entry {
            queue,
            body: "x".repeat(size),
            delay_seconds: i32::try_from(number).unwrap(),
            group: String::new(),
        };
        sizes.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn tasks_share_requests_that_are_small_enough() {
        let (small, half) = (64 * 1024, MOST_BYTES / 2);
        for (name, sizes, expected) in [
            ("nothing", vec![], vec![]),
            ("one", vec![(EVENTS, 1)], vec![1]),
            ("as many as a request may have", vec![(EVENTS, small); 10], vec![10]),
            ("one more", vec![(EVENTS, small); 11], vec![10, 1]),
            ("as much as a request may have", vec![(EVENTS, half); 2], vec![2]),
            ("a byte more", vec![(EVENTS, half), (EVENTS, half + 1)], vec![1, 1]),
            ("the largest", vec![(EVENTS, MOST_BYTES); 2], vec![1, 1]),
            ("two queues by turns", [(EVENTS, 1), (RETRIES, 1)].repeat(5), vec![5, 5]),
        ] {
            let sent = entries(&sizes);
            let batches = batches(sent.clone());
            let counts: Vec<_> = batches.iter().map(|it| it.entries.len()).collect();
            assert_eq!(counts, expected, "{name}");
            for queue in [EVENTS, RETRIES] {
                let of = |it: &Entry| it.queue == queue;
                let packed = batches.iter().filter(|it| it.queue == queue);
                let packed: Vec<_> = packed.flat_map(|it| it.entries.clone()).collect();
                let expected: Vec<_> = sent.iter().filter(|it| of(it)).cloned().collect();
                assert!(packed == expected, "{name}: in order");
            }
        }
    }
}

//! How is what there was no time for sent on? First attempts of one event share a task.

use std::{collections::HashMap, time::Duration};

use super::Dispatcher;
use crate::{
    deliver::Left,
    event::Event,
    id::OccurrenceId,
    ports::Outgoing,
    task::{Owed, Queue, Task},
};

/// Attempts that were owed and not begun.
#[derive(Default)]
pub(super) struct Leftover {
    first: HashMap<OccurrenceId, (Event, Vec<Owed>)>,
    others: Vec<Outgoing>,
}

impl Leftover {
    pub(super) fn add(&mut self, left: Left) {
        match left {
            Left::First(delivery) => {
                let owed = Owed::from(&*delivery);
                let of_event = self.first.entry(delivery.event.id);
                of_event.or_insert_with(|| (delivery.event, Vec::new())).1.push(owed);
            }
            Left::Retry(retry) => self.others.push(Outgoing {
                queue: Queue::Retries,
                group: retry.delivery.hook.to_string(),
                task: Task::Retry(retry),
                delay: Duration::ZERO,
            }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many attempts these are.
    pub(super) fn len(&self) -> usize {
        self.others.len() + self.first.values().map(|(_, owed)| owed.len()).sum::<usize>()
    }

    pub(super) fn into_tasks(self) -> Vec<Outgoing> {
        let of_event = |(event, owed): (Event, Vec<Owed>)| {
            let parts: Vec<_> =
                owed.chunks(Dispatcher::MOST_OF_A_MESSAGE).map(<[Owed]>::to_vec).collect();
            parts.into_iter().map(move |owed| continuation(&event, owed))
        };
        self.others.into_iter().chain(self.first.into_values().flat_map(of_event)).collect()
    }
}

/// First attempts of one event that are still owed to these hooks.
pub(super) fn continuation(event: &Event, owed: Vec<Owed>) -> Outgoing {
    Outgoing {
        queue: Queue::Events,
        group: event.workspace.as_str().to_owned(),
        task: Task::Deliver { event: Box::new(event.clone()), owed },
        delay: Duration::ZERO,
    }
}

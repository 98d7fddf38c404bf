//! What does Lambda hand over, and what does it hear back?
//!
//! What a record does not say of itself is taken to be what loses nothing: without a count it was
//! handed over before, and without an id it can only come again together with its whole batch.
//!
//! Lambda deletes what the answer does not name, so that a record counts as not done until somebody
//! says that it is.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use hooks::{dispatch::Message, id::PoisonId, ports::Poison, task::Queue, time::Timestamp};
use uuid::Uuid;

use crate::queue::Queues;

/// What a record without a count is counted as: the second time, at which the ledger is asked what
/// was done the first time.
const UNCOUNTED: u32 = 2;

/// The ARNs of the dead-letter queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Where messages of `events` end that were handed over too often.
    pub events: String,
    /// The same for `retries`.
    pub retries: String,
}

/// The queues that records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    dead: DeadLetters,
    retries: String,
}

/// Which queue a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A queue: it is to be dispatched.
    Live(Queue),
    /// The dead-letter queue of this queue: it is to be buried.
    Dead(Queue),
}

impl Origins {
    /// The two queues and their dead-letter queues.
    pub fn new(queues: &Queues, dead: DeadLetters) -> Self {
        Self { dead, retries: last_part(&queues.retries, '/').to_owned() }
    }

    /// Where a record with this `eventSourceARN` comes from. One of a queue that nobody knows is
    /// worked on as an event is: what it is stands in its text.
    fn of(&self, arn: &str) -> Origin {
        if arn == self.dead.events {
            Origin::Dead(Queue::Events)
        } else if arn == self.dead.retries {
            Origin::Dead(Queue::Retries)
        } else if last_part(arn, ':') == self.retries {
            Origin::Live(Queue::Retries)
        } else {
            Origin::Live(Queue::Events)
        }
    }
}

/// The name at the end of a queue's URL or ARN.
fn last_part(text: &str, separator: char) -> &str {
    text.rsplit(separator).next().unwrap_or(text)
}

/// A message as Lambda handed it over.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it comes from.
    pub origin: Origin,
    /// What is to be dispatched.
    pub message: Message,
    id: Option<String>,
    sent: Option<Timestamp>,
}

/// How the work on a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is done with: Lambda deletes it.
    Done,
    /// It is not: the queue hands it over again.
    Again,
}

/// The records of an invocation, in their order.
pub fn records(event: SqsEvent, origins: &Origins) -> Vec<Record> {
    event.records.into_iter().map(|it| Record::read(it, origins)).collect()
}

/// What Lambda is to hear: the records that did not end as done. Those without an end are among
/// them.
pub fn answer(records: &[Record], ends: &[End]) -> SqsBatchResponse {
    let mut answer = SqsBatchResponse::default();
    for (number, record) in records.iter().enumerate() {
        if ends.get(number) != Some(&End::Done) {
            // Of a record without an id the answer names one that is none: all come again.
            answer.add_failure(record.id.clone().unwrap_or_default());
        }
    }
    answer
}

impl Record {
    fn read(message: SqsMessage, origins: &Origins) -> Self {
        let SqsMessage { message_id, body, attributes, event_source_arn, .. } = message;
        let receives = attributes.get("ApproximateReceiveCount").and_then(|it| it.parse().ok());
        let sent = attributes.get("SentTimestamp").and_then(|it| it.parse().ok());
        Self {
            origin: origins.of(event_source_arn.as_deref().unwrap_or_default()),
            message: Message {
                body: body.unwrap_or_default(),
                receives: receives.unwrap_or(UNCOUNTED),
            },
            id: message_id.filter(|it| !it.is_empty()),
            sent: sent.map(Timestamp::from_millis),
        }
    }

    /// The message as one that could not be processed at all, for this reason, put aside now.
    pub fn poison(&self, reason: impl Into<String>, now: Timestamp) -> Poison {
        let (Origin::Live(queue) | Origin::Dead(queue)) = self.origin;
        Poison {
            id: self.poison_id(),
            queue,
            receives: self.message.receives,
            sent: self.sent.unwrap_or(now),
            buried: now,
            reason: reason.into(),
            body: self.message.body.clone(),
        }
    }

    /// The same whenever the message is handed over, so that burying it twice buries it once: its
    /// own id, or one that follows from what there is.
    fn poison_id(&self) -> PoisonId {
        let name = self.id.as_ref().unwrap_or(&self.message.body);
        let own = self.id.as_ref().and_then(|id| Uuid::try_parse(id).ok());
        own.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())).into()
    }
}

#[cfg(test)]
mod tests;

//! [`TaskQueue`]: accepted means that SQS has said so, of each task.
//!
//! SQS may take a part of a request and refuse the rest. What it did not name as taken is asked
//! for again, a few times and with growing pauses; whoever asks too often sends a task twice, which
//! is harmless. One task that SQS never takes keeps back no other.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    types::{BatchResultErrorEntry, SendMessageBatchRequestEntry},
};
use futures_util::{StreamExt as _, stream};
use hooks::{
    ports::{Outgoing, PortResult, TaskQueue},
    task::Queue,
};

use crate::{
    batch::{Batch, batches},
    entry::Entry,
    fault::Fault,
};

/// The URLs of the two queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queues {
    /// Where fresh events go.
    pub events: String,
    /// Where everything goes that comes after a failure.
    pub retries: String,
}

impl Queues {
    /// The URL of this one.
    pub fn url(&self, queue: Queue) -> &str {
        match queue {
            Queue::Events => &self.events,
            Queue::Retries => &self.retries,
        }
    }
}

/// The sending half of the two queues in SQS. Clones share their connections.
#[derive(Clone)]
pub struct SqsQueue {
    client: Client,
    queues: Queues,
    patience: Duration,
}

impl fmt::Debug for SqsQueue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqsQueue").field("queues", &self.queues).finish_non_exhaustive()
    }
}

impl SqsQueue {
    /// How long a sending may take in all, unless somebody says otherwise: less than the 30 seconds
    /// that API Gateway waits for an answer.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// How many requests of one sending are under way at once.
    const MOST_AT_ONCE: usize = 8;

    /// How often SQS is asked to take a task, beside what its client repeats by itself.
    const MOST_TRIES: u32 = 5;

    /// How long to wait before the second try, at most; twice that before the third, and so on.
    const FIRST_PAUSE: Duration = Duration::from_millis(100);

    /// Sends to these queues.
    pub fn new(client: Client, queues: Queues) -> Self {
        Self { client, queues, patience: Self::PATIENCE }
    }

    /// The same, but a sending may take so long in all.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Sends all of them, several requests at once, begun in their order. While SQS is out of
    /// reach, no further request is begun.
    async fn send_all(&self, batches: Vec<Batch>) -> Result<(), Fault> {
        let mut sending = stream::iter(batches)
            .map(|it| self.send_batch(it))
            .buffer_unordered(Self::MOST_AT_ONCE);
        let mut unfit = None;
        while let Some(sent) = sending.next().await {
            match sent {
                Ok(()) => {}
                Err(fault @ Fault::Unfit(_)) => unfit = unfit.or(Some(fault)),
                Err(fault) => return Err(fault),
            }
        }
        unfit.map_or(Ok(()), Err)
    }

    /// Sends a batch, until SQS has named each task as taken or as one that it never takes.
    async fn send_batch(&self, batch: Batch) -> Result<(), Fault> {
        let queue = batch.queue;
        let mut owed = requested(batch);
        let mut unfit = None;
        for attempt in 1.. {
            let fault = match self.ask(queue, &owed).await {
                Ok(answer) => {
                    unfit = answer.settle(&mut owed).or(unfit);
                    answer.passing()
                }
                Err(fault @ Fault::Passing(_)) => fault,
                Err(fault) => return Err(fault),
            };
            if owed.is_empty() {
                break;
            }
            tracing::warn!(
                queue = queue.as_str(), tasks = owed.len(), attempt, error = %fault,
                "tasks not taken",
            );
            if attempt == Self::MOST_TRIES {
                return Err(fault);
            }
            tokio::time::sleep(pause(attempt)).await;
        }
        unfit.map_or(Ok(()), Err)
    }

    async fn ask(
        &self,
        queue: Queue,
        entries: &[SendMessageBatchRequestEntry],
    ) -> Result<Answer, Fault> {
        let asked = self
            .client
            .send_message_batch()
            .queue_url(self.queues.url(queue))
            .set_entries(Some(entries.to_vec()))
            .send();
        let answer = asked.await?;
        let taken = answer.successful.into_iter().map(|it| it.id).collect();
        Ok(Answer { taken, failed: answer.failed })
    }
}

#[async_trait]
impl TaskQueue for SqsQueue {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        let entries = tasks.into_iter().map(Entry::try_from).collect::<Result<Vec<_>, _>>()?;
        let sending = self.send_all(batches(entries));
        let sent = tokio::time::timeout(self.patience, sending).await;
        Ok(sent.unwrap_or(Err(Fault::Late(self.patience)))?)
    }
}

/// What SQS said of the tasks of a request, by the ids that they have in it.
struct Answer {
    taken: Vec<String>,
    failed: Vec<BatchResultErrorEntry>,
}

impl Answer {
    /// Leaves of what is owed what is neither taken nor refused for good, and answers why a task
    /// was refused for good.
    fn settle(&self, owed: &mut Vec<SendMessageBatchRequestEntry>) -> Option<Fault> {
        let unfit = || self.failed.iter().filter(|it| it.sender_fault);
        owed.retain(|entry| !self.taken.contains(&entry.id) && unfit().all(|it| it.id != entry.id));
        unfit().next().map(|it| Fault::Unfit(why(it)))
    }

    /// Why the others are not taken.
    fn passing(&self) -> Fault {
        let failed = self.failed.iter().find(|it| !it.sender_fault);
        Fault::Passing(failed.map_or_else(|| "not among what was taken".to_owned(), why))
    }
}

fn why(failed: &BatchResultErrorEntry) -> String {
    format!("{}: {}", failed.code, failed.message.as_deref().unwrap_or("no reason given"))
}

/// The tasks as SQS wants them, each under an id of its own within the request.
fn requested(batch: Batch) -> Vec<SendMessageBatchRequestEntry> {
    let entry = |(number, entry): (usize, Entry)| {
        SendMessageBatchRequestEntry::builder()
            .id(number.to_string())
            .message_body(entry.body)
            .delay_seconds(entry.delay_seconds)
            .message_group_id(entry.group)
            .build()
            .expect("id and body are all that it needs")
    };
    batch.entries.into_iter().enumerate().map(entry).collect()
}

/// How long to wait after so many tries: some half of the longest pause or more, so that those who
/// were turned away together do not come back together.
fn pause(tries: u32) -> Duration {
    let longest = SqsQueue::FIRST_PAUSE * 2_u32.pow(tries - 1);
    longest.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}

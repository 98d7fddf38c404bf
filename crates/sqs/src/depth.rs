//! How much is there to do?

use aws_sdk_sqs::types::QueueAttributeName as Name;
use futures_util::future::try_join;
use hooks::{
    ports::{PortError, PortResult},
    task::Queue,
};

use crate::{fault::Fault, queue::SqsQueue};

/// How much there is to do: about, for SQS counts on many machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Tasks for events: waiting, delayed and handed out.
    pub events: u64,
    /// The same for retries.
    pub retries: u64,
}

/// A task is in exactly one of these.
const COUNTS: [Name; 3] = [
    Name::ApproximateNumberOfMessages,
    Name::ApproximateNumberOfMessagesDelayed,
    Name::ApproximateNumberOfMessagesNotVisible,
];

impl SqsQueue {
    /// How much there is to do. Asks each queue once.
    pub async fn depth(&self) -> PortResult<Depth> {
        let (events, retries) =
            try_join(self.count(Queue::Events), self.count(Queue::Retries)).await?;
        Ok(Depth { events, retries })
    }

    async fn count(&self, queue: Queue) -> PortResult<u64> {
        let asked = self
            .client()
            .get_queue_attributes()
            .queue_url(self.queues().url(queue))
            .set_attribute_names(Some(COUNTS.into()))
            .send();
        let answer = asked.await.map_err(Fault::from)?;
        let counts = COUNTS.iter().map(|name| {
            let count = answer.attributes()?.get(name)?;
            count.parse::<u64>().ok()
        });
        counts.sum::<Option<u64>>().ok_or_else(|| PortError::Corrupt {
            what: "the depth of the queue",
            source: format!("no count among {:?}", answer.attributes()).into(),
        })
    }
}

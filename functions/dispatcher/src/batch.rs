//! Sees the records of an invocation through, and is back before its deadline.
//!
//! In time nothing more is begun, and what is left is sent on. Should the store or the queue be so
//! slow that even this takes too long, what has not ended is given back: to be killed at the
//! deadline would give back the other records with it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use dynamodb::{DeadLetter, Dynamo};
use futures_util::{FutureExt as _, future::join_all};
use hooks::{
    closing::Closing,
    dispatch::{Begun, Dispatcher, Handled},
    ports::Clock,
    time::Timestamp,
};
use sqs::{End, Origin, Origins, Record};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Works on batches.
pub(crate) struct Batches {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) store: Arc<Dynamo>,
    pub(crate) origins: Origins,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long an attempt may take.
    pub(crate) attempt: Duration,
    /// For how long poison is kept.
    pub(crate) retention: Duration,
}

/// The moments of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Time {
    /// From then on no attempt is begun.
    closes: Duration,
    /// By then it is answered, whatever has ended.
    stops: Duration,
}

impl Time {
    /// What attempts need after their receivers have answered: retries to send, records to write,
    /// what is left to send on.
    const AFTERWARDS: Duration = Duration::from_secs(10);
    /// What the answer needs.
    const FOR_THE_ANSWER: Duration = Duration::from_secs(1);

    /// What there is time for when so much of it is `left` and an attempt may take `attempt`.
    /// However little that is, some of it is for attempts: who only ever sends on gets nothing
    /// done.
    fn of(left: Duration, attempt: Duration) -> Self {
        Self {
            closes: left + attempt,
            stops: left.saturating_sub(Self::FOR_THE_ANSWER),
        }
    }
}

impl Batches {
    /// Works on the records of an invocation that ends at `deadline`, in milliseconds since 1970.
    pub(crate) async fn work(&self, event: SqsEvent, deadline: u64) -> SqsBatchResponse {
        let deadline = Timestamp::from_millis(i64::try_from(deadline).unwrap_or(i64::MAX));
        let left = deadline.since(self.clock.now()).unwrap_or_default();
        let (now, time) = (Instant::now(), Time::of(left, self.attempt));
        let closing = Closing::when(sleep_until(now + time.closes));

        let records = sqs::records(event, &self.origins);
        let ends = self.ends(&records, &closing, now + time.stops).await;
        sqs::answer(&records, &ends)
    }

    async fn ends(&self, records: &[Record], closing: &Closing, stop: Instant) -> Vec<End> {
        let live = records.iter().filter(|it| matches!(it.origin, Origin::Live(_)));
        let beginning = self.dispatcher.begin(live.map(|it| it.message.clone()).collect());
        let begun = timeout_at(stop, AssertUnwindSafe(beginning).catch_unwind()).await;
        let mut begun = begun.ok().and_then(Result::ok).unwrap_or_default().into_iter();
        join_all(records.iter().map(|record| {
            let begun = match record.origin {
                Origin::Live(_) => begun.next(),
                Origin::Dead(_) => None,
            };
            self.end(record, begun, closing, stop)
        }))
        .await
    }

    /// Sees one record through, as far as there is time.
    async fn end(
        &self,
        record: &Record,
        begun: Option<Begun>,
        closing: &Closing,
        stop: Instant,
    ) -> End {
        let work = async {
            match (record.origin, begun) {
                (Origin::Dead(_), _) => self.bury(record, "handed out too often").await,
                (Origin::Live(_), Some(begun)) => self.finish(record, begun, closing).await,
                // There was no time to begin it, or a defect of ours came in between.
                (Origin::Live(_), None) => End::Done,
            }
        };
        let ended = timeout_at(stop, AssertUnwindSafe(work).catch_unwind()).await;
        let receives = record.message.receives;
        match ended {
            Ok(Ok(end)) => end,
            Ok(Err(_)) => {
                tracing::error!(receives, "message broke its dispatch");
                End::Again
            }
            Err(_) => {
                tracing::warn!(receives, "no time left, message given back");
                End::Again
            }
        }
    }

    async fn finish(&self, record: &Record, begun: Begun, closing: &Closing) -> End {
        match self.dispatcher.finish(begun, closing).await {
            Handled::Done => End::Done,
            Handled::Again(error) => {
                tracing::warn!(%error, receives = record.message.receives, "message not seen through");
                End::Again
            }
            Handled::Poison(error) => self.bury(record, &error.to_string()).await,
        }
    }

    /// Puts a message where somebody finds it.
    async fn bury(&self, record: &Record, reason: &str) -> End {
        let poison = record.poison(reason, self.clock.now());
        let letter = DeadLetter {
            message_id: &poison.id.to_string(),
            queue: poison.queue,
            receives: poison.receives,
            sent: poison.sent,
            reason,
            body: &poison.body,
        };
        let queue = poison.queue.as_str();
        match self.store.bury(&letter, self.retention).await {
            Ok(id) => {
                tracing::error!(poison.id = %id, queue, reason, "message put aside");
                metrics::counter!("event_hooks_poison_total").increment(1);
                End::Done
            }
            Err(error) => {
                tracing::error!(%error, queue, reason, "message not put aside, given back");
                End::Again
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_closes_in_time_for_what_it_has_begun() {
        const SECONDS: fn(u64) -> Duration = Duration::from_secs;
        for (name, left, attempt, closes, stops) in [
            ("as deployed", 90, 15, 65, 89),
            ("the longest attempts", 90, 60, 22, 89),
            ("a long invocation", 900, 15, 875, 899),
            ("too short for an attempt", 20, 15, 5, 19),
            ("no time at all", 0, 15, 0, 0),
        ] {
            let time = Time::of(SECONDS(left), SECONDS(attempt));
            let seconds = (time.closes.as_secs(), time.stops.as_secs());
            assert_eq!(seconds, (closes, stops), "{name}");
        }
    }
}

//! What became of a delivery? A row that goes forward, whoever writes it.

use std::time::Duration;

use hooks::{
    delivery::Record,
    id::DeliveryId,
    ports::{DeliveryEntry, PortError, PortResult, Progress},
    time::Timestamp,
};

use super::{
    WHAT,
    age::{self, GRACE},
    condition::was_done,
    entry::{self, Entry, Writing},
    keys,
};
use crate::{
    Dynamo, Table,
    fault::Fault,
    item::{Item, Row},
    transaction::{Condition, Transaction},
};

/// How often a row is read and written again because others were faster.
const MOST_TURNS: u32 = 20;

/// How long to wait for the others at most, before the second turn and before later ones.
const WAITS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(300));

impl Dynamo {
    /// Writes down what happened to a delivery.
    ///
    /// Of most deliveries the first record is the only one: it is written without looking, which
    /// costs one write. Whoever was not the first looks at what is there, and decides again: of a
    /// record that was written and not heard of, there is nothing left to write then.
    pub(super) async fn write_record(&self, record: &Record, ends: Timestamp) -> PortResult<()> {
        let id = record.delivery.id();
        let mut known = None;
        if record.step.run > 0 || record.step.attempt > 1 {
            known = self.entry(id, self.now()).await?;
        }
        for turn in 0..MOST_TURNS {
            let writing = match &known {
                None => Entry::first(record, ends).map(Some),
                Some(entry) => entry.after(record, ends),
            };
            let Some(writing) = writing.map_err(|it| it.of(WHAT))? else { return Ok(()) };
            if self.write(id, &writing).await? {
                return Ok(());
            }
            let (first, longest) = WAITS;
            let most = first.saturating_mul(1 << turn).min(longest);
            tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
            known = self.entry(id, self.now()).await?;
        }
        let source = "others keep writing the same delivery".into();
        Err(PortError::Unavailable { what: WHAT, source })
    }

    /// Writes a row, what it names before; answers whether it found what it saw.
    async fn write(&self, id: DeliveryId, writing: &Writing) -> PortResult<bool> {
        let ends = writing.entry.ends();
        for (apart, text) in &writing.apart {
            self.write_apart(&keys::apart(id), apart, text, ends).await?;
        }
        for apart in &writing.renewed {
            self.renew_apart(&keys::apart(id), apart, ends).await?;
        }
        let condition = match &writing.seen {
            None => Condition::is_over(self.now()),
            Some(seal) => Condition::is_sealed(seal),
        };
        let row = writing.entry.row().map_err(|it| it.of(WHAT))?;
        if writing.marked.is_none() && writing.unmarked.is_none() {
            return self.put_if(row, condition).await;
        }
        let mark = |status| keys::mark(writing.entry.hook(), status, id);
        let mut step = Transaction::on(self.tables.name(Table::Ledger));
        step.put_if(row, condition);
        if let Some(status) = writing.marked {
            step.put(Row::at(&mark(status)).ends(ends).cleared(ends + GRACE));
        }
        if let Some(status) = writing.unmarked {
            step.delete(&mark(status));
        }
        was_done(self.transact(WHAT, step.into_writes()).await)
    }

    async fn entry(&self, id: DeliveryId, now: Timestamp) -> PortResult<Option<Entry>> {
        let row = self.row(&keys::delivery(id), now).await?;
        row.map(|it| Entry::read(&it)).transpose().map_err(|it| it.of(WHAT))
    }

    /// One delivery, with its event's data and its attempts.
    pub(super) async fn whole_entry(
        &self,
        id: DeliveryId,
        now: Timestamp,
    ) -> PortResult<Option<DeliveryEntry>> {
        let Some(entry) = self.entry(id, now).await? else { return Ok(None) };
        let aparts: Vec<_> = entry.apart().collect();
        let texts = if aparts.is_empty() {
            Vec::new()
        } else {
            self.read_apart(&keys::apart(id), &aparts).await?
        };
        entry.whole(texts).map(Some).map_err(|it| it.of(WHAT))
    }

    /// How far these have come, in their order.
    pub(super) async fn progress_of(
        &self,
        deliveries: &[DeliveryId],
        now: Timestamp,
    ) -> PortResult<Vec<Option<Progress>>> {
        let keys: Vec<_> = deliveries.iter().copied().map(keys::delivery).collect();
        let rows = self.get_all(WHAT, Table::Ledger, &keys).await?;
        let read = |row: Option<Item>| {
            let Some(row) = row else { return Ok(None) };
            if age::lives(&row, now)? { entry::progress(&row).map(Some) } else { Ok(None) }
        };
        rows.into_iter().map(read).collect::<Result<_, Fault>>().map_err(|it| it.of(WHAT))
    }
}

//! Which messages could not be processed? Each has a row, and its text is kept apart from that.

use std::time::Duration;

use hooks::{
    id::PoisonId,
    ports::{Page, PageRequest, Poison, PortResult},
    task::Queue,
    time::Timestamp,
};

use super::{WHAT, age, apart::Apart, condition::was_done, keys};
use crate::{
    Dynamo, Table,
    fault::Fault,
    item::{self, Item, Row, json, number, text},
    requests::{Range, Sort},
    transaction::{Condition, Transaction},
};

/// A page ends after the row with which it reaches this.
const MOST_BYTES: usize = 1024 * 1024;

/// So many bytes of the reason are kept.
const MOST_OF_REASON: usize = 4 * 1024;

impl Dynamo {
    /// Puts a message aside that could not be processed. Whoever does so again, because nobody
    /// knows whether it was done, changes nothing.
    /// Its id must be the same each time.
    pub async fn bury(&self, poison: &Poison, retention: Duration) -> PortResult<()> {
        let (id, now) = (poison.id, self.now());
        if self.row(&keys::poison(id), now).await?.is_some() {
            return Ok(());
        }
        let ends = now + retention;
        let body = Apart::of(&poison.body);
        self.write_apart(&keys::poison_text(id), &body, &poison.body, ends).await?;
        let reason = &poison.reason[..poison.reason.floor_char_boundary(MOST_OF_REASON)];
        let row = Row::at(&keys::poison(id))
            .text("queue", poison.queue.as_str())
            .number("receives", poison.receives)
            .number("sent", poison.sent.as_millis())
            .number("buried", poison.buried.as_millis())
            .text("reason", reason)
            .json("body", &body)
            .map_err(|it| it.of(WHAT))?
            .ends(ends);
        // Where there is one by now, somebody else was faster.
        self.put_if(row, Condition::is_over(now)).await?;
        Ok(())
    }

    /// A part of them, by id, without their text.
    pub(super) async fn poison_page(
        &self,
        page: PageRequest<PoisonId>,
    ) -> PortResult<Page<Poison, PoisonId>> {
        let now = self.now();
        let range = Range {
            pk: keys::POISONS.to_owned(),
            sort: page.after.map_or(Sort::All, |it| Sort::After(it.to_string())),
            limit: Some(page.size.max(1) + 1),
            ..Range::default()
        };
        let rows = self.query(WHAT, Table::Ledger, &range).await?;
        let mut filled = Page { items: Vec::new(), next: None };
        let (mut last, mut bytes) = (None, 0);
        for (number, row) in rows.iter().enumerate() {
            if number >= page.size.max(1) || bytes >= MOST_BYTES {
                filled.next = last;
                break;
            }
            last = Some(id(row).map_err(|it| it.of(WHAT))?);
            bytes += item::bytes(row);
            // One that cannot be read hides no other.
            if age::lives(row, now).is_ok_and(|lives| lives) {
                filled.items.extend(read(row).ok());
            }
        }
        Ok(filled)
    }

    /// One of them.
    pub(super) async fn poison_of(&self, id: PoisonId) -> PortResult<Option<Poison>> {
        let Some(row) = self.row(&keys::poison(id), self.now()).await? else { return Ok(None) };
        let (poison, body) = read(&row)
            .and_then(|poison| Ok((poison, json::<Apart>(&row, "body")?)))
            .map_err(|it| it.of(WHAT))?;
        let body = self.read_apart(&keys::poison_text(id), &[&body]).await?.concat();
        Ok(Some(Poison { body, ..poison }))
    }

    /// Removes one; answers whether there was one. In a transaction, which happens once however
    /// often it is asked for: who dropped it is told so.
    pub(super) async fn remove_poison(&self, id: PoisonId) -> PortResult<bool> {
        let key = keys::poison(id);
        let Some(row) = self.row(&key, self.now()).await? else { return Ok(false) };
        let mut removal = Transaction::on(self.tables.name(Table::Ledger));
        removal.delete_if(&key, Condition::is_there());
        if !was_done(self.transact(WHAT, removal.into_writes()).await)? {
            return Ok(false);
        }
        if let Ok(body) = json(&row, "body")
            && let Err(error) = self.remove_apart(&keys::poison_text(id), &body).await
        {
            // It is read by nobody, and cleared away in the end.
            tracing::warn!(poison.id = %id, %error, "text of dropped poison left behind");
        }
        Ok(true)
    }
}

fn id(row: &Item) -> Result<PoisonId, Fault> {
    text(row, crate::SORT_KEY)?.parse().map_err(|_| Fault::lacks(crate::SORT_KEY))
}

/// Reads a row; the text is kept apart from it.
fn read(row: &Item) -> Result<Poison, Fault> {
    let queue = text(row, "queue")?;
    let known = [Queue::Events, Queue::Retries].into_iter().find(|it| it.as_str() == queue);
    Ok(Poison {
        id: id(row)?,
        queue: known.ok_or_else(|| Fault::lacks("queue"))?,
        receives: number(row, "receives")?,
        sent: Timestamp::from_millis(number(row, "sent")?),
        buried: Timestamp::from_millis(number(row, "buried")?),
        reason: text(row, "reason")?.to_owned(),
        body: String::new(),
    })
}

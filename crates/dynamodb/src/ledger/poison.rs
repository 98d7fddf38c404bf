//! Which messages could not be processed? Each has a row, and its text is kept apart from that.

use std::time::Duration;

use hooks::{
    id::PoisonId,
    ports::{Page, PageRequest, Poison, PortResult},
    task::Queue,
    time::Timestamp,
};
use uuid::Uuid;

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

/// A message that could not be processed, as a queue hands it over for the last time.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetter<'a> {
    /// What its queue calls it: the same each time that it is handed over.
    pub message_id: &'a str,
    /// The queue that it came from.
    pub queue: Queue,
    /// How often it was handed out.
    pub receives: u32,
    /// When it was sent.
    pub sent: Timestamp,
    /// Why it was put aside.
    pub reason: &'a str,
    /// Its text.
    pub body: &'a str,
}

impl DeadLetter<'_> {
    /// The id that it has as poison.
    pub fn id(&self) -> PoisonId {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, self.message_id.as_bytes()).into()
    }
}

impl Dynamo {
    /// Puts a message aside that could not be processed. Whoever does so again, because nobody
    /// knows whether it was done, changes nothing.
    pub async fn bury(&self, letter: &DeadLetter<'_>, retention: Duration) -> PortResult<PoisonId> {
        let (id, now) = (letter.id(), self.now());
        if self.row(&keys::poison(id), now).await?.is_some() {
            return Ok(id);
        }
        let ends = now + retention;
        let body = Apart::of(letter.body);
        self.write_apart(&keys::poison_text(id), &body, letter.body, ends).await?;
        let reason = &letter.reason[..letter.reason.floor_char_boundary(MOST_OF_REASON)];
        let row = Row::at(&keys::poison(id))
            .text("queue", letter.queue.as_str())
            .number("receives", letter.receives)
            .number("sent", letter.sent.as_millis())
            .number("buried", now.as_millis())
            .text("reason", reason)
            .json("body", &body)
            .map_err(|it| it.of(WHAT))?
            .ends(ends);
        // Where there is one by now, somebody else was faster.
        self.put_if(row, Condition::is_over(now)).await?;
        Ok(id)
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

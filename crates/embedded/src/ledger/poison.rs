//! Which messages could not be processed? The queue's dead letters, named by their numbers.

use hooks::{
    id::PoisonId,
    ports::{Page, PageRequest, Poison},
    task::Queue,
    time::Timestamp,
};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use crate::{
    fault::Fault,
    paging::{self, Placed},
};

const LIST: &str = "SELECT id, queue, receives, sent, buried, reason FROM dead_letter
     WHERE id > ?1 ORDER BY id LIMIT ?2";

const ONE: &str =
    "SELECT id, queue, receives, sent, buried, reason, body FROM dead_letter WHERE id = ?1";

const DROP: &str = "DELETE FROM dead_letter WHERE id = ?1";

/// A part of them, without their text.
pub(super) fn list(
    connection: &Connection,
    page: PageRequest<PoisonId>,
) -> Result<Page<Poison, PoisonId>, Fault> {
    // No letter has a number above the highest.
    let after = page.after.map_or(0, |it| number(it).unwrap_or(i64::MAX));
    let mut list = connection.prepare_cached(LIST)?;
    paging::fill(list.query([after, paging::limit(page.size)])?, page.size, placed)
}

/// One of them.
pub(super) fn one(connection: &Connection, id: PoisonId) -> Result<Option<Poison>, Fault> {
    let Some(number) = number(id) else { return Ok(None) };
    connection
        .prepare_cached(ONE)?
        .query_and_then([number], |row| Ok(Poison { body: row.get(6)?, ..read(row)? }))?
        .next()
        .transpose()
}

/// Removes one; answers whether there was one.
pub(super) fn remove(connection: &Connection, id: PoisonId) -> Result<bool, Fault> {
    let Some(number) = number(id) else { return Ok(false) };
    Ok(connection.prepare_cached(DROP)?.execute(params![number])? > 0)
}

fn id(number: i64) -> PoisonId {
    Uuid::from_u128(number.unsigned_abs().into()).into()
}

/// The number of a letter of this id, if there can be one.
fn number(id: PoisonId) -> Option<i64> {
    i64::try_from(id.as_uuid().as_u128()).ok()
}

fn placed(row: &Row<'_>) -> Result<Placed<Poison, PoisonId>, Fault> {
    Ok(Placed {
        cursor: id(row.get(0)?),
        // One that cannot be read hides no other.
        item: read(row).ok(),
        bytes: paging::bytes(row, 5)?,
    })
}

fn read(row: &Row<'_>) -> Result<Poison, Fault> {
    let queue: String = row.get(1)?;
    let known = [Queue::Events, Queue::Retries].into_iter().find(|it| it.as_str() == queue);
    let unknown = || Fault::Unreadable("a queue that this release does not know".into());
    Ok(Poison {
        id: id(row.get(0)?),
        queue: known.ok_or_else(unknown)?,
        receives: row.get(2)?,
        sent: Timestamp::from_millis(row.get(3)?),
        buried: Timestamp::from_millis(row.get(4)?),
        reason: row.get(5)?,
        body: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn letters_are_found_without_looking_at_the_rest() {
        plan::assert_seeks(&[LIST, ONE, DROP]);
    }
}

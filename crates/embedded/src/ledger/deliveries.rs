//! What became of a delivery? One row with its event and where it stands, and one for each attempt.

use hooks::{
    delivery::{Attempt, Delivery, Record, State, Status, Step},
    event::{Data, Event},
    id::DeliveryId,
    ports::{DeliveryCursor, DeliveryEntry, DeliveryQuery, Page, Progress},
    time::Timestamp,
};
use rusqlite::{Connection, ToSql, params};
use uuid::Uuid;

use crate::{
    fault::Fault,
    paging::{self, Placed},
};

/// A record on its way to the writer.
pub(super) struct Row {
    id: Uuid,
    hook: Uuid,
    generation: i64,
    accepted: i64,
    progress: Progress,
    state: String,
    updated: i64,
    expires: i64,
    /// The event without its data.
    event: String,
    data: Data,
    attempt: Option<(Step, String)>,
}

/// The columns that [`read`] reads, in its order.
macro_rules! listed {
    () => {
        "id, hook, generation, run, attempt, state, updated, event"
    };
}

const ONE: &str =
    concat!("SELECT ", listed!(), ", data, number FROM delivery WHERE id = ?1 AND expires > ?2");

/// The deliveries of a hook, newest first, from below (?3, ?4) down to ?2. Each query names its
/// index: left to choose, SQLite takes the shorter one for one status, and reads the whole log of a
/// hook that has none in it.
const LIST: &str = concat!(
    "SELECT ",
    listed!(),
    " FROM delivery INDEXED BY delivery_of_hook
     WHERE hook = ?1 AND accepted >= ?2 AND (accepted, id) < (?3, ?4) AND expires > ?5
     ORDER BY accepted DESC, id DESC LIMIT ?6"
);

/// The same in one status.
const LIST_STATUS: &str = concat!(
    "SELECT ",
    listed!(),
    " FROM delivery INDEXED BY delivery_counted
     WHERE hook = ?1 AND status = ?7 AND accepted >= ?2 AND (accepted, id) < (?3, ?4)
       AND expires > ?5
     ORDER BY accepted DESC, id DESC LIMIT ?6"
);

/// How many there are, in one status or in any. The rows themselves are not read.
const COUNT: &str = "SELECT count(*) FROM delivery INDEXED BY delivery_counted
     WHERE hook = ?1 AND status = ?2 AND accepted >= ?3 AND accepted < ?4 AND expires > ?5";

impl Row {
    pub(super) fn of(record: &Record, expires: Timestamp) -> Result<Self, Fault> {
        let Delivery { hook, generation, event, .. } = &record.delivery;
        let attempt = record.attempt.as_ref();
        let attempt = attempt.map(|it| Ok::<_, Fault>((it.step, serde_json::to_string(it)?)));
        Ok(Self {
            id: *record.delivery.id().as_uuid(),
            hook: *hook.as_uuid(),
            generation: generation.as_u64().cast_signed(),
            accepted: event.order.accepted.as_millis(),
            progress: Progress { step: record.step, status: record.state.status() },
            state: serde_json::to_string(&record.state)?,
            updated: record.at.as_millis(),
            expires: expires.as_millis(),
            event: serde_json::to_string(&Event { data: Data::default(), ..event.clone() })?,
            data: event.data.clone(),
            attempt: attempt.transpose()?,
        })
    }

    /// About how large it is.
    pub(super) fn bytes(&self) -> usize {
        let attempt = self.attempt.as_ref().map_or(0, |(_, body)| body.len());
        self.event.len() + self.data.as_json().len() + attempt
    }

    /// Writes down what is new in it.
    pub(super) fn record(&self, connection: &Connection, now: Timestamp) -> Result<(), Fault> {
        if let Some(number) = self.insert(connection)? {
            return self.put_attempt(connection, number);
        }
        let (number, known, expires) = self.found(connection)?;
        if expires <= now.as_millis() {
            forget(connection, number)?;
            let number = self.insert(connection)?.ok_or(Fault::Conflict)?;
            return self.put_attempt(connection, number);
        }
        match known.after(self.progress) {
            Some(next) if next == known => self.put_off(connection, number),
            Some(next) => {
                self.move_on(connection, number, next)?;
                self.put_attempt(connection, number)
            }
            None if self.progress.step != known.step => self.add_attempt(connection, number),
            None => Ok(()),
        }
    }

    /// The same step, still pending: it waits for something else, or its attempt comes late.
    fn put_off(&self, connection: &Connection, number: i64) -> Result<(), Fault> {
        if self.attempt.is_some() {
            return self.add_attempt(connection, number);
        }
        connection
            .prepare_cached(
                "UPDATE delivery SET state = ?2, updated = ?3, expires = ?4
                 WHERE number = ?1 AND updated <= ?3",
            )?
            .execute(params![number, self.state, self.updated, self.expires])?;
        Ok(())
    }

    /// Adds the row, unless there is one; answers its number.
    fn insert(&self, connection: &Connection) -> Result<Option<i64>, Fault> {
        let inserted = connection
            .prepare_cached(
                "INSERT INTO delivery (id, hook, generation, accepted, run, attempt, status, state,
                                       updated, expires, event, data)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                self.id,
                self.hook,
                self.generation,
                self.accepted,
                self.progress.step.run,
                self.progress.step.attempt,
                self.progress.status.as_str(),
                self.state,
                self.updated,
                self.expires,
                self.event,
                self.data.as_json(),
            ])?;
        Ok((inserted > 0).then(|| connection.last_insert_rowid()))
    }

    /// The number, progress and expiry of the row that is there.
    fn found(&self, connection: &Connection) -> Result<(i64, Progress, i64), Fault> {
        connection
            .prepare_cached(
                "SELECT run, attempt, status, number, expires FROM delivery WHERE id = ?1",
            )?
            .query_and_then([self.id], |row| Ok((row.get(3)?, read_progress(row)?, row.get(4)?)))?
            .next()
            .unwrap_or(Err(Fault::Conflict))
    }

    fn move_on(&self, connection: &Connection, number: i64, to: Progress) -> Result<(), Fault> {
        connection
            .prepare_cached(
                "UPDATE delivery SET run = ?2, attempt = ?3, status = ?4, state = ?5, updated = ?6,
                                     expires = ?7
                 WHERE number = ?1",
            )?
            .execute(params![
                number,
                to.step.run,
                to.step.attempt,
                to.status.as_str(),
                self.state,
                self.updated,
                self.expires,
            ])?;
        Ok(())
    }

    /// Adds the attempt, unless there is one of its step.
    fn add_attempt(&self, connection: &Connection, number: i64) -> Result<(), Fault> {
        self.write_attempt(
            connection,
            number,
            "INSERT INTO attempt (delivery, run, attempt, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )
    }

    /// Adds the attempt, in the place of one of its step.
    fn put_attempt(&self, connection: &Connection, number: i64) -> Result<(), Fault> {
        self.write_attempt(
            connection,
            number,
            "INSERT INTO attempt (delivery, run, attempt, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET body = excluded.body",
        )
    }

    fn write_attempt(&self, connection: &Connection, number: i64, sql: &str) -> Result<(), Fault> {
        let Some((step, body)) = &self.attempt else { return Ok(()) };
        connection.prepare_cached(sql)?.execute(params![number, step.run, step.attempt, body])?;
        Ok(())
    }
}

/// Removes a delivery and its attempts.
pub(crate) fn forget(connection: &Connection, number: i64) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM attempt WHERE delivery = ?1")?.execute([number])?;
    connection.prepare_cached("DELETE FROM delivery WHERE number = ?1")?.execute([number])?;
    Ok(())
}

/// How far a delivery has come.
pub(super) fn progress(
    connection: &Connection,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Option<Progress>, Fault> {
    connection
        .prepare_cached("SELECT run, attempt, status FROM delivery WHERE id = ?1 AND expires > ?2")?
        .query_and_then(params![id.as_uuid(), now.as_millis()], read_progress)?
        .next()
        .transpose()
}

/// Reads the run, the attempt and the status, which come first in the row.
fn read_progress(row: &rusqlite::Row<'_>) -> Result<Progress, Fault> {
    let status: String = row.get(2)?;
    let unknown = || Fault::Unreadable("a status that this release does not know".into());
    Ok(Progress {
        step: Step { run: row.get(0)?, attempt: row.get(1)? },
        status: Status::parse(&status).ok_or_else(unknown)?,
    })
}

/// A page of a hook's log.
pub(super) fn list(
    connection: &Connection,
    query: &DeliveryQuery,
    now: Timestamp,
) -> Result<Page<DeliveryEntry, DeliveryCursor>, Fault> {
    let since = query.since.map_or(i64::MIN, Timestamp::as_millis);
    let (below, below_id) = upper_end(query);
    let limit = paging::limit(query.page.size);
    let (hook, now) = (query.hook.as_uuid(), now.as_millis());
    let mut bound: Vec<&dyn ToSql> = vec![hook, &since, &below, &below_id, &now, &limit];
    let status = query.status.map(Status::as_str);
    bound.extend(status.iter().map(|it| it as &dyn ToSql));

    let mut list = connection.prepare_cached(if status.is_some() { LIST_STATUS } else { LIST })?;
    paging::fill(list.query(&*bound)?, query.page.size, placed)
}

/// How many deliveries a query would list, whichever page of them it asks for.
pub(super) fn count(
    connection: &Connection,
    query: &DeliveryQuery,
    now: Timestamp,
) -> Result<u64, Fault> {
    let since = query.since.map_or(i64::MIN, Timestamp::as_millis);
    let until = query.until.map_or(i64::MAX, Timestamp::as_millis);
    let statuses = Status::ALL.into_iter().filter(|it| query.status.is_none_or(|one| one == *it));
    let mut counted = connection.prepare_cached(COUNT)?;
    let mut count = 0;
    // One transaction, so that a delivery that moves meanwhile is counted once.
    let moment = connection.unchecked_transaction()?;
    for status in statuses {
        let (hook, now) = (query.hook.as_uuid(), now.as_millis());
        let bound = params![hook, status.as_str(), since, until, now];
        count += counted.query_row(bound, |row| row.get::<_, i64>(0))?.cast_unsigned();
    }
    moment.finish()?;
    Ok(count)
}

/// What all wanted deliveries come before: the cursor or the end of the time that was asked for,
/// whichever is earlier. No id sorts before no bytes at all.
fn upper_end(query: &DeliveryQuery) -> (i64, Vec<u8>) {
    let until = query.until.map(|until| (until.as_millis(), Vec::new()));
    let after = query.page.after;
    let after = after.map(|it| (it.accepted.as_millis(), it.id.as_uuid().as_bytes().to_vec()));
    until.into_iter().chain(after).min().unwrap_or((i64::MAX, Vec::new()))
}

fn placed(row: &rusqlite::Row<'_>) -> Result<Placed<DeliveryEntry, DeliveryCursor>, Fault> {
    let entry = read(row)?;
    let accepted = entry.delivery.event.order.accepted;
    Ok(Placed {
        cursor: DeliveryCursor { accepted, id: entry.id },
        item: Some(entry),
        bytes: paging::bytes(row, 5)? + paging::bytes(row, 7)?,
    })
}

fn read(row: &rusqlite::Row<'_>) -> Result<DeliveryEntry, Fault> {
    let step = Step { run: row.get(3)?, attempt: row.get(4)? };
    let state: State = serde_json::from_str(&row.get::<_, String>(5)?)?;
    let delivery = Delivery {
        hook: row.get::<_, Uuid>(1)?.into(),
        generation: row.get::<_, i64>(2)?.cast_unsigned().into(),
        run: step.run,
        event: serde_json::from_str(&row.get::<_, String>(7)?)?,
    };
    Ok(DeliveryEntry {
        id: row.get::<_, Uuid>(0)?.into(),
        delivery,
        step,
        state,
        updated: Timestamp::from_millis(row.get(6)?),
        attempts: Vec::new(),
    })
}

/// A delivery with its event's data and its attempts.
pub(super) fn one(
    connection: &Connection,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Option<DeliveryEntry>, Fault> {
    // One transaction, so that the attempts are those of the step.
    let moment = connection.unchecked_transaction()?;
    let mut found = moment.prepare_cached(ONE)?;
    let mut rows = found.query(params![id.as_uuid(), now.as_millis()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut entry = read(row)?;
    entry.delivery.event.data = serde_json::from_str(&row.get::<_, String>(8)?)?;
    entry.attempts = attempts(&moment, row.get(9)?)?;
    Ok(Some(entry))
}

fn attempts(connection: &Connection, number: i64) -> Result<Vec<Attempt>, Fault> {
    connection
        .prepare_cached("SELECT body FROM attempt WHERE delivery = ?1 ORDER BY run, attempt")?
        .query_and_then([number], |row| Ok(serde_json::from_str(&row.get::<_, String>(0)?)?))?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn lists_and_counts_seek() {
        plan::assert_seeks(&[LIST, LIST_STATUS, ONE, COUNT]);
        for (query, expected) in [
            (LIST, "delivery_of_hook (hook=? AND accepted>? AND (accepted,id)<(?,?))"),
            (
                LIST_STATUS,
                "delivery_counted (hook=? AND status=? AND accepted>? AND (accepted,id)<(?,?))",
            ),
            (
                COUNT,
                "COVERING INDEX delivery_counted (hook=? AND status=? AND accepted>? AND accepted<?)",
            ),
        ] {
            plan::assert_searches(query, expected);
        }
    }
}

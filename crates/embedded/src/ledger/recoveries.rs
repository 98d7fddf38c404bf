//! How far has a recovery come? One row, which never goes back.

use hooks::{id::RecoveryId, ports::Recovery, time::Timestamp};
use rusqlite::{Connection, params};

use crate::fault::Fault;

const READ: &str = "SELECT body FROM recovery WHERE id = ?1 AND expires > ?2";

/// A recovery, unless it has expired.
pub(super) fn read(
    connection: &Connection,
    id: RecoveryId,
    now: Timestamp,
) -> Result<Option<Recovery>, Fault> {
    connection
        .prepare_cached(READ)?
        .query_and_then(params![id.as_uuid(), now.as_millis()], |row| {
            Ok(serde_json::from_str(&row.get::<_, String>(0)?)?)
        })?
        .next()
        .transpose()
}

/// Writes down how far it has come; nothing where it has ended before.
pub(super) fn write(
    connection: &Connection,
    said: &Recovery,
    expires: Timestamp,
    now: Timestamp,
) -> Result<(), Fault> {
    let known = read(connection, said.id, now)?;
    let Some(recovery) = said.after(known.as_ref()) else { return Ok(()) };
    connection
        .prepare_cached("INSERT OR REPLACE INTO recovery (id, expires, body) VALUES (?1, ?2, ?3)")?
        .execute(params![
            said.id.as_uuid(),
            expires.as_millis(),
            serde_json::to_string(&recovery)?
        ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn a_recovery_is_found_without_looking_at_the_rest() {
        plan::assert_seeks(&[READ]);
    }
}

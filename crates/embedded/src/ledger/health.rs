//! How is a receiver doing? One row for each life of a hook, replaced only by those who saw it.

use hooks::{
    health::Health,
    id::{Generation, HookId},
    ports::KeptHealth,
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::fault::Fault;

const READ: &str = "SELECT version, body FROM health
     WHERE hook = ?1 AND generation = ?2 AND expires > ?3";

/// What is known, unless that has expired.
pub(super) fn read(
    connection: &Connection,
    hook: HookId,
    generation: Generation,
    now: Timestamp,
) -> Result<Option<KeptHealth>, Fault> {
    let generation = generation.as_u64().cast_signed();
    connection
        .prepare_cached(READ)?
        .query_and_then(params![hook.as_uuid(), generation, now.as_millis()], |row| {
            let health: Health = serde_json::from_str(&row.get::<_, String>(1)?)?;
            Ok(KeptHealth { health, version: row.get::<_, i64>(0)?.cast_unsigned() })
        })?
        .next()
        .transpose()
}

/// What is known from now on, on its way to the writer.
pub(super) struct Writing {
    pub(super) hook: HookId,
    pub(super) generation: Generation,
    /// As JSON.
    pub(super) health: String,
    pub(super) seen: u64,
    pub(super) expires: Timestamp,
    pub(super) now: Timestamp,
}

impl Writing {
    /// Writes it, unless somebody else has meanwhile. What expired is none.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let sql = if self.seen == 0 {
            "INSERT INTO health (hook, generation, version, expires, body)
             VALUES (?1, ?2, ?3 + 1, ?4, ?5)
             ON CONFLICT (hook, generation) DO UPDATE
             SET version = excluded.version, expires = excluded.expires, body = excluded.body
             WHERE health.expires <= ?6"
        } else {
            "UPDATE health SET version = ?3 + 1, expires = ?4, body = ?5
             WHERE hook = ?1 AND generation = ?2 AND version = ?3 AND expires > ?6"
        };
        let written = connection.prepare_cached(sql)?.execute(params![
            self.hook.as_uuid(),
            self.generation.as_u64().cast_signed(),
            self.seen.cast_signed(),
            self.expires.as_millis(),
            self.health,
            self.now.as_millis(),
        ])?;
        if written == 0 { Err(Fault::Conflict) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn health_is_found_without_looking_at_the_rest() {
        plan::assert_seeks(&[READ]);
    }
}

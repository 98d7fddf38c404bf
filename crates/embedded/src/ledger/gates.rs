//! What does a gate remember? One row for each group, replaced only by those who saw it.

use hooks::{gate::GateKey, ports::Remembered, time::Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::fault::Fault;

/// What a gate remembers, unless that has expired.
pub(super) fn recall(
    connection: &Connection,
    gate: &GateKey,
    now: Timestamp,
) -> Result<Option<Remembered>, Fault> {
    let found: Option<(i64, String)> = connection
        .prepare_cached(
            "SELECT version, memory FROM gate
             WHERE hook = ?1 AND generation = ?2 AND digest = ?3
               AND (expires IS NULL OR expires > ?4)",
        )?
        .query_row(
            params![
                gate.hook.as_uuid(),
                gate.generation.as_u64().cast_signed(),
                gate.group.as_bytes(),
                now.as_millis(),
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    found
        .map(|(version, memory)| {
            let memory = serde_json::from_str(&memory)?;
            Ok(Remembered { memory, version: version.cast_unsigned() })
        })
        .transpose()
}

/// A memory on its way to the writer.
pub(super) struct Writing {
    pub(super) gate: GateKey,
    /// As JSON.
    pub(super) memory: String,
    pub(super) seen: u64,
    pub(super) expires: Option<Timestamp>,
    pub(super) now: Timestamp,
}

impl Writing {
    /// Writes it, unless somebody else has meanwhile. A memory that expired is none.
    pub(super) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let sql = if self.seen == 0 {
            "INSERT INTO gate (hook, generation, digest, version, expires, memory)
             VALUES (?1, ?2, ?3, ?4 + 1, ?5, ?6)
             ON CONFLICT (hook, generation, digest) DO UPDATE
             SET version = excluded.version, expires = excluded.expires, memory = excluded.memory
             WHERE gate.expires <= ?7"
        } else {
            "UPDATE gate SET version = ?4 + 1, expires = ?5, memory = ?6
             WHERE hook = ?1 AND generation = ?2 AND digest = ?3 AND version = ?4
               AND (expires IS NULL OR expires > ?7)"
        };
        let written = connection.prepare_cached(sql)?.execute(params![
            self.gate.hook.as_uuid(),
            self.gate.generation.as_u64().cast_signed(),
            self.gate.group.as_bytes(),
            self.seen.cast_signed(),
            self.expires.map(Timestamp::as_millis),
            self.memory,
            self.now.as_millis(),
        ])?;
        if written == 0 { Err(Fault::Conflict) } else { Ok(()) }
    }
}

//! Whose is this key? The first one's who asks, for all who were accepted before its claim ends.

use hooks::ports::Claim;
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::fault::Fault;

/// A claim on its way to the writer.
pub(super) struct Row {
    workspace: String,
    source: String,
    /// As JSON.
    key: String,
    owner: Uuid,
    at: i64,
    until: i64,
}

impl Row {
    pub(super) fn of(claim: &Claim) -> Result<Self, Fault> {
        Ok(Self {
            workspace: claim.workspace.as_str().to_owned(),
            source: claim.source.as_str().to_owned(),
            key: serde_json::to_string(&claim.key)?,
            owner: *claim.owner.as_uuid(),
            at: claim.at.as_millis(),
            until: claim.until.as_millis(),
        })
    }

    /// About how large it is.
    pub(super) fn bytes(&self) -> usize {
        self.workspace.len() + self.source.len() + self.key.len()
    }

    /// Takes the key, where nobody else's claim is in force; answers whose it is.
    pub(super) fn take(&self, connection: &Connection) -> Result<bool, Fault> {
        let taken = connection
            .prepare_cached(
                "INSERT INTO claim (workspace, source, key, owner, until)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (workspace, source, key) DO UPDATE
                 SET owner = excluded.owner, until = excluded.until
                 WHERE claim.until <= ?6",
            )?
            .execute(params![
                self.workspace,
                self.source,
                self.key,
                self.owner,
                self.until,
                self.at,
            ])?;
        if taken > 0 {
            return Ok(true);
        }
        let owner: Uuid = connection
            .prepare_cached(
                "SELECT owner FROM claim WHERE workspace = ?1 AND source = ?2 AND key = ?3",
            )?
            .query_row([&self.workspace, &self.source, &self.key], |row| row.get(0))?;
        Ok(owner == self.owner)
    }
}

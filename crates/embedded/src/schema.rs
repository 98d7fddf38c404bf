//! Which tables are there, and how does a file of an older release get them?
//!
//! Each script makes one version out of the one before, which `user_version` counts. A script
//! only ever adds: the release before must be able to read and write what this one leaves behind,
//! so that a rollback works. (An index may go once another serves its queries and none of the
//! release before names it.) That is why a file of the *next* version is taken, too.

use rusqlite::Connection;

/// The scripts, each making the version of its place in this list.
const SCRIPTS: [&str; 2] = [include_str!("../schema/0001.sql"), include_str!("../schema/0002.sql")];

/// The version that this release writes.
pub(crate) const WRITES: usize = SCRIPTS.len();

/// The last version that this release reads.
pub(crate) const READS: usize = WRITES + 1;

/// Marks our files among all SQLite files: `EvHk`.
const APPLICATION: i32 = 0x4576_486b;

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// A version of ours, or nothing yet (0).
    Version(usize),
    /// Somebody else's tables.
    Foreign,
}

/// Looks which version a file is of.
pub(crate) fn found(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (number("application_id")?, usize::try_from(number("user_version")?), tables) {
        (APPLICATION, Ok(version), _) => Found::Version(version),
        (0, Ok(0), 0) => Found::Version(0),
        _ => Found::Foreign,
    })
}

/// Runs every script that a file of this version has not seen.
pub(crate) fn bring_up(connection: &mut Connection, from: usize) -> rusqlite::Result<()> {
    for (script, version) in SCRIPTS.into_iter().zip(1_u32..).skip(from) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Writes the version that is there, which costs one page.
pub(crate) fn write_version_again(connection: &Connection) -> rusqlite::Result<()> {
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    connection.pragma_update(None, "user_version", version)
}

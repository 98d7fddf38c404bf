//! Why could the database not do it, and what can the caller do?

use hooks::ports::{BoxError, PortError};
use rusqlite::{Error, ErrorCode};
use serde_json::error::Category;

/// Why a statement or a row was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The row is not the one that the caller saw.
    #[error("changed meanwhile")]
    Conflict,
    /// SQLite said no.
    #[error(transparent)]
    Sqlite(#[from] Error),
    /// A row holds what nobody wrote there.
    #[error("unreadable row: {0}")]
    Unreadable(#[source] BoxError),
    /// A write of the same group failed in a way that undid the others.
    #[error("undone with another write: {0}")]
    Undone(String),
}

impl From<serde_json::Error> for Fault {
    /// Says where and not what: the error quotes what it found, which may be secret.
    fn from(error: serde_json::Error) -> Self {
        let why = match error.classify() {
            Category::Data => "what this release does not know",
            Category::Io | Category::Syntax | Category::Eof => "no JSON",
        };
        Self::Unreadable(format!("{why}, at column {}", error.column()).into())
    }
}

impl From<hooks::name::NameError> for Fault {
    fn from(error: hooks::name::NameError) -> Self {
        Self::Unreadable(error.into())
    }
}

impl Fault {
    /// The fault as a port's error. A full disk, a folder that became read-only and an I/O error
    /// pass; a damaged file does not.
    pub(crate) fn of(&self, what: &'static str) -> PortError {
        match self {
            Self::Conflict => PortError::Conflict,
            other if other.is_damage() => {
                PortError::Corrupt { what, source: other.to_string().into() }
            }
            other => PortError::Unavailable { what, source: other.to_string().into() },
        }
    }

    fn is_damage(&self) -> bool {
        match self {
            Self::Unreadable(_) => true,
            Self::Conflict | Self::Undone(_) => false,
            Self::Sqlite(error) => is_damage(error),
        }
    }
}

/// Is the file damaged, or no database at all?
pub(crate) fn is_damage(error: &Error) -> bool {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..) => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn an_unreadable_row_is_not_quoted() {
        let error = serde_json::from_str::<u64>("\"hidden\"").unwrap_err();
        assert!(error.to_string().contains("hidden"), "that is why");
        let fault = Fault::from(error).to_string();
        assert_eq!(fault, "unreadable row: what this release does not know, at column 8");
    }

    #[test]
    fn a_fault_says_what_the_caller_can_do() {
        let sqlite = |code| Fault::Sqlite(Error::SqliteFailure(ffi::Error::new(code), None));
        for (name, fault, expected) in [
            ("a row that changed", Fault::Conflict, "changed meanwhile"),
            ("a full disk", sqlite(ffi::SQLITE_FULL), "unavailable"),
            ("a read-only disk", sqlite(ffi::SQLITE_READONLY), "unavailable"),
            ("a failing disk", sqlite(ffi::SQLITE_IOERR_FSYNC), "unavailable"),
            ("a lock", sqlite(ffi::SQLITE_BUSY), "unavailable"),
            ("another's failure", Fault::Undone("disk full".into()), "unavailable"),
            ("a damaged file", sqlite(ffi::SQLITE_CORRUPT), "corrupt"),
            ("not a database", sqlite(ffi::SQLITE_NOTADB), "corrupt"),
            ("an unreadable row", Fault::Unreadable("?".into()), "corrupt"),
        ] {
            let error = fault.of("the store").to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}

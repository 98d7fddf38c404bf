//! How does a folder become a store, and what is wrong with it if it cannot?

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{
    fault,
    queue::{self, Backlog},
    reader::Readers,
    schema::{self, Found},
};

/// Why a folder cannot be the store. Each is a sentence for the one who starts the process.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be made, or nothing can be written there.
    #[error(
        "the data folder {path} cannot be written to ({source}); \
         give this user the right to, or choose another folder"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process works there.
    #[error(
        "the data folder {path} is in use by another process; stop that one, or choose another folder"
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file is damaged or somebody else's.
    #[error(
        "{path} is not a database of Event Hooks, or is damaged ({reason}); \
         restore it from a backup, or move it away to start with an empty one"
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// How that shows.
        reason: String,
    },
    /// A newer release wrote it, and not the next one.
    #[error(
        "{path} was written by a newer release (schema {found}, this one reads up to {reads}); \
         start that release, or choose another data folder"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The last version that this release reads.
        reads: usize,
    },
    /// Whatever else is in the way: a full disk, say.
    #[error("{path} cannot be opened ({source}); free space or mend the disk, then start again")]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// A folder that is ours.
pub(crate) struct Opened {
    /// The only connection that writes, and the one that copies its log into the database.
    pub(crate) writing: [Connection; 2],
    /// Those that read.
    pub(crate) reading: Vec<Connection>,
    /// Held for as long as the store is open.
    pub(crate) lock: File,
    /// The highest id that a task has.
    pub(crate) last_task: i64,
    /// The tasks that are there.
    pub(crate) backlog: Backlog,
}

const DATABASE: &str = "event-hooks.db";
const LOCK: &str = "lock";

/// Opens the store in a folder, and makes both where there are none.
pub(crate) fn open(folder: &Path) -> Result<Opened, OpenError> {
    let lock = take(folder)?;
    let path = folder.join(DATABASE);
    private_file(&path).map_err(|source| OpenError::Folder { path: folder.into(), source })?;
    connect(&path, lock)
}

/// Makes the folder and takes its lock, which the system gives back when the process dies.
fn take(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { path: folder.into(), source };
    private_folder(folder).map_err(failed)?;
    let lock = private_file(&folder.join(LOCK)).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: folder.into() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Makes a folder that only its owner may look into, for it holds secrets.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file, and makes one that only its owner may read where there is none. SQLite gives the
/// files that it puts beside its own the same rights.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn connect(path: &Path, lock: File) -> Result<Opened, OpenError> {
    let failed = |error| not_opened(path, error);
    let mut writing = read_write(path).map_err(failed)?;
    tune(&writing).map_err(failed)?;
    match schema::found(&writing).map_err(failed)? {
        Found::Version(found) if found > schema::READS => {
            return Err(OpenError::TooNew { path: path.into(), found, reads: schema::READS });
        }
        Found::Version(found) => schema::bring_up(&mut writing, found).map_err(failed)?,
        Found::Foreign => {
            let reason = "its tables are another program's".to_owned();
            return Err(OpenError::NotADatabase { path: path.into(), reason });
        }
    }
    prepare_writing(&writing).map_err(failed)?;
    let last_task = queue::take_over(&writing).map_err(failed)?;
    let backlog = Backlog::of(&writing).map_err(failed)?;
    let copying = read_write(path).map_err(failed)?;
    let reading: Result<_, _> = (0..Readers::COUNT).map(|_| reader(path)).collect();
    Ok(Opened {
        writing: [writing, copying],
        reading: reading.map_err(failed)?,
        lock,
        last_task,
        backlog,
    })
}

fn not_opened(path: &Path, error: rusqlite::Error) -> OpenError {
    if fault::is_damage(&error) {
        return OpenError::NotADatabase { path: path.into(), reason: error.to_string() };
    }
    OpenError::Database { path: path.into(), source: error }
}

fn read_write(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

/// What all connections have in common.
fn tune(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Plans do not go by what is bound: else statements are prepared anew for each of it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// What the writing one has to itself.
fn prepare_writing(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -(16 << 10))
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    tune(&connection)?;
    connection.pragma_update(None, "cache_size", -(16 << 10))?;
    Ok(connection)
}

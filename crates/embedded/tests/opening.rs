//! What a folder may be, and what is said of one that may not.

use std::{fs, path::Path, sync::Arc};

use embedded::{OpenError, Store};
use hooks::ports::HookStore;
use rusqlite::Connection;
use testkit::{builders::hook, fakes::HandClock};

use crate::{folder, open};

fn try_open(folder: &Path) -> Result<Store, OpenError> {
    Store::open(folder, Arc::new(HandClock::default()))
}

/// Why this folder cannot be the store, in a sentence that names it.
fn refusal(folder: &Path) -> OpenError {
    let refused = try_open(folder).err().expect("the folder is refused");
    let sentence = refused.to_string();
    let name = folder.to_str().expect("a readable path");
    assert!(sentence.contains(name), "{sentence} does not name {name}");
    refused
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("event-hooks.db")
}

#[test]
fn a_folder_is_made_where_there_is_none() {
    let folder = folder();
    let deep = folder.path().join("not/there/yet");
    let _store = try_open(&deep).unwrap();
    assert!(database(&deep).is_file());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_look_into_what_holds_secrets() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let data = folder.path().join("data");
    let _store = try_open(&data).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_second_process_on_the_folder_is_refused_until_the_first_is_gone() {
    let folder = folder();
    let first = try_open(folder.path()).unwrap();
    let clone = first.clone();
    assert!(matches!(refusal(folder.path()), OpenError::InUse { .. }));
    drop(first);
    assert!(matches!(refusal(folder.path()), OpenError::InUse { .. }), "a clone still holds it");
    drop(clone);
    try_open(folder.path()).unwrap();
}

#[test]
fn a_lock_file_that_a_killed_process_left_behind_is_no_lock() {
    let folder = folder();
    fs::write(folder.path().join("lock"), "").unwrap();
    try_open(folder.path()).unwrap();
}

#[test]
fn unknown_files_in_the_folder_are_left_alone() {
    let folder = folder();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    drop(try_open(folder.path()).unwrap());
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let folder = folder();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    // Nothing can be made under a file, not even by root.
    assert!(matches!(refusal(&file.join("data")), OpenError::Folder { .. }));
    assert!(matches!(refusal(&file), OpenError::Folder { .. }));
}

#[test]
fn a_database_that_is_a_folder_is_refused() {
    let folder = folder();
    fs::create_dir(database(folder.path())).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::Folder { .. }));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = folder();
    let words = "this is not a database, whatever it is called. ".repeat(100);
    fs::write(database(folder.path()), &words).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::NotADatabase { .. }));
    assert_eq!(fs::read_to_string(database(folder.path())).unwrap(), words);
}

#[test]
fn a_damaged_database_is_refused() {
    let folder = folder();
    drop(try_open(folder.path()).unwrap());
    let mut bytes = fs::read(database(folder.path())).unwrap();
    // The header stays, what it speaks of does not.
    bytes[100..].fill(0xff);
    fs::write(database(folder.path()), bytes).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::NotADatabase { .. }));
}

#[test]
fn somebody_elses_database_is_refused_and_left_alone() {
    let folder = folder();
    let theirs = Connection::open(database(folder.path())).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::NotADatabase { .. }));
    let tables = "SELECT count(*) FROM sqlite_schema";
    assert_eq!(theirs.query_row(tables, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[tokio::test]
async fn the_next_releases_file_is_read_and_one_of_the_release_after_is_refused() {
    let folder = folder();
    let hook = hook();
    open(folder.path(), &HandClock::default()).insert(&hook).await.unwrap();
    let set_version = |version: i32| {
        let database = Connection::open(database(folder.path())).unwrap();
        database.pragma_update(None, "user_version", version).unwrap();
    };

    set_version(3);
    let store = open(folder.path(), &HandClock::default());
    assert_eq!(store.hook(hook.id).await.unwrap(), Some(hook), "a rollback works");
    drop(store);

    set_version(4);
    let refused = refusal(folder.path());
    assert!(matches!(refused, OpenError::TooNew { found: 4, reads: 3, .. }), "{refused}");
}

//! Can the store still write?

use hooks::ports::PortResult;

use crate::{
    Store, schema,
    writer::{Survives, Terms},
};

impl Store {
    /// Writes what is there already, in a way that survives a power cut: a full disk, a broken one
    /// and a writer that has stopped all show in the answer.
    pub async fn probe(&self) -> PortResult<()> {
        let terms = Terms { what: "the store", survives: Survives::PowerCut, bytes: 0 };
        self.write(terms, |connection| Ok(schema::write_version_again(connection)?)).await
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use testkit::fakes::HandClock;

    use super::*;
    use crate::fault::Fault;

    #[tokio::test]
    async fn a_probe_writes_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Arc::new(HandClock::default())).unwrap();
        let log = || fs::metadata(folder.path().join("event-hooks.db-wal")).unwrap().len();
        let before = log();
        store.probe().await.unwrap();
        assert!(log() > before, "it came as far as the disk");
        drop(store);
        Store::open(folder.path(), Arc::new(HandClock::default())).expect("as good as before");
    }

    #[tokio::test]
    async fn a_probe_shows_that_nobody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Arc::new(HandClock::default())).unwrap();
        let terms = Terms { what: "the test", survives: Survives::Process, bytes: 0 };
        let panicking =
            store.write(terms, |_| -> Result<(), Fault> { panic!("a test wants the thread dead") });
        assert!(panicking.await.is_err());
        let error = store.probe().await.unwrap_err().to_string();
        assert_eq!(error, "the store is unavailable: its writer has stopped");
    }
}

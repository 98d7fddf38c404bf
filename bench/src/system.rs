//! Event Hooks itself, as it is shipped: the binary on a data folder of its own.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hooks::hook::EventHook;
use tempfile::TempDir;

use crate::{
    child::{Child, Program, Usage},
    client,
    failure::Result,
    fill,
};

/// What is measured, and where it may write.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// Where rows are written, and data folders are made.
    pub(crate) folder: PathBuf,
    /// How often a ratio is taken.
    pub(crate) rounds: usize,
    /// Is what processes log shown?
    pub(crate) shows_log: bool,
}

impl Bench {
    /// A data folder, on the disk that the build is on. It is gone when this value is.
    pub(crate) fn data(&self) -> Result<TempDir> {
        fs::create_dir_all(&self.folder)?;
        Ok(tempfile::Builder::new().prefix("data-").tempdir_in(&self.folder)?)
    }

    /// Another process of this program, which listens.
    pub(crate) async fn start(&self, subcommand: &str) -> Result<Child> {
        let program = std::env::current_exe()?;
        let arguments = vec![subcommand.to_owned()];
        let shows_log = true;
        Program { file: program.as_os_str(), arguments, environment: Vec::new(), shows_log }
            .start()
            .await
    }
}

/// A process of the binary.
pub(crate) struct System {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl System {
    /// Starts it on an empty folder in which these hooks are put before, with these settings.
    pub(crate) async fn with_hooks(
        bench: &Bench,
        data: &Path,
        hooks: &[EventHook],
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let store = fill::open(data)?;
        fill::hooks(&store, hooks).await?;
        drop(store);
        Self::start(bench, data, settings).await
    }

    /// Starts it on this folder, with these settings beside the defaults: `("WORKERS", "1")`.
    pub(crate) async fn start(
        bench: &Bench,
        data: &Path,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let environment = settings
            .iter()
            .map(|(name, value)| (format!("EVENT_HOOKS_{name}"), (*value).to_owned()))
            .chain([
                ("EVENT_HOOKS_DATA".to_owned(), data.display().to_string()),
                ("EVENT_HOOKS_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ])
            .collect();
        let child = Program {
            file: bench.binary.as_os_str(),
            arguments: Vec::new(),
            environment,
            shows_log: bench.shows_log,
        }
        .start()
        .await
        .map_err(|error| format!("{}: {error}", bench.binary.display()))?;
        Ok(Self { address: child.address, child })
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        self.child.usage()
    }

    /// How many tasks wait or run, by queue. Asking makes it write once.
    pub(crate) async fn depth(&self) -> Result<BTreeMap<String, u64>> {
        let status = client::ask(self.address, "GET", "/status", None).await?;
        Ok(serde_json::from_value(status["queue_depth"].clone())?)
    }

    /// Waits until the queue of events is empty; answers how long that took.
    pub(crate) async fn drained(&self) -> Result<Duration> {
        const PATIENCE: Duration = Duration::from_mins(2);
        const PAUSE: Duration = Duration::from_millis(50);

        let began = Instant::now();
        while self.depth().await?.get("events").copied().unwrap_or_default() > 0 {
            if began.elapsed() > PATIENCE {
                return Err(format!("the queue is not empty after {PATIENCE:?}").into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(began.elapsed())
    }
}

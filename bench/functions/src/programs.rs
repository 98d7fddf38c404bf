//! Which programs are measured, and what are they told?

use std::path::{Path, PathBuf};

use awskit::events::{DEAD_EVENTS, DEAD_RETRIES};
use testkit::lambda_host::LambdaHost;

use crate::Result;

/// The functions.
pub(crate) const FUNCTIONS: [&str; 3] = ["ingest", "admin", "dispatcher"];

/// What does nothing. It is looked for where the functions are, and beside this program.
pub(crate) const HELLO: &str = "hello";

/// The names of the tables, whatever is behind them.
pub(crate) const TABLES: [(&str, &str); 4] = [
    ("EVENT_HOOKS_TABLE_HOOKS", "hooks"),
    ("EVENT_HOOKS_TABLE_CATALOG", "catalog"),
    ("EVENT_HOOKS_TABLE_TOKENS", "tokens"),
    ("EVENT_HOOKS_TABLE_LEDGER", "ledger"),
];

/// The programs that are measured.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Those in this folder.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        let programs =
            Self(folder.canonicalize().map_err(|it| format!("{}: {it}", folder.display()))?);
        for name in FUNCTIONS.into_iter().chain([HELLO]) {
            programs.path(name)?;
        }
        Ok(programs)
    }

    /// Where one is: in a folder of its own, or beside the others.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let beside = std::env::current_exe()?.with_file_name(HELLO);
        let places = [self.0.join(name).join("bootstrap"), self.0.join(name)];
        let bare = (name == HELLO).then_some(beside);
        let place = places.into_iter().chain(bare).find(|it| it.is_file());
        place.ok_or_else(|| format!("there is no program {name} in {}", self.0.display()).into())
    }

    /// Starts one between such servers and Lambda.
    pub(crate) async fn start(
        &self,
        name: &str,
        aws: &str,
        more: &[(&str, &str)],
    ) -> Result<LambdaHost> {
        let settings = [
            ("AWS_ENDPOINT_URL", aws),
            ("EVENT_HOOKS_QUEUE_EVENTS", "https://sqs.us-east-1.amazonaws.com/000000000000/events"),
            (
                "EVENT_HOOKS_QUEUE_RETRIES",
                "https://sqs.us-east-1.amazonaws.com/000000000000/retries",
            ),
            ("EVENT_HOOKS_DEAD_EVENTS_ARN", DEAD_EVENTS),
            ("EVENT_HOOKS_DEAD_RETRIES_ARN", DEAD_RETRIES),
            ("EVENT_HOOKS_ADMIN_TOKEN_SECRET", "the-secret"),
            ("EVENT_HOOKS_EGRESS_ALLOW", "127.0.0.0/8"),
        ];
        let settings = settings.iter().chain(&TABLES).chain(more).copied();
        let started = LambdaHost::start(self.path(name)?, settings).await;
        started.map_err(|error| format!("{name}: {error:?}").into())
    }
}

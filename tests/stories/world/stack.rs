//! A system that was deployed to AWS, or to what plays it, and that many stories share.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::repository;

/// What the one who deployed says of it, as JSON: `make e2e` does.
const STACK: &str = "EVENT_HOOKS_TEST_STACK";

/// A deployed system, and a workspace in it that nobody else has.
pub(crate) struct Stack {
    described: Value,
    workspace: String,
    /// When this story began, in milliseconds since 1970.
    began: u128,
}

impl Stack {
    /// The system that the stories are to run against, if there is one.
    #[expect(clippy::disallowed_methods, reason = "log lines elsewhere carry the clock's time")]
    pub(crate) fn deployed() -> Option<Self> {
        let described = std::env::var(STACK).ok()?;
        Some(Self {
            described: serde_json::from_str(&described).unwrap(),
            workspace: format!("story-{:016x}", fastrand::u64(..)),
            began: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis(),
        })
    }

    /// What it was deployed as.
    pub(crate) fn name(&self) -> &str {
        self.described["stack"].as_str().unwrap()
    }

    /// Where its API is, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        self.described["url"].as_str().unwrap()
    }

    /// The first admin token.
    pub(crate) fn token(&self) -> &str {
        self.described["token"].as_str().unwrap()
    }

    /// What the template calls a thing that it has made.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.described["outputs"][name].as_str().unwrap_or_else(|| panic!("no output {name}"))
    }

    /// Where a path is in this story's workspace. One that was answered there is in it already.
    pub(super) fn address(&self, path: &str) -> String {
        let (url, workspace) = (self.url(), &self.workspace);
        if path.starts_with(&format!("/{workspace}/")) {
            format!("{url}{path}")
        } else {
            format!("{url}/{workspace}{path}")
        }
    }

    /// What its functions logged since this story began.
    pub(super) async fn logged(&self) -> String {
        let stack = self.name();
        let mut lines = String::new();
        for function in ["admin", "ingest", "dispatcher"] {
            let asked = json!({
                "logGroupName": format!("/event-hooks/{stack}/{function}"),
                "startTime": self.began,
            });
            let logged = self.ask("logs", "filter_log_events", asked).await;
            for event in logged["events"].as_array().unwrap() {
                lines.push_str(event["message"].as_str().unwrap().trim_end());
                lines.push('\n');
            }
        }
        lines
    }

    /// Asks AWS itself, where no HTTP of ours reaches. Operations and arguments are boto3's.
    pub(crate) async fn ask(&self, service: &str, operation: &str, arguments: Value) -> Value {
        let file = |path: &str| -> PathBuf { repository::root().join(path) };
        let asked = Command::new(file(".venv/bin/python"))
            .arg(file("tests/aws/ask.py"))
            .args([service, operation, &arguments.to_string()])
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&asked.stderr);
        assert!(asked.status.success(), "{service} {operation} {arguments}: {said}");
        serde_json::from_slice(&asked.stdout).unwrap()
    }
}

//! What the sandbox promises, with workers that are real processes.

mod attacks;
mod behaviour;
mod confinement;
mod conformance;
mod deaths;
mod gateway;
mod impostors;
mod requests;
mod templates;

use std::{sync::LazyLock, time::Duration};

use handlers::sandbox::{CheckError, Job, Owner, Ran, Sandbox, SandboxConfig};
use serde_json::{Value, json};

/// Whose runs they are where that does not matter.
const OWNER: Owner = Owner(1);

static EVENT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "entity": {"username": "Lois Lane", "custom_id": null, "tags": [], "created_at": 1.5},
        "operation": "create",
    })
});

/// A sandbox whose workers are processes of their own.
fn sandbox() -> Sandbox {
    Sandbox::new(config())
}

/// A sandbox that has one worker at most, to look at.
fn one_worker_at_a_time() -> Sandbox {
    Sandbox::new(SandboxConfig { workers: 1, ..config() })
}

fn config() -> SandboxConfig {
    SandboxConfig {
        program: env!("CARGO_BIN_EXE_lua-worker").into(),
        patience: Duration::from_secs(30),
        ..SandboxConfig::default()
    }
}

/// Functions, called for an event of a consumer.
fn job(sources: &[String]) -> Job<'_, &'static Value> {
    Job::Functions {
        sources: sources.into(),
        data: &EVENT,
        event: Some("consumers".into()),
        source: "crud".into(),
        pid: 1234,
    }
}

/// Runs one function.
async fn run(sandbox: &Sandbox, source: &str) -> Ran {
    sandbox.run(OWNER, job(&[source.to_owned()])).await.unwrap()
}

/// Runs the body of a function.
async fn run_body(sandbox: &Sandbox, body: &str) -> Ran {
    run(sandbox, &format!("return function(data, event, source, pid)\n{body}\nend")).await
}

/// Why a function may not be saved.
async fn refusal(sandbox: &Sandbox, source: &str) -> Option<String> {
    match sandbox.check(OWNER, &[source.to_owned()]).await {
        Ok(()) => None,
        Err(error @ CheckError::Refused(_)) => Some(error.to_string()),
        Err(error) => panic!("not checked: {error}"),
    }
}

fn failure_of(ran: &Ran) -> &str {
    ran.failure.as_ref().map_or("", |it| &it.message)
}

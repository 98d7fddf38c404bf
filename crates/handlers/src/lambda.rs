//! `lambda`: functions of the administrator's own, in the sandbox.

use std::time::Duration;

use hooks::{
    delivery::{ExhaustedReason, HandlerResult, LogLevel, LogLine, Outcome, Report},
    handler::Lambda,
    ports::{CheckError, PortError, Run},
    violation::Violations,
};
use tokio::time::timeout;

use crate::{
    failure,
    sandbox::{self, Job, Limits, Owner, Ran, Sandbox, SandboxError, ScriptFailure},
};

/// Whose run it is when a hook is checked that is none yet.
pub(crate) const CHECKS: Owner = Owner(0);

/// Would these functions run?
pub(crate) async fn check(hook: &Lambda, sandbox: &Sandbox) -> Result<(), CheckError> {
    let most = Limits::default().source;
    if hook.functions.iter().map(String::len).sum::<usize>() > most {
        let message = format_args!("the functions of a hook may have {most} bytes together");
        return Err(Violations::one("config.functions", message).into());
    }
    match sandbox.check(CHECKS, &hook.functions).await {
        Ok(()) => Ok(()),
        Err(sandbox::CheckError::Refused(failure)) => {
            let field = format!("config.functions.{}", failure.index + 1);
            Err(Violations::one(field, format_args!("Error parsing function: {failure}")).into())
        }
        Err(sandbox::CheckError::Sandbox(error)) => Err(error.into()),
    }
}

/// Runs the functions.
pub(crate) async fn run(
    hook: &Lambda,
    run: Run<'_>,
    sandbox: &Sandbox,
    within: Duration,
) -> Report {
    let job = Job::Functions {
        sources: (&hook.functions).into(),
        data: run.event.data.as_map(),
        event: run.name.map(|name| name.as_str().into()),
        source: run.event.source.as_str().into(),
        pid: run.event.pid.unwrap_or_else(|| std::process::id().into()),
    };
    let running = sandbox.run(run.hook.id.into(), job);
    let (outcome, result) = match timeout(within, running).await {
        Ok(Ok(Ran { returns, logs, failure })) => {
            note(run, &logs);
            let outcome = failure.map_or(Outcome::Succeeded, |it| outcome_of(&it));
            (outcome, HandlerResult::Returned { returns, logs })
        }
        Ok(Err(error)) => (outcome_without_run(&error), HandlerResult::Nothing),
        Err(_) => {
            let why = format!("the functions did not end within {within:?}");
            (failure::transient(why), HandlerResult::Nothing)
        }
    };
    Report::without_request(outcome, result)
}

/// A script that raised would raise again; one that returned false asks for another attempt.
fn outcome_of(failure: &ScriptFailure) -> Outcome {
    if failure.may_pass() {
        return failure::transient(failure.message.clone());
    }
    failure::permanent(ExhaustedReason::ScriptError, failure.message.clone())
}

fn outcome_without_run(error: &SandboxError) -> Outcome {
    match error {
        SandboxError::Busy(_) | SandboxError::Unavailable(_) => {
            failure::not_tried(error.to_string())
        }
        SandboxError::TooLarge => {
            failure::permanent(ExhaustedReason::ScriptError, error.to_string())
        }
    }
}

/// What scripts log stands in the process's log, too, as it does in the gateway's.
pub(crate) fn note(run: Run<'_>, logs: &[LogLine]) {
    let (hook, delivery) = (run.hook.id, run.delivery);
    for LogLine { level, text } in logs {
        macro_rules! note {
            ($at:ident) => {
                tracing::$at!(hook.id = %hook, delivery.id = %delivery, script.level = %level, "{text}")
            };
        }
        match level {
            LogLevel::Emerg | LogLevel::Alert | LogLevel::Crit | LogLevel::Error => note!(error),
            LogLevel::Warn => note!(warn),
            LogLevel::Notice | LogLevel::Info => note!(info),
            LogLevel::Debug => note!(debug),
        }
    }
}

impl From<SandboxError> for CheckError {
    fn from(error: SandboxError) -> Self {
        let what = "the Lua sandbox";
        Self::Port(PortError::Unavailable { what, source: error.into() })
    }
}

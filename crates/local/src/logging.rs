//! What this process says of itself, on standard error.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

const FILTER: &str = "EVENT_HOOKS_LOG";

/// Are log lines for people?
pub(crate) fn is_pretty(format: LogFormat) -> bool {
    match format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => stderr().is_terminal(),
    }
}

/// Sends log lines to standard error from now on.
pub(crate) fn start(pretty: bool) -> Result<(), String> {
    let filter = std::env::var(FILTER).unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        format!("{FILTER}: '{filter}' is no filter ({error}); write a level such as info or debug")
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if pretty {
        lines.with_ansi(stderr().is_terminal()).with_target(false).init();
    } else {
        lines.json().flatten_event(true).init();
    }
    Ok(())
}

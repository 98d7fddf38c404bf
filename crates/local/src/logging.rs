//! What this process says of itself, on standard error.

use std::io::{BufWriter, IsTerminal as _, stderr};

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

const FILTER: &str = "EVENT_HOOKS_LOG";

/// How many lines may wait to be written.
const ROOM: usize = 16 * 1024;

/// Are log lines for people?
pub(crate) fn is_pretty(format: LogFormat) -> bool {
    match format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => stderr().is_terminal(),
    }
}

/// Sends log lines to standard error from now on, until what it answers is dropped: that waits a
/// moment for the last lines, so keep it as long as there is something to say.
pub(crate) fn start(pretty: bool) -> Result<WorkerGuard, String> {
    let filter = std::env::var(FILTER).unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        format!("{FILTER}: '{filter}' is no filter ({error}); write a level such as info or debug")
    })?;
    // A thread writes the lines. When nobody reads standard error they are lost, for what they say
    // is for diagnosis: it must never stop a delivery.
    let lines = NonBlockingBuilder::default().buffered_lines_limit(ROOM).lossy(true);
    // What waits is written at once, and nothing is kept when nothing waits.
    let (writer, guard) = lines.finish(BufWriter::new(stderr()));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    if pretty {
        lines.with_ansi(stderr().is_terminal()).with_target(false).init();
    } else {
        lines.json().flatten_event(true).init();
    }
    Ok(guard)
}

//! Event Hooks as one process: admin API, ingest and dispatcher on one address, everything
//! remembered in one folder. This file is wiring.

mod config;
mod clock;
mod logging;
mod metrics;
mod probe;
mod serve;
mod request_body;
mod worker;
mod listen;
mod process;

use std::process::ExitCode;

use crate::config::Command;

/// Prints a line for the person who started this. Whoever closed the pipe does not want it.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = config::read();
    let ended = match cli.command {
        Some(Command::Listen(listen)) => listen::listen(listen).await,
        None => process::run(cli.serve).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "event-hooks: {error}");
            ExitCode::FAILURE
        }
    }
}

//! Event Hooks as one process: admin API, ingest and dispatcher on one address, everything
//! remembered in one folder. This file is wiring.

mod config;
mod clock;
mod logging;
mod metrics;
mod probe;
mod intake;
mod serve;
mod request_body;
mod worker;
mod listen;
mod process;

use std::process::ExitCode;

use handlers::sandbox;

use crate::config::Command;

/// A delivery allocates some fifty times, on one thread what another one frees: with the system's
/// allocator that was a quarter of all processor time.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Prints a line for the person who started this. Whoever closed the pipe does not want it.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;

/// The same executable is also the sandbox's worker, which must come before any thread.
fn main() -> ExitCode {
    if sandbox::is_worker(std::env::args_os()) {
        return sandbox::worker_main();
    }
    match serve_or_listen() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "event-hooks: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve_or_listen() -> Result<(), String> {
    let cli = config::read();
    match cli.command {
        Some(Command::Listen(listen)) => listen::listen(listen).await,
        None => process::run(cli.serve).await,
    }
}

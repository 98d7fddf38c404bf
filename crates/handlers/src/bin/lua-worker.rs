//! A process that is a worker of the sandbox and nothing else, for the tests.

use std::process::ExitCode;

use handlers::sandbox;

fn main() -> ExitCode {
    if sandbox::is_worker(std::env::args_os()) {
        return sandbox::worker_main();
    }
    ExitCode::FAILURE
}

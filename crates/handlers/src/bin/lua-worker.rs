//! A process that is a worker of the sandbox and nothing else, for the tests.

use std::process::ExitCode;

use handlers::lambda;

fn main() -> ExitCode {
    if lambda::is_worker(std::env::args_os()) {
        return lambda::worker_main();
    }
    ExitCode::FAILURE
}

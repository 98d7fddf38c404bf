//! What does somebody want of a deployment, and how did it go? The command `eventhooks`.

mod arguments;
mod failure;
mod deployment;
mod terminal;
mod table;
mod yaml;
mod moment;
mod fields;
mod hook;
mod hook_file;
mod plan;
mod difference;
mod commands;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{arguments::Cli, failure::Failure};

/// What this program is called.
const NAME: &str = "eventhooks";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(commands::run(cli));
            // A lookup of a name that takes for ever is not waited for.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(Failure::failed(format!("cannot start: {error}"))),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            failure.tell();
            failure.code()
        }
    }
}

//! What can be typed next? A script that tells a shell.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{arguments::Cli, failure::Done, terminal};

/// Arguments of `completions`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(arguments: &Arguments) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), crate::NAME, &mut script);
    terminal::print(String::from_utf8_lossy(&script))
}

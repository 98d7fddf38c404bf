//! What can be asked? The arguments that every command has, and the commands.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    apply, completions, deliveries, events, export, hooks, poison, recover, sources, tokens,
};

const ABOUT_CODES: &str = "\
Exit codes:
  0  done
  1  failed: what was asked for cannot be, or did not go well
  2  the command line is wrong
  3  something that was asked for is not there
  4  refused: no token, a wrong one, or one that may not do this
  5  nobody answers at --url, or only that it is not possible now
  6  apply --dry-run --exit-code found differences
  130  apply was stopped by Ctrl-C";

/// The client for Event Hooks: hooks, events and deliveries of any deployment, from a shell.
#[derive(Parser)]
#[command(name = crate::NAME, version, after_help = ABOUT_CODES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Where, as whom, and how to show it.
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// What all commands have. It holds a token, so it cannot be printed.
#[derive(Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Shared {
    /// Where the deployment is
    #[arg(
        long,
        env = "EVENT_HOOKS_URL",
        hide_env_values = true,
        default_value = "http://localhost:8001",
        global = true,
        value_name = "URL"
    )]
    pub(crate) url: String,

    /// The token to show. Better in the environment: arguments are everybody's to read
    #[arg(
        long,
        env = "EVENT_HOOKS_TOKEN",
        hide_env_values = true,
        global = true,
        value_name = "TOKEN"
    )]
    pub(crate) token: Option<String>,

    /// A file that has the token
    #[arg(long, env = "EVENT_HOOKS_TOKEN_FILE", global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// The workspace to work in; without one, hooks of all workspaces are seen
    #[arg(long, env = "EVENT_HOOKS_WORKSPACE", global = true, value_name = "NAME")]
    pub(crate) workspace: Option<String>,

    /// How to show answers: table for people, json and yaml for programs
    #[arg(long, short, global = true, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// How many seconds an answer may take
    #[arg(
        long,
        env = "EVENT_HOOKS_CLIENT_TIMEOUT",
        default_value_t = 30,
        global = true,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u16).range(1..=3600)
    )]
    pub(crate) timeout: u16,

    /// Certificates to trust beside Mozilla's, as PEM: for a deployment with an authority of its own
    #[arg(long, env = "EVENT_HOOKS_CA_FILE", global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Do not ask before deleting
    #[arg(long, short, global = true)]
    pub(crate) yes: bool,
}

impl Shared {
    /// How long an answer may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

/// What can be done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Look at hooks, make, change, remove and try them
    #[command(subcommand)]
    Hooks(hooks::Command),
    /// Make hooks as files say: what is missing is made, what differs is changed
    Apply(apply::Arguments),
    /// Write hooks as a file that apply takes
    Export(export::Arguments),
    /// Post events
    #[command(subcommand)]
    Events(events::Command),
    /// See what became of events, and send them again
    #[command(subcommand)]
    Deliveries(deliveries::Command),
    /// Send again what a hook missed in a range of time, and wait for it
    Recover(recover::Arguments),
    /// See to messages that could not be processed at all
    #[command(subcommand)]
    Poison(poison::Command),
    /// Look at the catalog of events, add to it
    #[command(subcommand)]
    Sources(sources::Command),
    /// Say who may do what
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Ask whether the deployment is well
    Status,
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

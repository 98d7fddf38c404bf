//! The commands: a file for each.

pub(crate) mod hooks;
pub(crate) mod apply;
pub(crate) mod export;
pub(crate) mod events;
pub(crate) mod deliveries;
pub(crate) mod recover;
pub(crate) mod poison;
pub(crate) mod sources;
pub(crate) mod tokens;
pub(crate) mod status;
pub(crate) mod completions;

mod each;

use std::process::ExitCode;

use crate::{
    arguments::{Cli, Command, Format},
    deployment::Deployment,
    failure::{DIFFERS, Done},
};

/// What every command works with.
pub(crate) struct Context {
    /// Whom to ask.
    pub(crate) deployment: Deployment,
    /// How to show answers, where somebody says.
    pub(crate) output: Option<Format>,
    /// Not to ask before deleting.
    pub(crate) yes: bool,
}

impl Context {
    /// How answers are shown: as tables, where nobody says.
    pub(crate) fn format(&self) -> Format {
        self.output.unwrap_or(Format::Table)
    }

    /// The workspace that is worked in, for people.
    pub(crate) fn place(&self) -> String {
        self.deployment.workspace().map_or(String::new(), |it| format!(" in workspace {it}"))
    }
}

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> Done<ExitCode> {
    if let Command::Completions(arguments) = cli.command {
        return completions::run(&arguments).map(|()| ExitCode::SUCCESS);
    }
    let deployment = Deployment::new(&cli.shared)?;
    let context = Context { deployment, output: cli.shared.output, yes: cli.shared.yes };
    match cli.command {
        Command::Hooks(command) => hooks::run(&context, command).await?,
        Command::Apply(arguments) => {
            let differs = apply::run(&context, &arguments).await?;
            return Ok(if differs { DIFFERS.into() } else { ExitCode::SUCCESS });
        }
        Command::Export(arguments) => export::run(&context, &arguments).await?,
        Command::Events(command) => events::run(&context, command).await?,
        Command::Deliveries(command) => deliveries::run(&context, command).await?,
        Command::Recover(arguments) => recover::run(&context, &arguments).await?,
        Command::Poison(command) => poison::run(&context, command).await?,
        Command::Sources(command) => sources::run(&context, command).await?,
        Command::Tokens(command) => tokens::run(&context, command).await?,
        Command::Status => status::run(&context).await?,
        Command::Completions(_) => {}
    }
    Ok(ExitCode::SUCCESS)
}

//! `export`: the hooks of a deployment as a file that `apply` takes.
//!
//! **Promise:** applying what was exported changes nothing. Hooks of a workspace say so, and are
//! not made in another one by mistake.

use clap::Args;
use serde_json::{Map, Value};

use super::{Context, hooks};
use crate::{
    arguments::Format,
    failure::Done,
    hook::{Secrets, essence},
    table, terminal,
};

/// Above hooks of which nobody knows whose they are, for answers do not say it.
const OF_ALL: &str =
    "# Hooks of all workspaces. Where they are not there yet, they are made without a workspace.\n";

/// Arguments of `export`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Write secrets too. Without them, apply keeps those that are there
    #[arg(long)]
    secrets: bool,
}

/// Prints the file, as YAML where nobody wants JSON.
pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Done {
    let secrets = if arguments.secrets { Secrets::Shown } else { Secrets::LeftOut };
    let found = hooks::all(context).await?;
    hooks::must_show(context, secrets, &found).await?;
    let hooks = found.iter().filter_map(Value::as_object).map(|hook| essence(hook, secrets).into());
    let hooks: Vec<Value> = hooks.collect();

    let workspace = context.deployment.workspace();
    let mut file = Map::new();
    file.extend(workspace.map(|it| ("workspace".to_owned(), it.into())));
    file.insert("hooks".into(), hooks.into());
    if context.output == Some(Format::Json) {
        return table::show(Format::Json, &file.into(), |_| String::new());
    }
    if workspace.is_none() {
        terminal::data(OF_ALL)?;
    }
    table::show(Format::Yaml, &file.into(), |_| String::new())
}

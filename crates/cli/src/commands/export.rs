//! `export`: the hooks of a deployment as a file that `apply` takes.
//!
//! **Promise:** applying what was exported changes nothing.

use clap::Args;
use serde_json::{Value, json};

use super::{Context, hooks};
use crate::{
    arguments::Format,
    failure::Done,
    hook::{Secrets, essence},
    table,
};

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
    let hooks = hooks::all(context).await?;
    let hooks: Vec<Value> = hooks
        .iter()
        .filter_map(Value::as_object)
        .map(|hook| essence(hook, secrets).into())
        .collect();
    let format = match context.output {
        Some(Format::Json) => Format::Json,
        _ => Format::Yaml,
    };
    table::show(format, &json!({"hooks": hooks}), |_| String::new())
}

//! `tokens`: who may do what?

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};

use super::Context;
use crate::{
    deployment::{Body, Query, Request, segment},
    failure::{Done, Failure},
    table::{self, Columns},
    terminal,
};

const LISTED: Columns = &[
    ("ID", "id"),
    ("NAME", "name"),
    ("ROLE", "role"),
    ("WORKSPACES", "workspaces"),
    ("CREATED", "created_at"),
];

/// What can be done with tokens.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List tokens, which are not shown themselves
    List,
    /// Make a token. It is shown once
    Create(Create),
    /// Revoke tokens
    Delete(Delete),
}

/// Arguments of `tokens create`.
#[derive(Args)]
pub(crate) struct Create {
    /// Whose it is, or what for
    name: String,
    /// What its holder may do
    #[arg(long)]
    role: Role,
    /// A workspace that it is good for; again for each. Without any, it is good for all
    #[arg(long = "for", value_name = "WORKSPACE")]
    workspaces: Vec<String>,
}

/// What the holder of a token may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    /// Everything
    Admin,
    /// Look
    ReadOnly,
    /// Post events and publish sources
    Emitter,
}

/// Arguments of `tokens delete`.
#[derive(Args)]
pub(crate) struct Delete {
    /// The tokens' ids
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// Does one of them.
pub(crate) async fn run(context: &Context, command: Command) -> Done {
    match command {
        Command::List => list(context).await,
        Command::Create(arguments) => create(context, &arguments).await,
        Command::Delete(Delete { ids }) => delete(context, &ids).await,
    }
}

async fn list(context: &Context) -> Done {
    let tokens = context.deployment.list("/tokens", &Query::default(), usize::MAX).await;
    let tokens = tokens.map_err(without_tokens)?;
    table::show(context.format(), &Value::Array(tokens), |tokens| match tokens.as_array() {
        Some(tokens) if !tokens.is_empty() => table::list(tokens, LISTED),
        _ => "there are no tokens but the first one\n".to_owned(),
    })
}

/// The token is all that is printed, for a script to take; the rest is said beside it.
async fn create(context: &Context, Create { name, role, workspaces }: &Create) -> Done {
    let role = role.to_possible_value().map(|it| it.get_name().to_owned());
    let body = Body::Json(json!({"name": name, "role": role, "workspaces": workspaces}));
    // A second token that nobody knows of would be worse than a failure.
    let request = Request::new(Method::POST, "/tokens", body).once();
    let made = context.deployment.ask(request).await.map_err(without_tokens)?;
    let token = made["token"].as_str().unwrap_or_default();
    table::show(context.format(), &made, |_| format!("{}\n", terminal::plain(token)))?;
    let id = terminal::plain(made["id"].as_str().unwrap_or_default());
    terminal::tell(format_args!("token {id} is shown this once; it cannot be looked up"));
    Ok(())
}

async fn delete(context: &Context, ids: &[String]) -> Done {
    let question = match ids {
        [one] => format!("Revoke token {}?", terminal::plain(one)),
        several => format!("Revoke {} tokens?", several.len()),
    };
    terminal::confirm(&question, context.yes)?;
    for id in ids {
        let name = terminal::plain(id);
        let revoked = context.deployment.delete(format!("/tokens/{}", segment(id))).await;
        revoked.map_err(|failure| failure.about(format_args!("token {name}")))?;
        let done = json!({"id": id, "deleted": true});
        table::show(context.format(), &done, |_| format!("revoked {name}\n"))?;
    }
    Ok(())
}

/// A release that has no tokens does not know the path.
fn without_tokens(failure: Failure) -> Failure {
    failure.about("/tokens here: this deployment has no tokens but its first one")
}

//! `tokens`: who may do what?

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, each::each};
use crate::{
    deployment::{Body, Query, Request},
    failure::Done,
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
    ids: Vec<Uuid>,
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
    let tokens = context.deployment.list("/tokens", &Query::default(), usize::MAX).await?;
    table::show(context.format(), &Value::Array(tokens), |tokens| match tokens.as_array() {
        Some(tokens) if !tokens.is_empty() => table::list(tokens, LISTED),
        _ => "there are no tokens but the first one\n".to_owned(),
    })
}

/// The token is all that is printed, for a script to take; the rest is said beside it, and before:
/// who cannot take the token must know which one to revoke.
async fn create(context: &Context, Create { name, role, workspaces }: &Create) -> Done {
    let role = role.to_possible_value().map(|it| it.get_name().to_owned());
    let mut wanted = json!({"name": name, "role": role});
    // An empty list is a mistake there, and not every workspace.
    if !workspaces.is_empty() {
        wanted["workspaces"] = workspaces.as_slice().into();
    }
    // A second token that nobody knows of would be worse than a failure.
    let request = Request::new(Method::POST, "/tokens", Body::Json(wanted)).once();
    let made = context.deployment.ask(request).await?;
    let id = terminal::plain(made["id"].as_str().unwrap_or_default());
    terminal::tell(format_args!("token {id} is shown this once; it cannot be looked up"));
    let token = made["token"].as_str().unwrap_or_default();
    table::show(context.format(), &made, |_| format!("{}\n", terminal::plain(token)))
}

async fn delete(context: &Context, ids: &[Uuid]) -> Done {
    let question = match ids {
        [one] => format!("Revoke token {one}?"),
        several => format!("Revoke {} tokens?", several.len()),
    };
    terminal::confirm(&question, context.yes)?;
    let deed = async |id: &Uuid| {
        let revoked = context.deployment.delete(format!("/tokens/{id}")).await;
        revoked.map_err(|failure| failure.about(format_args!("token {id}")))?;
        Ok(json!({"id": id, "deleted": true}))
    };
    let words = |done: &Value| format!("revoked {}\n", done["id"].as_str().unwrap_or_default());
    each(context, ids, deed, words).await
}

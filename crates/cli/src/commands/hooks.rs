//! `hooks`: which hooks are there, what do they say, and do they work?

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Context, each::each};
use crate::{
    deployment::{Body, Query, Request},
    failure::{Done, Failure, Kind},
    fields,
    hook::{Secrets, view},
    table::{self, Columns},
    terminal,
};

const LISTED: Columns = &[
    ("ID", "id"),
    ("SOURCE", "source"),
    ("EVENT", "event"),
    ("HANDLER", "handler"),
    ("URL", "config.url"),
    ("ENABLED", "enabled"),
];

/// What can be done with hooks.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List hooks
    List(List),
    /// Show a hook
    Get(One),
    /// Make a hook
    Create(Create),
    /// Change a hook: what is said; the rest stays as it is
    Update(Update),
    /// Remove hooks
    Delete(Delete),
    /// Send a ping to a webhook, and wait for what its receiver says
    Ping(Ping),
    /// Run a hook's handler with data of yours, and wait for how it ends
    Test(Test),
}

/// Arguments of `hooks list`.
#[derive(Args)]
pub(crate) struct List {
    /// Show secrets too
    #[arg(long)]
    secrets: bool,
}

/// A hook.
#[derive(Args)]
pub(crate) struct One {
    /// The hook's id
    id: Uuid,
    /// Show the secret too
    #[arg(long)]
    secrets: bool,
}

/// Arguments of `hooks create`.
#[derive(Args)]
pub(crate) struct Create {
    #[arg(value_name = "FIELD=VALUE", help = fields::HELP, required = true)]
    fields: Vec<String>,
}

/// Arguments of `hooks update`.
#[derive(Args)]
pub(crate) struct Update {
    /// The hook's id
    id: Uuid,
    #[arg(value_name = "FIELD=VALUE", help = fields::HELP, required = true)]
    fields: Vec<String>,
}

/// Arguments of `hooks delete`.
#[derive(Args)]
pub(crate) struct Delete {
    /// The hooks' ids
    #[arg(value_name = "ID", required = true)]
    ids: Vec<Uuid>,
}

/// Arguments of `hooks ping`.
#[derive(Args)]
pub(crate) struct Ping {
    /// The hook's id
    id: Uuid,
}

/// Arguments of `hooks test`.
#[derive(Args)]
pub(crate) struct Test {
    /// The hook's id
    id: Uuid,
    /// The data: members of the event, as text
    #[arg(value_name = "FIELD=VALUE", help = fields::HELP)]
    fields: Vec<String>,
    /// The data as a JSON object, instead
    #[arg(long, value_name = "JSON", conflicts_with = "fields")]
    data: Option<String>,
}

/// Does one of them.
pub(crate) async fn run(context: &Context, command: Command) -> Done {
    match command {
        Command::List(List { secrets }) => list(context, shown(secrets)).await,
        Command::Get(One { id, secrets }) => {
            let hook = about(context, id, context.deployment.get(path(id)).await)?;
            must_show(context, shown(secrets), std::slice::from_ref(&hook)).await?;
            show(context, hook, shown(secrets))
        }
        Command::Create(Create { fields }) => create(context, fields::read(&fields)?).await,
        Command::Update(Update { id, fields }) => {
            let body = Body::Form(fields::read(&fields)?);
            let changed = context.deployment.ask(Request::new(Method::PATCH, path(id), body)).await;
            show(context, about(context, id, changed)?, Secrets::LeftOut)
        }
        Command::Delete(Delete { ids }) => delete(context, &ids).await,
        Command::Ping(Ping { id }) => {
            let path = format!("{}/ping", path(id));
            let request = Request::new(Method::GET, path, Body::Nothing).once();
            let sent = about(context, id, context.deployment.ask(request).await)?;
            table::show(context.format(), &sent, |_| "the receiver took the ping\n".to_owned())
        }
        Command::Test(arguments) => test(context, arguments).await,
    }
}

/// Every hook that can be seen.
pub(crate) async fn all(context: &Context) -> Done<Vec<Value>> {
    context.deployment.list("/event-hooks", &Query::default(), usize::MAX).await
}

/// The path of a hook.
pub(crate) fn path(id: Uuid) -> String {
    format!("/event-hooks/{id}")
}

/// Names the hook, where it is not there.
pub(crate) fn about<T>(context: &Context, id: Uuid, done: Done<T>) -> Done<T> {
    done.map_err(|failure| failure.about(format_args!("hook {id}{}", context.place())))
}

/// Are the secrets of these hooks shown to this token? Those that are hidden look as if there were
/// none.
pub(crate) async fn are_shown(context: &Context, hooks: &[Value]) -> Done<bool> {
    let mut secrets = hooks.iter().filter_map(|it| it["config"].get("secret")).peekable();
    if secrets.peek().is_none() || secrets.any(Value::is_string) {
        return Ok(true);
    }
    context.deployment.shows_secrets().await
}

/// Fails where secrets are asked for, and this token is shown none.
pub(crate) async fn must_show(context: &Context, secrets: Secrets, hooks: &[Value]) -> Done {
    if secrets == Secrets::LeftOut || are_shown(context, hooks).await? {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, "this token is shown no secrets")
        .hint("that of an admin is; those that are not asked for or written are left alone"))
}

fn shown(secrets: bool) -> Secrets {
    if secrets { Secrets::Shown } else { Secrets::LeftOut }
}

async fn list(context: &Context, secrets: Secrets) -> Done {
    let hooks = all(context).await?;
    must_show(context, secrets, &hooks).await?;
    let hooks: Value = hooks.into_iter().map(|hook| view(hook, secrets)).collect();
    table::show(context.format(), &hooks, |hooks| match hooks.as_array() {
        Some(hooks) if !hooks.is_empty() => table::list(hooks, LISTED),
        _ => format!("there are no hooks{}\n", context.place()),
    })
}

fn show(context: &Context, hook: Value, secrets: Secrets) -> Done {
    table::show_in_lines(context.format(), &view(hook, secrets))
}

/// A hook whose id nobody chose gets one here: a repetition then makes no second hook.
async fn create(context: &Context, mut fields: Vec<(String, String)>) -> Done {
    let request = if fields.iter().any(|(name, _)| name == "id") {
        Request::new(Method::POST, "/event-hooks", Body::Form(fields)).once()
    } else {
        let id = Uuid::new_v4();
        let path = path(id);
        fields.push(("id".into(), id.to_string()));
        Request::new(Method::PUT, path, Body::Form(fields))
    };
    show(context, context.deployment.ask(request).await?, Secrets::LeftOut)
}

async fn delete(context: &Context, ids: &[Uuid]) -> Done {
    let which = match ids {
        [one] => format!("hook {one}"),
        several => format!("{} hooks", several.len()),
    };
    terminal::confirm(&format!("Delete {which}{}?", context.place()), context.yes)?;
    let deed = async |id: &Uuid| {
        about(context, *id, context.deployment.delete(path(*id)).await)?;
        Ok(json!({"id": id, "deleted": true}))
    };
    let words = |done: &Value| format!("deleted {}\n", done["id"].as_str().unwrap_or_default());
    each(context, ids, deed, words).await
}

async fn test(context: &Context, Test { id, fields, data }: Test) -> Done {
    let body = match data.as_deref().map(serde_json::from_str) {
        Some(Ok(data @ Value::Object(_))) => Body::Json(data),
        Some(Ok(_)) => return Err(Failure::usage("--data is not an object")),
        Some(Err(error)) => return Err(Failure::usage(format_args!("--data: {error}"))),
        None => Body::Form(fields::read(&fields)?),
    };
    // It is run once, whatever becomes of the answer.
    let request = Request::new(Method::POST, format!("{}/test", path(id)), body).once();
    let ran = about(context, id, context.deployment.ask(request).await)?;
    table::show_in_lines(context.format(), &ran).or_else(Failure::unless_unheard)?;
    match ran["error"].as_str() {
        Some(error) => Err(Failure::failed(format_args!("the handler failed: {error}"))),
        None => Ok(()),
    }
}

//! `hooks`: which hooks are there, what do they say, and do they work?

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Context;
use crate::{
    arguments::Format,
    deployment::{Body, Query, Request, segment},
    failure::{Done, Failure},
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
    Ping(One),
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
    id: String,
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
    id: String,
    #[arg(value_name = "FIELD=VALUE", help = fields::HELP, required = true)]
    fields: Vec<String>,
}

/// Arguments of `hooks delete`.
#[derive(Args)]
pub(crate) struct Delete {
    /// The hooks' ids
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

/// Arguments of `hooks test`.
#[derive(Args)]
pub(crate) struct Test {
    /// The hook's id
    id: String,
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
            let hook = context.deployment.get(path(&id)).await;
            show(context, about(context, &id, hook)?, shown(secrets))
        }
        Command::Create(Create { fields }) => create(context, fields::read(&fields)?).await,
        Command::Update(Update { id, fields }) => {
            let body = Body::Form(fields::read(&fields)?);
            let changed =
                context.deployment.ask(Request::new(Method::PATCH, path(&id), body)).await;
            show(context, about(context, &id, changed)?, Secrets::LeftOut)
        }
        Command::Delete(Delete { ids }) => delete(context, &ids).await,
        Command::Ping(One { id, .. }) => {
            let sent = context.deployment.get(format!("{}/ping", path(&id))).await;
            let sent = about(context, &id, sent)?;
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
pub(crate) fn path(id: &str) -> String {
    format!("/event-hooks/{}", segment(id))
}

/// Names the hook, where it is not there.
pub(crate) fn about<T>(context: &Context, id: &str, done: Done<T>) -> Done<T> {
    done.map_err(|failure| {
        failure.about(format_args!("hook {}{}", terminal::plain(id), context.place()))
    })
}

fn shown(secrets: bool) -> Secrets {
    if secrets { Secrets::Shown } else { Secrets::LeftOut }
}

async fn list(context: &Context, secrets: Secrets) -> Done {
    let hooks = all(context).await?;
    let hooks: Value = hooks.into_iter().map(|hook| view(hook, secrets)).collect();
    table::show(context.format(), &hooks, |hooks| match hooks.as_array() {
        Some(hooks) if !hooks.is_empty() => table::list(hooks, LISTED),
        _ => format!("there are no hooks{}\n", context.place()),
    })
}

/// Shows a hook. For people that is YAML, where its functions and templates can be read.
fn show(context: &Context, hook: Value, secrets: Secrets) -> Done {
    let format = if context.format() == Format::Table { Format::Yaml } else { context.format() };
    table::show(format, &view(hook, secrets), |_| String::new())
}

/// A hook whose id nobody chose gets one here: a repetition then makes no second hook.
async fn create(context: &Context, mut fields: Vec<(String, String)>) -> Done {
    let request = if fields.iter().any(|(name, _)| name == "id") {
        Request::new(Method::POST, "/event-hooks", Body::Form(fields)).once()
    } else {
        let id = Uuid::new_v4().to_string();
        let path = path(&id);
        fields.push(("id".into(), id));
        Request::new(Method::PUT, path, Body::Form(fields))
    };
    show(context, context.deployment.ask(request).await?, Secrets::LeftOut)
}

async fn delete(context: &Context, ids: &[String]) -> Done {
    let which = match ids {
        [one] => format!("hook {}", terminal::plain(one)),
        several => format!("{} hooks", several.len()),
    };
    terminal::confirm(&format!("Delete {which}{}?", context.place()), context.yes)?;
    for id in ids {
        about(context, id, context.deployment.delete(path(id)).await)?;
        table::show(context.format(), &json!({"id": id, "deleted": true}), |_| {
            format!("deleted {}\n", terminal::plain(id))
        })?;
    }
    Ok(())
}

async fn test(context: &Context, Test { id, fields, data }: Test) -> Done {
    let body = match data.as_deref().map(serde_json::from_str) {
        Some(Ok(data @ Value::Object(_))) => Body::Json(data),
        Some(Ok(_)) => return Err(Failure::usage("--data is not an object")),
        Some(Err(error)) => return Err(Failure::usage(format_args!("--data: {error}"))),
        None => Body::Form(fields::read(&fields)?),
    };
    let ran = context.deployment.post(format!("{}/test", path(&id)), body).await;
    let ran = about(context, &id, ran)?;
    // What a handler logged and answered is read line by line.
    let format = if context.format() == Format::Table { Format::Yaml } else { context.format() };
    table::show(format, &ran, |_| String::new())?;
    match ran["error"].as_str() {
        Some(error) => Err(Failure::failed(format_args!("the handler failed: {error}"))),
        None => Ok(()),
    }
}

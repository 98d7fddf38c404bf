//! `poison`: what could not be processed at all, and what is to become of it?

use clap::{Args, Subcommand};
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
    ("QUEUE", "queue"),
    ("BURIED", "buried_at"),
    ("RECEIVES", "receives"),
    ("REASON", "reason"),
];
const ALONE: Columns = &[
    ("id", "id"),
    ("queue", "queue"),
    ("reason", "reason"),
    ("receives", "receives"),
    ("sent_at", "sent_at"),
    ("buried_at", "buried_at"),
    ("body", "body"),
];

/// What can be done with such messages.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List them
    List,
    /// Show one with its text
    Get(One),
    /// Put some into their queue again
    Redeliver(Several),
    /// Drop some: what is in them is lost
    Drop(Several),
}

/// A message.
#[derive(Args)]
pub(crate) struct One {
    /// The message's id
    id: Uuid,
}

/// Some messages.
#[derive(Args)]
pub(crate) struct Several {
    /// The messages' ids
    #[arg(value_name = "ID", required = true)]
    ids: Vec<Uuid>,
}

/// Does one of them.
pub(crate) async fn run(context: &Context, command: Command) -> Done {
    match command {
        Command::List => list(context).await,
        Command::Get(One { id }) => {
            let found = about(id, context.deployment.get(path(id)).await)?;
            table::show(context.format(), &found, |found| table::one(found, ALONE))
        }
        Command::Redeliver(Several { ids }) => redeliver(context, &ids).await,
        Command::Drop(Several { ids }) => drop_them(context, &ids).await,
    }
}

fn path(id: Uuid) -> String {
    format!("/poison/{id}")
}

fn about<T>(id: Uuid, done: Done<T>) -> Done<T> {
    done.map_err(|failure| failure.about(format_args!("poison {id}")))
}

async fn list(context: &Context) -> Done {
    let found = context.deployment.list("/poison", &Query::default(), usize::MAX).await?;
    table::show(context.format(), &found.into(), |found| match found.as_array() {
        Some(found) if !found.is_empty() => table::list(found, LISTED),
        _ => "there is no poison\n".to_owned(),
    })
}

async fn redeliver(context: &Context, ids: &[Uuid]) -> Done {
    let deed = async |id: &Uuid| {
        let path = format!("{}/redeliver", path(*id));
        let request = Request::new(Method::POST, path, Body::Nothing).once();
        about(*id, context.deployment.ask(request).await)
    };
    each(context, ids, deed, |sent| format!("{} is in its queue again\n", id_of(sent))).await
}

async fn drop_them(context: &Context, ids: &[Uuid]) -> Done {
    let which = match ids {
        [one] => format!("message {one}"),
        several => format!("{} messages", several.len()),
    };
    terminal::confirm(&format!("Drop {which}, with what is in it?"), context.yes)?;
    let deed = async |id: &Uuid| {
        about(*id, context.deployment.delete(path(*id)).await)?;
        Ok(json!({"id": id, "dropped": true}))
    };
    each(context, ids, deed, |dropped| format!("dropped {}\n", id_of(dropped))).await
}

fn id_of(thing: &Value) -> String {
    terminal::plain(thing["id"].as_str().unwrap_or_default())
}

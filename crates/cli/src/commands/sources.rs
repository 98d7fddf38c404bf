//! `sources`: which events are there, and how does one add some?

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Value, json};

use super::Context;
use crate::{
    deployment::{Body, Request, name, segment},
    failure::{Done, Failure},
    table::{self, Columns},
    terminal,
};

const LISTED: Columns = &[
    ("SOURCE", "source"),
    ("EVENT", "event"),
    ("UNIQUE", "unique"),
    ("FIELDS", "fields"),
    ("DESCRIPTION", "description"),
];

/// What can be done with the catalog.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the events that there are
    List(List),
    /// Add an event, or change what is said of it
    Publish(Publish),
    /// Take an event out that was published
    Withdraw(Withdraw),
}

/// Arguments of `sources list`.
#[derive(Args)]
pub(crate) struct List {
    /// Only those of this source
    #[arg(value_parser = name)]
    source: Option<String>,
}

/// Arguments of `sources publish`.
#[derive(Args)]
pub(crate) struct Publish {
    /// The source
    #[arg(value_parser = name)]
    source: String,
    /// The event
    #[arg(value_parser = name)]
    event: String,
    /// A member of its data; again for each
    #[arg(long = "field", value_name = "NAME")]
    fields: Vec<String>,
    /// A key part, by which hooks tell news from repetitions; again for each
    #[arg(long = "unique", value_name = "NAME")]
    unique: Vec<String>,
    /// A member whose values keep gates apart; again for each
    #[arg(long = "group-by", value_name = "NAME")]
    group_by: Vec<String>,
    /// What it tells
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Arguments of `sources withdraw`.
#[derive(Args)]
pub(crate) struct Withdraw {
    /// The source
    #[arg(value_parser = name)]
    source: String,
    /// The event
    #[arg(value_parser = name)]
    event: String,
}

/// Does one of them.
pub(crate) async fn run(context: &Context, command: Command) -> Done {
    match command {
        Command::List(List { source }) => list(context, source.as_deref()).await,
        Command::Publish(arguments) => publish(context, &arguments).await,
        Command::Withdraw(Withdraw { source, event }) => {
            let (source_name, event_name) = (terminal::plain(&source), terminal::plain(&event));
            let withdrawn = context.deployment.delete(path(&source, &event)).await;
            withdrawn.map_err(|failure| {
                failure.about(format_args!("event '{event_name}' of source '{source_name}'"))
            })?;
            let done = json!({"source": source, "event": event, "withdrawn": true});
            table::show(context.format(), &done, |_| {
                format!("withdrew {source_name}/{event_name}\n")
            })
        }
    }
}

fn path(source: &str, event: &str) -> String {
    format!("/event-hooks/sources/{}/{}", segment(source), segment(event))
}

async fn list(context: &Context, source: Option<&str>) -> Done {
    let catalog = match source {
        None => context.deployment.get("/event-hooks/sources").await?["data"].take(),
        Some(source) => {
            let of_source =
                context.deployment.get(format!("/event-hooks/sources/{}", segment(source)));
            let named =
                |it: Failure| it.about(format_args!("source '{}'", terminal::plain(source)));
            json!({source: of_source.await.map_err(named)?["data"].take()})
        }
    };
    table::show(context.format(), &catalog, |catalog| table::list(&rows(catalog), LISTED))
}

/// A row for each event of each source.
fn rows(catalog: &Value) -> Vec<Value> {
    let sources = catalog.as_object().into_iter().flatten();
    let events = sources.flat_map(|(source, events)| {
        events.as_object().into_iter().flatten().map(move |(event, spec)| {
            let mut row = spec.as_object().cloned().unwrap_or_default();
            row.insert("source".into(), source.as_str().into());
            row.insert("event".into(), event.as_str().into());
            row.into()
        })
    });
    events.collect()
}

async fn publish(context: &Context, arguments: &Publish) -> Done {
    let Publish { source, event, fields, unique, group_by, description } = arguments;
    let mut spec = serde_json::Map::new();
    for (name, values) in [("fields", fields), ("unique", unique), ("group_by", group_by)] {
        if !values.is_empty() {
            spec.insert(name.into(), values.as_slice().into());
        }
    }
    spec.extend(description.as_ref().map(|it| ("description".to_owned(), it.as_str().into())));
    let request = Request::new(Method::PUT, path(source, event), Body::Json(spec.into()));
    let published = context.deployment.ask(request).await?["data"].take();
    let words = format!("published {}/{}\n", terminal::plain(source), terminal::plain(event));
    table::show(context.format(), &published, |_| words)
}

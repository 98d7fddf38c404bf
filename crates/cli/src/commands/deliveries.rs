//! `deliveries`: what became of the events that a hook was owed?

mod tail;

use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::Value;
use uuid::Uuid;

use super::{Context, each::each, hooks};
use crate::{
    deployment::{Body, Query, Request},
    failure::{Done, Failure},
    moment::{self, Moment},
    table::{self, Columns},
    terminal,
};

const LISTED: Columns = &[
    ("ACCEPTED", "accepted_at"),
    ("ID", "id"),
    ("SOURCE", "source"),
    ("EVENT", "event"),
    ("STATUS", "status"),
    ("REASON", "reason"),
    ("ATTEMPT", "attempt"),
];
const ALONE: Columns = &[
    ("id", "id"),
    ("event_id", "event_id"),
    ("source", "source"),
    ("event", "event"),
    ("workspace", "workspace"),
    ("status", "status"),
    ("reason", "reason"),
    ("due", "due"),
    ("run", "run"),
    ("accepted_at", "accepted_at"),
    ("updated_at", "updated_at"),
    ("data", "data"),
];
const ATTEMPTS: Columns = &[
    ("AT", "at"),
    ("RUN", "run"),
    ("ATTEMPT", "number"),
    ("TOOK MS", "took_ms"),
    ("STATUS", "status"),
    ("ERROR", "error"),
    ("ANSWER", "answer"),
];

/// What can be done with deliveries.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the deliveries of a hook, the newest event first
    List(List),
    /// Show a delivery with its data and every attempt
    Get(One),
    /// Follow deliveries as they are made, of some hooks or of all
    Tail(tail::Arguments),
    /// Send deliveries again
    Redeliver(Redeliver),
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Pending,
    Delivered,
    Exhausted,
    Parked,
    Cancelled,
}

/// Arguments of `deliveries list`.
#[derive(Args)]
pub(crate) struct List {
    /// The hook's id
    hook: Uuid,
    /// Only those that stand so
    #[arg(long)]
    status: Option<Status>,
    /// Accepted then or later: so long ago (2h), a time, or seconds since 1970
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    since: Option<Moment>,
    /// Accepted before then
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    until: Option<Moment>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Arguments of `deliveries get`.
#[derive(Args)]
pub(crate) struct One {
    /// The hook's id
    hook: Uuid,
    /// The delivery's id
    delivery: Uuid,
}

/// Arguments of `deliveries redeliver`.
#[derive(Args)]
pub(crate) struct Redeliver {
    /// The hook's id
    hook: Uuid,
    /// The deliveries' ids
    #[arg(value_name = "DELIVERY", required = true)]
    deliveries: Vec<Uuid>,
}

/// Does one of them.
pub(crate) async fn run(context: &Context, command: Command) -> Done {
    match command {
        Command::List(arguments) => list(context, &arguments).await,
        Command::Get(arguments) => get(context, &arguments).await,
        Command::Tail(arguments) => tail::run(context, &arguments).await,
        Command::Redeliver(arguments) => redeliver(context, &arguments).await,
    }
}

/// The path of a hook's deliveries.
fn path(hook: Uuid) -> String {
    format!("{}/deliveries", hooks::path(hook))
}

async fn list(context: &Context, List { hook, status, since, until, limit }: &List) -> Done {
    let text = |moment: &Option<Moment>| moment.as_ref().map(|it| it.0.clone());
    let query = Query::default()
        .and("status", status.and_then(name))
        .and("since", text(since))
        .and("until", text(until));
    let most = usize::try_from(*limit).unwrap_or(usize::MAX);
    let listed = context.deployment.list(&path(*hook), &query, most).await;
    let listed = Value::Array(hooks::about(context, *hook, listed)?);
    table::show(context.format(), &listed, |listed| match listed.as_array() {
        Some(listed) if !listed.is_empty() => table::list(listed, LISTED),
        _ => "there are no deliveries\n".to_owned(),
    })
}

fn name(status: Status) -> Option<String> {
    status.to_possible_value().map(|it| it.get_name().to_owned())
}

async fn get(context: &Context, One { hook, delivery }: &One) -> Done {
    let found = context.deployment.get(format!("{}/{delivery}", path(*hook))).await;
    let found = found.map_err(|it| missing(it, *hook, *delivery))?;
    table::show(context.format(), &found, |found| {
        let attempts = found["attempts"].as_array().map_or(&[][..], Vec::as_slice);
        let attempts =
            if attempts.is_empty() { String::new() } else { table::list(attempts, ATTEMPTS) };
        format!("{}\n{attempts}", table::one(found, ALONE))
    })
}

async fn redeliver(context: &Context, Redeliver { hook, deliveries }: &Redeliver) -> Done {
    let deed = async |delivery: &Uuid| {
        let path = format!("{}/{delivery}/redeliver", path(*hook));
        // Asked for twice, it would be sent twice.
        let request = Request::new(Method::POST, path, Body::Nothing).once();
        context.deployment.ask(request).await.map_err(|it| missing(it, *hook, *delivery))
    };
    let words = |sent: &Value| {
        let id = terminal::plain(sent["id"].as_str().unwrap_or_default());
        format!("{id} is sent again, run {}\n", terminal::plain(&sent["run"].to_string()))
    };
    each(context, deliveries, deed, words).await
}

fn missing(failure: Failure, hook: Uuid, delivery: Uuid) -> Failure {
    failure.about(format_args!("delivery {delivery} of hook {hook}"))
}

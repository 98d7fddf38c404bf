//! `recover`: sends again what a hook missed, and waits until all of it was sent.

use std::time::Duration;

use clap::{Args, ValueEnum};
use http::Method;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Context, hooks};
use crate::{
    deployment::{Body, Request, segment},
    failure::{Done, Failure},
    moment::{self, Moment},
    table, terminal,
};

/// How often one looks how far it has come.
const INTERVAL: Duration = Duration::from_millis(500);

/// Arguments of `recover`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The hook's id
    id: Uuid,
    /// What was accepted then or later: so long ago (2h), a time, or seconds since 1970
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    since: Moment,
    /// What was accepted before then [default: now]
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    until: Option<Moment>,
    /// What stands so; again for each [default: parked and exhausted]
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<Status>,
    /// Do not wait until it is done
    #[arg(long)]
    no_wait: bool,
}

/// What can be sent again.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Status {
    /// What waits for its hook to be enabled
    Parked,
    /// What was given up
    Exhausted,
    /// What was delivered
    Delivered,
}

/// Recovers, and shows how far it has come.
pub(crate) async fn run(context: &Context, arguments: &Arguments) -> Done {
    let path = format!("{}/recover", hooks::path(arguments.id));
    let request = Request::new(Method::POST, path.clone(), Body::Json(range(arguments))).once();
    let begun = context.deployment.ask(request).await;
    let mut begun = hooks::about(context, arguments.id, begun)?;
    let accepted = begun["accepted"].as_u64().unwrap_or_default();
    if arguments.no_wait {
        return table::show(context.format(), &begun, |begun| {
            format!("recovery {} sends {accepted} again\n", id(begun))
        });
    }

    let bar = terminal::progress("sent again", accepted);
    let path = format!("{path}/{}", segment(&id(&begun)));
    let state = loop {
        let state = context.deployment.get(path.clone()).await.map_err(|failure| {
            failure.hint(format_args!("recovery {} goes on all the same", id(&begun)))
        })?;
        bar.set_position(state["done"].as_u64().unwrap_or_default());
        if state["state"] != "running" {
            break state;
        }
        tokio::time::sleep(INTERVAL).await;
    };
    bar.finish_and_clear();
    let remaining = state["remaining"].as_u64().unwrap_or_default();
    let (done, is_stopped) = (state["done"].clone(), state["state"] == "stopped");
    if let (Some(begun), Value::Object(state)) = (begun.as_object_mut(), state) {
        begun.extend(state);
    }
    let done = terminal::plain(&done.to_string());
    table::show(context.format(), &begun, |_| format!("{done} of {accepted} sent again\n"))
        .or_else(Failure::unless_unheard)?;
    if is_stopped {
        let why = format!("the hook was disabled or deleted meanwhile: {remaining} were not sent");
        return Err(Failure::failed(why).hint("enable it, and recover again"));
    }
    Ok(())
}

fn id(begun: &Value) -> String {
    terminal::plain(begun["id"].as_str().unwrap_or_default())
}

fn range(arguments: &Arguments) -> Value {
    let mut range = Map::from_iter([("since".to_owned(), arguments.since.0.clone().into())]);
    range.extend(arguments.until.as_ref().map(|it| ("until".to_owned(), it.0.clone().into())));
    if !arguments.statuses.is_empty() {
        let names = arguments.statuses.iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<Value> = names.map(|it| it.get_name().into()).collect();
        range.insert("status".into(), names.into());
    }
    range.into()
}

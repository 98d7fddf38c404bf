//! `events send`: posts events, from the command line or from a file of any length.
//!
//! **Promise:** what a repetition posts again runs once. Every request has a key, made of that of
//! this run and of the place of its first event: the same input with the same key is the same
//! events.

mod batches;
mod explain;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::batches::{Batch, Batches};
use super::Context;
use crate::{
    arguments::Format,
    deployment::Body,
    failure::{Done, Failure, Kind},
    table, terminal,
};

/// The longest `--key`: a request's key has the place of its first event behind it.
const LONGEST_KEY: usize = 200;

/// What can be done with events.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Post events
    Send(Send),
    /// Say what hooks would make of events, and post nothing
    Explain(Input),
}

/// Arguments of `events send`.
#[derive(Args)]
pub(crate) struct Send {
    #[command(flatten)]
    input: Input,
    /// What makes two runs with the same input the same [default: a new one each time]
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
}

/// Which events.
#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["file", "source"]))]
pub(crate) struct Input {
    /// Events as JSON: one, an array, or one after another, as in NDJSON; - for standard input
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["event", "data", "id"])]
    file: Option<PathBuf>,

    /// The source of one event
    #[arg(long, requires = "event")]
    source: Option<String>,
    /// Its name
    #[arg(long, requires = "source")]
    event: Option<String>,
    /// Its data, a JSON object
    #[arg(long, value_name = "JSON", requires = "source")]
    data: Option<String>,
    /// Its id: within 24 hours, another event of this id is not delivered
    #[arg(long, requires = "source")]
    id: Option<String>,
}

/// What was accepted so far.
#[derive(Default)]
struct Sent {
    accepted: usize,
    requests: usize,
    ids: Vec<Value>,
}

/// Does one of them.
pub(crate) async fn run(context: &Context, command: Command) -> Done {
    match command {
        Command::Send(Send { input, key }) => send(context, &input, key).await,
        Command::Explain(input) => explain::run(context, Batches::of(source(&input)?).next()).await,
    }
}

/// Posts the events.
async fn send(context: &Context, input: &Input, key: Option<String>) -> Done {
    let key = checked(key)?;
    let mut batches = Batches::of(source(input)?);
    let mut sent = Sent::default();
    let bar = terminal::counter("events sent");
    let outcome = loop {
        match batches.next() {
            None => break Ok(()),
            Some(Err(failure)) => break Err(failure),
            Some(Ok(batch)) => match post(context, batch, &key, &mut sent).await {
                Ok(()) => bar.set_position(sent.accepted as u64),
                Err(failure) => break Err(failure),
            },
        }
    };
    bar.finish_and_clear();
    match outcome {
        Ok(()) if sent.accepted == 0 => Err(Failure::failed("there is no event in the input")),
        Ok(()) => show(context.format(), sent),
        Err(failure) if sent.accepted == 0 && failure.kind != Kind::Unreachable => Err(failure),
        Err(failure) => Err(failure.hint(format_args!(
            "{} were accepted before; with the same input and --key {key} none of them runs twice",
            sent.accepted
        ))),
    }
}

fn checked(key: Option<String>) -> Done<String> {
    let Some(key) = key else { return Ok(Uuid::now_v7().to_string()) };
    if (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|it| it.is_ascii_graphic()) {
        return Ok(key);
    }
    Err(Failure::usage(format_args!("--key must be 1 to {LONGEST_KEY} visible ASCII characters")))
}

/// Where events are read from.
fn source(input: &Input) -> Done<Box<dyn Read>> {
    if let Some(path) = &input.file {
        if path == Path::new("-") {
            return Ok(Box::new(BufReader::new(io::stdin())));
        }
        let file = File::open(path)
            .map_err(|error| Failure::failed(format_args!("{}: {error}", path.display())))?;
        return Ok(Box::new(BufReader::new(file)));
    }
    let data = input.data.as_deref().unwrap_or("{}");
    let data: Map<String, Value> = serde_json::from_str(data)
        .map_err(|error| Failure::usage(format_args!("--data is no JSON object: {error}")))?;
    let mut event = json!({"source": input.source, "event": input.event, "data": data});
    if let Some(id) = &input.id {
        event["id"] = id.as_str().into();
    }
    Ok(Box::new(io::Cursor::new(event.to_string().into_bytes())))
}

async fn post(context: &Context, batch: Batch, key: &str, sent: &mut Sent) -> Done {
    let Batch { first, lines, .. } = batch;
    let body = Body::Events { lines, key: format!("{key}:{first}") };
    let mut taken =
        context.deployment.post("/events", body).await.map_err(|it| placed(it, first))?;
    sent.requests += 1;
    if let Value::Array(ids) = taken["ids"].take() {
        sent.accepted += ids.len();
        // Only who wants them all keeps them all.
        if context.format() != Format::Table || sent.ids.is_empty() {
            sent.ids.extend(ids);
        }
    }
    Ok(())
}

/// A refusal that names events by their place in the input, from 1.
fn placed(failure: Failure, first: usize) -> Failure {
    if failure.events.is_empty() {
        return failure;
    }
    let each =
        failure.events.iter().map(|(index, why)| format!("event {}: {why}", first + index + 1));
    let hint = "nothing of this request was accepted";
    Failure::several(each.collect()).hint(hint)
}

fn show(format: Format, sent: Sent) -> Done {
    let Sent { accepted, requests, ids } = sent;
    let answer = json!({"accepted": accepted, "requests": requests, "ids": ids});
    table::show(format, &answer, |answer| match (accepted, requests) {
        (1, _) => format!("accepted 1 event: {}\n", answer["ids"][0].as_str().unwrap_or_default()),
        (many, 1) => format!("accepted {many} events\n"),
        (many, requests) => format!("accepted {many} events in {requests} requests\n"),
    })
}

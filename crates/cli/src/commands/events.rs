//! `events send`: posts events, from the command line or from a file of any length.
//!
//! **Promise:** what a repetition posts again runs once. Every request has a key, made of that of
//! this run and of the place of its first event: the same input with the same key is the same
//! events.

mod batches;
mod explain;

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args, Subcommand};
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::batches::{Batch, Batches};
use super::Context;
use crate::{
    arguments::Format,
    deployment::Body,
    failure::{Done, Failure},
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
    /// Is there a request of which nobody knows what became?
    is_in_doubt: bool,
}

impl Sent {
    /// What may run twice, where anything may.
    fn in_words(&self) -> Option<String> {
        match (self.accepted, self.is_in_doubt) {
            (0, false) => None,
            (0, true) => Some("what was sent may have been accepted".to_owned()),
            (count, false) => Some(format!("{count} were accepted before")),
            (count, true) => Some(format!("{count} were accepted before, and perhaps more")),
        }
    }
}

/// Does one of them.
pub(crate) async fn run(context: &Context, command: Command) -> Done {
    match command {
        Command::Send(Send { input, key }) => send(context, &input, key).await,
        Command::Explain(input) => explain::run(context, Batches::of(source(&input)?).next()).await,
    }
}

/// Posts the events, until somebody wants no more.
async fn send(context: &Context, input: &Input, key: Option<String>) -> Done {
    let key = checked(key)?;
    let batches = Batches::of(source(input)?);
    let mut sent = Sent::default();
    let bar = terminal::counter("events sent");
    let outcome = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        outcome = post_all(context, batches, &key, &mut sent, &bar) => outcome,
    };
    bar.finish_and_clear();
    match outcome {
        Ok(()) if sent.accepted == 0 => Err(Failure::failed("there is no event in the input")),
        Ok(()) => show(context.format(), sent),
        Err(failure) => Err(match sent.in_words() {
            Some(words) => failure.hint(format_args!(
                "{words}; with the same input and --key {key}, no event runs twice"
            )),
            None => failure,
        }),
    }
}

async fn post_all(
    context: &Context,
    mut batches: Batches,
    key: &str,
    sent: &mut Sent,
    bar: &ProgressBar,
) -> Done {
    loop {
        // Whoever waits for input still hears Ctrl-C.
        let read = tokio::task::spawn_blocking(move || (batches.next(), batches));
        let (batch, rest) =
            read.await.map_err(|error| Failure::failed(format_args!("cannot read: {error}")))?;
        let Some(batch) = batch else { return Ok(()) };
        post(context, batch?, key, sent).await?;
        bar.set_position(sent.accepted as u64);
        batches = rest;
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
fn source(input: &Input) -> Done<batches::Input> {
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
    sent.is_in_doubt = true;
    let answered = context.deployment.post("/events", body).await;
    sent.is_in_doubt = answered.as_ref().is_err_and(Failure::leaves_doubt);
    let mut taken = answered.map_err(|it| placed(it, first))?;
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
    let Sent { accepted, requests, ids, .. } = sent;
    let answer = json!({"accepted": accepted, "requests": requests, "ids": ids});
    table::show(format, &answer, |answer| match (accepted, requests) {
        (1, _) => {
            let id = terminal::plain(answer["ids"][0].as_str().unwrap_or_default());
            format!("accepted 1 event: {id}\n")
        }
        (many, 1) => format!("accepted {many} events\n"),
        (many, requests) => format!("accepted {many} events in {requests} requests\n"),
    })
}

//! `events explain`: what would hooks make of these events, and why?

use serde_json::Value;
use uuid::Uuid;

use super::{batches::Batch, placed};
use crate::{
    commands::Context,
    deployment::Body,
    failure::{Done, Failure},
    table,
};

/// How many events can be explained at once.
const MOST_EXPLAINED: usize = 10;

/// Shows what each hook would make of each event of an input.
pub(super) async fn run(context: &Context, batch: Option<Done<Batch>>) -> Done {
    let Some(batch) = batch.transpose()? else {
        return Err(Failure::failed("there is no event in the input"));
    };
    if batch.count > MOST_EXPLAINED {
        return Err(Failure::failed(format_args!(
            "at most {MOST_EXPLAINED} events are explained at once"
        )));
    }
    let body = Body::Events { lines: batch.lines, key: Uuid::now_v7().to_string() };
    let explained = context.deployment.post("/events/explain", body).await;
    let explained = explained.map_err(|it| placed(it, batch.first))?["data"].take();
    table::show(context.format(), &explained, |explained| {
        table::list(
            &verdicts(explained),
            &[
                ("EVENT", "event"),
                ("HOOK", "hook"),
                ("OUTCOME", "outcome"),
                ("REASON", "reason"),
                ("NEAREST", "nearest"),
                ("UNTIL", "until"),
            ],
        )
    })
}

/// A row for each event and hook.
fn verdicts(explained: &Value) -> Vec<Value> {
    let events = explained.as_array().into_iter().flatten();
    let rows = events.flat_map(|event| {
        let words = |name: &str| event[name].as_str().unwrap_or_default();
        let name = format!("{}/{}", words("source"), words("event"));
        event["hooks"].as_array().into_iter().flatten().map(move |verdict| {
            let mut row = verdict.as_object().cloned().unwrap_or_default();
            row.insert("event".into(), name.as_str().into());
            row.into()
        })
    });
    rows.collect()
}

//! How fast are events accepted, each on the disk before its answer, beside a server that only
//! reads them?
//!
//! Nobody listens to these events: they are taken from the queue while they are accepted, and that
//! is part of the price. Between rounds the queue runs empty.

use std::time::Duration;

use crate::{
    disk, event,
    failure::Result,
    load,
    plan::ACCEPTING,
    row::Row,
    spread::Spread,
    system::{Bench, System},
};

/// What part of the echo is to be reached, in percent.
const OF_ECHO: f64 = 60.0;

/// What part of what the disk allows to connections that wait for it one after the other.
const OF_DISK: f64 = 0.8;

/// How many events of batches are to be accepted in a second.
const BATCHED: f64 = 50_000.0;

/// How events are posted.
struct Shape {
    what: &'static str,
    connections: u32,
    events: usize,
}

const SHAPES: [Shape; 3] = [
    Shape { what: "single posts, 16 connections", connections: 16, events: 1 },
    Shape { what: "single posts, 64 connections", connections: 64, events: 1 },
    Shape { what: "batches of 100, 16 connections", connections: 16, events: 100 },
];

/// What a round found.
struct Round {
    echo: f64,
    accepted: f64,
    /// The median and the 99th percentile of the answers, in milliseconds.
    answers: [f64; 2],
    fdatasync: f64,
    draining: Duration,
}

/// Measures all shapes.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let data = bench.data()?;
    let echo = bench.start("echo").await?;
    let system = System::start(bench, data.path(), &[]).await?;
    let mut rows = Vec::new();
    for shape in &SHAPES {
        let request = event::request(event::UNHEARD, shape.events);
        let connections = shape.connections as usize;
        let mut rounds = Vec::new();
        for _ in 0..bench.rounds {
            let fdatasync = disk::fdatasync_median(data.path())?;
            let echoed = load::closed(echo.address, connections, &request, ACCEPTING).await?;
            let mut tally = load::closed(system.address, connections, &request, ACCEPTING).await?;
            rounds.push(Round {
                echo: echoed.rate(),
                accepted: tally.rate(),
                answers: [tally.quantile(0.5), tally.quantile(0.99)],
                fdatasync,
                draining: system.drained().await?,
            });
        }
        rows.push(row(shape, &rounds));
    }
    Ok(rows)
}

fn row(shape: &Shape, rounds: &[Round]) -> Row {
    let median = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of)).median;
    let (accepted, echo) = (median(|it| it.accepted), median(|it| it.echo));
    let fdatasync = median(|it| it.fdatasync);
    let note = format!(
        "accepted {accepted:.0}/s, answered in {:.1} ms, 99 % in {:.1} ms; echo {echo:.0}/s; \
         fdatasync's p50 {fdatasync:.2} ms; what was left in the queue was gone after {:.1} s; \
         {} rounds",
        median(|it| it.answers[0]),
        median(|it| it.answers[1]),
        median(|it| it.draining.as_secs_f64()),
        rounds.len(),
    );
    if shape.events > 1 {
        let rates = Spread::of(rounds.iter().map(|it| it.accepted));
        let goal = crate::row::Goal::AtLeast(BATCHED);
        return Row::new("Accept", shape.what, rates, "events/s").goal(goal).note(note);
    }
    let ratios = Spread::of(rounds.iter().map(|it| 100.0 * it.accepted / it.echo));
    // The disk allows each connection one answer in the time of a sync.
    let disk = OF_DISK * f64::from(shape.connections) / (fdatasync / 1e3);
    let row = Row::new("Accept", shape.what, ratios, "% of echo");
    Row {
        goal: format!("≥ {OF_ECHO} % of echo, or {disk:.0}/s by the disk"),
        reached: Some(ratios.median >= OF_ECHO || accepted >= disk),
        ..row
    }
    .note(note)
}

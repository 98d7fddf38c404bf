//! How much memory does the process take, with as many attempts in flight as there can be, and after
//! as many events as come in an hour?

use std::time::Duration;

use crate::{
    child::Usage,
    client::{self, Connection},
    deliver, event,
    failure::Result,
    fill,
    plan::MANY_EVENTS,
    receiver,
    row::Row,
    spread::Spread,
    system::{Bench, System},
};

/// How many attempts run at once, which is what the rules allow.
const IN_FLIGHT: u64 = 500;

/// How many hooks they are of, none of which may have more than 64.
const HOOKS: usize = 10;

/// How many events come in an hour, at a hundred in a second.
const OF_AN_HOUR: u64 = 360_000;

const PATIENCE: Duration = Duration::from_mins(1);

const SECTION: &str = "Memory";

/// Measures both.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = in_flight(bench).await?;
    rows.extend(after_an_hour(bench).await?);
    Ok(rows)
}

#[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 KiB")]
fn row(what: impl Into<String>, kibibytes: u64) -> Row {
    Row::new(SECTION, what, Spread::of([kibibytes as f64 / 1_024.0]), "MiB")
}

async fn in_flight(bench: &Bench) -> Result<Vec<Row>> {
    let receiver = bench.start("receiver").await?;
    let data = bench.data()?;
    let url = format!("http://{}/hold/held", receiver.address);
    let hooks: Vec<_> = (0..HOOKS).map(|_| fill::signed(event::HEARD, &url)).collect();
    let system = System::with_hooks(bench, data.path(), &hooks, &[]).await?;
    client::ask(system.address, "GET", "/event-hooks", None).await?;
    let idle = system.usage()?;
    // One after the other, until no further attempt is made: each is one of every hook.
    let request = event::request(event::HEARD, 1);
    let mut connection = Connection::open(system.address).await?;
    for _ in 0..64 {
        connection.exchange(&request.bytes).await?;
    }
    receiver::await_requests(receiver.address, "held", IN_FLIGHT, PATIENCE).await?;
    let held = system.usage()?;
    client::ask(receiver.address, "POST", "/~/release", None).await?;
    Ok(vec![
        row("idle, right after the start", idle.resident),
        row(format!("{IN_FLIGHT} deliveries in flight"), held.resident).note(format!(
            "of {HOOKS} hooks, over plain HTTP, to a receiver that does not answer; the function that \
             dispatches on AWS is to stay below 64 MB with as many"
        )),
    ])
}

async fn after_an_hour(bench: &Bench) -> Result<Vec<Row>> {
    let receiver = bench.start("receiver").await?;
    let data = bench.data()?;
    let url = format!("http://{}/take/many", receiver.address);
    let system =
        System::with_hooks(bench, data.path(), &[fill::signed(event::HEARD, &url)], &[]).await?;
    let mut after = Vec::new();
    let limits = deliver::Limits { events: OF_AN_HOUR / 10, length: MANY_EVENTS / 10 };
    let mut events = 0;
    for _ in 0..10 {
        events += deliver::both(&system, receiver.address, "many", limits).await?;
        after.push(system.usage()?);
    }
    let Some((first, last)) = after.first().zip(after.last()) else { return Ok(Vec::new()) };
    let note = format!(
        "{events} events of {} bytes of data, accepted and delivered as fast as that goes; {} MiB after \
         the first tenth",
        event::BYTES,
        first.resident / 1_024
    );
    let Usage { resident, peak, .. } = *last;
    Ok(vec![
        row("after an hour's worth of events", resident).note(note),
        row("the most it was meanwhile", peak),
    ])
}

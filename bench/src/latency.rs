//! How long after it was posted does the receiver have an event, while nothing else goes on, and at
//! half of the load that is found to be the most?

use std::{net::SocketAddr, time::Duration};

use crate::{
    client::{self, Connection},
    deliver, event,
    failure::Result,
    fill,
    load::Paced,
    moment,
    plan::{HALF_LOAD, ONE_AT_A_TIME},
    receiver,
    row::{Goal, Row},
    spread::{self, Spread},
    system::{Bench, System},
};

/// How long nothing happens between two of them, so that nothing is warm that would not be.
const PAUSE: Duration = Duration::from_millis(5);

/// How many connections it comes over.
const CONNECTIONS: usize = 64;

/// What the receiver knows the hook by.
const NAME: &str = "timed";

/// How long what was posted may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// The median, the 99th percentile and what one in a thousand exceeds, in milliseconds.
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

/// Measures both.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let receiver = bench.start("receiver").await?;
    let data = bench.data()?;
    let url = format!("http://{}/take/{NAME}", receiver.address);
    let system =
        System::with_hooks(bench, data.path(), &[fill::signed(event::HEARD, &url)], &[]).await?;

    one_at_a_time(&system, receiver.address, NAME, 20).await?;
    let mut idle = Vec::new();
    for _ in 0..bench.rounds {
        idle.push(one_at_a_time(&system, receiver.address, NAME, ONE_AT_A_TIME).await?);
    }
    let most = deliver::sustained(bench)?;
    let mut loaded = Vec::new();
    for _ in 0..bench.rounds {
        loaded.push(at_load(&system, receiver.address, most / 2.0).await?);
    }
    let goals = [Goal::AtMost(5.0), Goal::AtMost(20.0), Goal::None];
    let mut rows = rows("idle", &idle, goals, |came| {
        format!(
            "{ONE_AT_A_TIME} events one after the other, {came} in all, at least {PAUSE:?} apart"
        )
    });
    rows.extend(self::rows("at half load", &loaded, [Goal::None; 3], |came| {
        format!(
            "single posts over {CONNECTIONS} connections, {:.0}/s by the clock, half of what can be \
             accepted and delivered at once; {came} in all; timed from when each was due",
            most / 2.0
        )
    }));
    Ok(rows)
}

/// Posts an event, waits until the receiver has it, and so on.
pub(crate) async fn one_at_a_time(
    system: &System,
    receiver: SocketAddr,
    name: &str,
    count: u64,
) -> Result<Vec<f64>> {
    client::ask(receiver, "POST", "/~/forget", None).await?;
    let mut request = event::request(event::HEARD, 1);
    let mut connection = Connection::open(system.address).await?;
    for serial in 1..=count {
        request.stamp(serial, moment::now());
        let answer = connection.exchange(&request.bytes).await?;
        if answer.status() != 202 {
            return Err(format!("POST /events answered {}", answer.status()).into());
        }
        receiver::await_requests(receiver, name, serial, PATIENCE).await?;
        tokio::time::sleep(PAUSE).await;
    }
    latencies(receiver, name).await
}

/// Posts so many a second, whatever becomes of them.
async fn at_load(system: &System, receiver: SocketAddr, rate: f64) -> Result<Vec<f64>> {
    client::ask(receiver, "POST", "/~/forget", None).await?;
    let paced = Paced { rate, length: HALF_LOAD, connections: CONNECTIONS };
    let tally = paced.run(system.address, &event::request(event::HEARD, 1)).await?;
    receiver::await_requests(receiver, NAME, tally.accepted, PATIENCE).await?;
    system.drained().await?;
    latencies(receiver, NAME).await
}

/// How long after it was posted the receiver had each event, in milliseconds.
async fn latencies(receiver: SocketAddr, name: &str) -> Result<Vec<f64>> {
    let arrivals = receiver::arrivals(receiver, name).await?;
    Ok(arrivals
        .iter()
        .map(|(_, posted, came)| milliseconds(came.saturating_sub(*posted)))
        .collect())
}

fn milliseconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3
}

fn rows(
    when: &str,
    rounds: &[Vec<f64>],
    goals: [Goal; 3],
    note: impl Fn(usize) -> String,
) -> Vec<Row> {
    let came = rounds.iter().map(Vec::len).sum();
    let rows = SHARES.into_iter().zip(goals).map(|((name, share), goal)| {
        let quantiles = rounds.iter().map(|times| spread::quantile(&mut times.clone(), share));
        let what = format!("from POST to the receiver, {when}, {name}");
        Row::new("Latency", what, Spread::of(quantiles), "ms").goal(goal).note(note(came))
    });
    rows.collect()
}

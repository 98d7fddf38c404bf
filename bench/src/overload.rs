//! What becomes of ten times as many events as can be delivered? And of a fresh event, while those
//! of a dead receiver wait for their retries?

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use crate::{
    child::Child,
    client::{self, Connection},
    deliver, event,
    failure::Result,
    fill, latency,
    load::{Paced, Tally},
    moment,
    plan::{FRESH, OFFERED},
    receiver::{self, Arrival},
    row::{Goal, Row},
    spread::{self, Spread},
    system::{Bench, System},
};

/// How many times as many.
const TIMES: f64 = 10.0;

/// How many MiB of events may wait, far below the default, so that the limit is met here.
const LIMIT: &str = "24";

/// How many connections they come over, a hundred events in a request. Few, for each of them always
/// waits for an answer: with many, the time to a 202 would be that of their own line.
const CONNECTIONS: usize = 8;

/// How long what was accepted may take to arrive.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many deliveries fail and wait, and how many hooks they are of.
const FAILING: (usize, usize) = (20_000, 20);

const SECTION: &str = "Overload";

/// What a round found.
struct Round {
    offered: f64,
    tally: Tally,
    answered_in: f64,
    peak: f64,
    /// Deliveries a second while more came in, and after.
    during: f64,
    after: f64,
    /// How far events were from their place in the line: half of them, and 99 of 100, were nearer.
    displaced: [f64; 2],
}

/// Measures both.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let receiver = bench.start("receiver").await?;
    let most = deliver::sustained(bench)?;
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds.min(3) {
        rounds.push(overload(bench, &receiver, TIMES * most).await?);
        client::ask(receiver.address, "POST", "/~/forget", None).await?;
    }
    let mut rows = rows(&rounds);
    rows.extend(beside_retries(bench, &receiver).await?);
    Ok(rows)
}

async fn overload(bench: &Bench, receiver: &Child, offered: f64) -> Result<Round> {
    const NAME: &str = "overload";

    let data = bench.data()?;
    let url = format!("http://{}/take/{NAME}", receiver.address);
    let system = System::with_hooks(
        bench,
        data.path(),
        &[fill::signed(event::HEARD, &url)],
        &[("QUEUE_LIMIT", LIMIT)],
    )
    .await?;
    let paced = Paced { rate: offered, length: OFFERED, connections: CONNECTIONS };
    let mut tally = paced.run(system.address, &event::request(event::HEARD, 100)).await?;
    let ended = moment::now();
    let count = receiver::await_requests(receiver.address, NAME, tally.accepted, PATIENCE).await?;
    let arrivals = receiver::arrivals(receiver.address, NAME).await?;
    system.drained().await?;
    let (before, after): (Vec<&Arrival>, Vec<&Arrival>) =
        arrivals.iter().partition(|(.., at)| *at <= ended);
    Ok(Round {
        offered,
        answered_in: tally.quantile(0.99),
        tally,
        peak: mebibytes(system.usage()?.peak),
        during: rate(before.len(), count.first, ended),
        after: rate(after.len(), ended, count.last),
        displaced: displaced(&arrivals),
    })
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
fn rate(count: usize, from: u64, to: u64) -> f64 {
    count as f64 / Duration::from_nanos(to.saturating_sub(from)).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 KiB")]
fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1_024.0
}

/// How many places half of the events, and 99 of 100, came from where they stood in the line, at
/// most. What came twice is counted once.
#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
fn displaced(arrivals: &[Arrival]) -> [f64; 2] {
    let mut line: Vec<_> = arrivals.iter().map(|(serial, ..)| *serial).collect();
    line.sort_unstable();
    line.dedup();
    let places: HashMap<_, _> = line.iter().zip(0_usize..).collect();
    let mut seen = std::collections::HashSet::new();
    let came = arrivals.iter().map(|(serial, ..)| serial).filter(|serial| seen.insert(**serial));
    let mut distances: Vec<_> =
        came.zip(0_usize..).map(|(serial, at)| places[serial].abs_diff(at) as f64).collect();
    [0.5, 0.99].map(|share| spread::quantile(&mut distances, share))
}

fn rows(rounds: &[Round]) -> Vec<Row> {
    let spread = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
    let median = |of: fn(&Round) -> f64| spread(of).median;
    let refused = median(|it| f64::from(u32::try_from(it.tally.refused).unwrap_or(u32::MAX)));
    let met = rounds.iter().filter_map(|it| it.tally.first_refused);
    let met = Spread::of(met.map(|it| it.as_secs_f64()));
    let (during, after) = (spread(|it| it.during), spread(|it| it.after));
    let refusals = match met.median {
        it if it.is_nan() => "the limit was not met".to_owned(),
        it => format!(
            "the limit of {LIMIT} MiB was met after {it:.1} s; {refused:.0} requests then got 429 with \
             Retry-After"
        ),
    };
    vec![
        Row::new(SECTION, "time to a 202, p99", spread(|it| it.answered_in), "ms")
            .goal(Goal::AtMost(50.0))
            .note(format!(
                "{:.0} events/s offered for {OFFERED:?} in batches of 100 over {CONNECTIONS} connections, \
                 {:.0}/s accepted; {refusals}; {} rounds",
                median(|it| it.offered),
                median(|it| it.tally.rate()),
                rounds.len(),
            )),
        Row::new(SECTION, "delivered meanwhile", during, "/s"),
        Row::new(SECTION, "delivered when nothing comes in any more", after, "/s")
            .note("until the queue is empty"),
        Row::new(SECTION, "places from its own in the line, p50", spread(|it| it.displaced[0]), "events")
            .note(format!(
                "oldest first, but for what is worked on at once, and what a slow receiver has put off; \
                 99 % come within {:.0}",
                median(|it| it.displaced[1])
            )),
        Row::new(SECTION, "resident memory, the most it was", spread(|it| it.peak), "MiB"),
    ]
}

/// Fresh events, while many of other hooks wait because their receiver is dead.
async fn beside_retries(bench: &Bench, receiver: &Child) -> Result<Vec<Row>> {
    let data = bench.data()?;
    let at = |path: &str| format!("http://{}/{path}", receiver.address);
    let (failing, of) = FAILING;
    let mut hooks: Vec<_> =
        (0..of).map(|it| fill::signed(event::UNHEARD, &at(&format!("fail/{it}")))).collect();
    hooks.push(fill::signed(event::HEARD, &at("take/fresh")));
    let system = System::with_hooks(bench, data.path(), &hooks, &[]).await?;

    let mut alone = fresh(&system, receiver.address).await?;
    let request = event::request(event::UNHEARD, 100);
    let mut connection = Connection::open(system.address).await?;
    for _ in 0..failing / of / 100 {
        connection.exchange(&request.bytes).await?;
    }
    client::ask(receiver.address, "POST", "/~/forget", None).await?;
    let waiting = waiting(&system, failing as u64 / 2).await?;
    let mut beside = fresh(&system, receiver.address).await?;
    let still = system.depth().await?.get("retries").copied().unwrap_or_default();
    let note = format!(
        "{FRESH} events one after the other, while {waiting} to {still} deliveries of {of} hooks with a \
         dead receiver wait for a retry"
    );
    let row = |share: f64, name: &str, alone: &mut [f64], beside: &mut [f64]| {
        let (alone, beside) = (spread::quantile(alone, share), spread::quantile(beside, share));
        Row::new(
            SECTION,
            format!("a fresh event beside retries, {name}"),
            Spread::of([beside]),
            "ms",
        )
        .note(format!("{note}; {alone:.1} ms while none did"))
    };
    Ok(vec![
        row(0.5, "p50", &mut alone, &mut beside),
        row(0.99, "p99", &mut alone, &mut beside).goal(Goal::AtMost(50.0)),
    ])
}

/// Waits until so many retries wait; answers how many do.
async fn waiting(system: &System, least: u64) -> Result<u64> {
    let began = std::time::Instant::now();
    loop {
        let depth = system.depth().await?;
        let retries = depth.get("retries").copied().unwrap_or_default();
        if retries >= least && depth.get("events") == Some(&0) {
            return Ok(retries);
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{retries} retries wait, not {least}").into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn fresh(system: &System, receiver: SocketAddr) -> Result<Vec<f64>> {
    latency::one_at_a_time(system, receiver, "fresh", FRESH).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_its_place_is_displaced_by_nothing() {
        let came = |serials: &[u64]| -> Vec<Arrival> {
            serials.iter().map(|serial| (*serial, 0, 0)).collect()
        };
        for (name, serials, expected) in [
            ("in order", &[1, 2, 3][..], 0.0),
            ("with refused ones between", &[1, 5, 9], 0.0),
            ("one came twice", &[1, 2, 1, 3], 0.0),
            ("turned round", &[3, 2, 1], 2.0),
        ] {
            let [_, most] = displaced(&came(serials));
            assert!((most - expected).abs() < f64::EPSILON, "{name}");
        }
    }
}

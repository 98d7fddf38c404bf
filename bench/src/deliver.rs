//! How fast is a full queue delivered, signed, logged and durable, beside a loop that only sends?
//! And how fast while as many come in?

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::process::Command;

use crate::{
    child::Child,
    client,
    dial::Dialled,
    event,
    failure::{Failure, Result},
    fill,
    load::Windowed,
    plan::{FILLED, WHILE_ACCEPTING},
    receiver,
    row::{self, Goal, Row},
    spread::Spread,
    system::{Bench, System},
};

/// How many attempts of one hook run at once, which is what the rules allow it.
const IN_FLIGHT: u32 = 64;

/// How many of them may be accepted and not delivered.
const WINDOW: u64 = 4_000;

/// How long a queue may take to run empty.
const PATIENCE: Duration = Duration::from_mins(2);

const SECTION: &str = "Deliver";

/// What half of the load and ten times of it are taken from.
const BOTH: &str = "draining while as many come in";

/// What a round found, in deliveries a second, and in seconds of processor time for each.
struct Round {
    drained: f64,
    cpu: f64,
    peak: u64,
    connections: u64,
    dialled: f64,
    cpu_of_dialling: f64,
    accepting: Accepting,
}

/// What was found while events came in.
struct Accepting {
    rate: f64,
    cpu: f64,
}

/// Measures.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let receiver = bench.start("receiver").await?;
    let mut rounds = Vec::new();
    for number in 0..bench.rounds {
        let name = format!("round-{number}");
        let (count, usage) = drain(bench, &receiver, &name).await?;
        let dialled = dial(&receiver, &name).await?;
        rounds.push(Round {
            drained: count.rate(),
            cpu: usage.cpu.as_secs_f64() / f64::from(FILLED),
            peak: usage.peak,
            connections: count.connections,
            dialled: f64::from(FILLED) / dialled.took.as_secs_f64(),
            cpu_of_dialling: dialled.cpu.as_secs_f64() / f64::from(FILLED),
            accepting: accepting(bench, &receiver).await?,
        });
        client::ask(receiver.address, "POST", "/~/forget", None).await?;
    }
    Ok(rows(&rounds))
}

/// Drains a full queue, until all of it is recorded.
async fn drain(
    bench: &Bench,
    receiver: &Child,
    name: &str,
) -> Result<(receiver::Count, crate::child::Usage)> {
    let data = bench.data()?;
    let url = format!("http://{}/take/{name}", receiver.address);
    let store = fill::open(data.path())?;
    fill::hooks(&store, &[fill::signed(event::HEARD, &url)]).await?;
    fill::events(&store, event::HEARD, FILLED as usize).await?;
    drop(store);
    let system = System::start(bench, data.path(), &[]).await?;
    let count = receiver::await_requests(receiver.address, name, FILLED.into(), PATIENCE).await?;
    system.drained().await?;
    Ok((count, system.usage()?))
}

/// Sends as many of the same requests, and remembers nothing.
async fn dial(receiver: &Child, like: &str) -> Result<Dialled> {
    let dialling = Command::new(std::env::current_exe()?)
        .args(["dial", "--name", &format!("{like}-dialled"), "--like", like])
        .args(["--receiver", &receiver.address.to_string()])
        .args(["--requests", &FILLED.to_string(), "--in-flight", &IN_FLIGHT.to_string()])
        .kill_on_drop(true)
        .output()
        .await?;
    if !dialling.status.success() {
        return Err(String::from_utf8_lossy(&dialling.stderr).into_owned().into());
    }
    Ok(serde_json::from_slice(&dialling.stdout)?)
}

/// What is accepted and delivered at once ends when there were so many, or after so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// So many, and those under way then.
    pub(crate) events: u64,
    /// So long.
    pub(crate) length: Duration,
}

async fn accepting(bench: &Bench, receiver: &Child) -> Result<Accepting> {
    const NAME: &str = "accepting";

    let data = bench.data()?;
    let url = format!("http://{}/take/{NAME}", receiver.address);
    let system =
        System::with_hooks(bench, data.path(), &[fill::signed(event::HEARD, &url)], &[]).await?;
    let limits = Limits { events: u64::MAX, length: WHILE_ACCEPTING };
    let accepted = both(&system, receiver.address, NAME, limits).await?;
    let count = receiver::count(receiver.address, NAME).await?;
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
    let cpu = system.usage()?.cpu.as_secs_f64() / accepted as f64;
    client::ask(receiver.address, "POST", "/~/forget", None).await?;
    Ok(Accepting { rate: count.rate(), cpu })
}

/// Has events accepted and delivered as fast as that is possible without an ever longer queue, and
/// waits until all of them are. Answers how many that were.
pub(crate) async fn both(
    system: &System,
    receiver: SocketAddr,
    name: &str,
    limits: Limits,
) -> Result<u64> {
    let before = receiver::count(receiver, name).await?.requests;
    let request = event::request(event::HEARD, 100);
    let (done, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let posting = Windowed { window: WINDOW, done: Arc::clone(&done), stop: Arc::clone(&stop) };
    let watching = async {
        let began = Instant::now();
        while began.elapsed() < limits.length && done.load(Ordering::Relaxed) < limits.events {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let count = receiver::count(receiver, name).await?;
            done.store(count.requests - before, Ordering::Relaxed);
        }
        stop.store(true, Ordering::Relaxed);
        Ok::<_, Failure>(())
    };
    let (tally, ()) = tokio::try_join!(posting.run(system.address, 4, &request), watching)?;
    let accepted = tally.accepted;
    receiver::await_requests(receiver, name, before + accepted, PATIENCE).await?;
    system.drained().await?;
    Ok(accepted)
}

/// How many events a second can be accepted and delivered at once, as this section found last.
pub(crate) fn sustained(bench: &Bench) -> Result<f64> {
    let rows = row::read(&bench.folder, "deliver")
        .map_err(|error| format!("what can be delivered is not known, run `deliver`: {error}"))?;
    let row = rows.iter().find(|row| row.what == BOTH).ok_or("`deliver` is of another release")?;
    Ok(row.median)
}

fn rows(rounds: &[Round]) -> Vec<Row> {
    let spread = |of: fn(&Round) -> f64| Spread::of(rounds.iter().map(of));
    let (drained, dialled) = (spread(|it| it.drained), spread(|it| it.dialled));
    let most = rounds.iter().map(|it| it.connections).max().unwrap_or_default();
    let peak = rounds.iter().map(|it| it.peak).max().unwrap_or_default();
    let count = rounds.len();
    let events =
        format!("{FILLED} events of {} bytes of data, one hook, signed, all logged", event::BYTES);
    vec![
        Row::new(SECTION, "draining a full queue", drained, "/s")
            .goal(Goal::AtLeast(10_000.0))
            .note(format!(
                "{events}; over {most} connections at most; {} MiB resident at most; {count} rounds",
                peak / 1_024
            )),
        Row::new(
            SECTION,
            "draining, beside a bare reqwest loop",
            spread(|it| 100.0 * it.drained / it.dialled),
            "% of the loop",
        )
        .goal(Goal::AtLeast(30.0))
        .note(format!(
            "the loop sends the same headers and bodies, {IN_FLIGHT} at once: {:.0}/s ({:.0} to {:.0})",
            dialled.median, dialled.least, dialled.most
        )),
        Row::new(SECTION, BOTH, spread(|it| it.accepting.rate), "/s")
            .goal(Goal::AtLeast(5_000.0))
            .note(format!(
                "batches of 100 over 4 connections, at most {WINDOW} accepted and not delivered"
            )),
        Row::new(SECTION, "processor time of 1,000 deliveries", spread(|it| it.cpu * 1e6), "ms")
            .note("start of the process included"),
        Row::new(
            SECTION,
            "processor time of 1,000 events accepted and delivered",
            spread(|it| it.accepting.cpu * 1e6),
            "ms",
        ),
        Row::new(
            SECTION,
            "processor time of 1,000 requests of the loop",
            spread(|it| it.cpu_of_dialling * 1e6),
            "ms",
        ),
    ]
}

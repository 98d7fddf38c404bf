//! What does it cost to have much: hooks, hooks of one event, deliveries in the log?
//!
//! Two systems run side by side, one with little and one with much, and are asked in turn.

use std::time::{Duration, Instant};

use embedded::Store;
use futures_util::future::try_join_all;
use hooks::{
    delivery::{Delivery, State},
    event::{Event, Order},
    hook::EventHook,
    id::{HookId, OccurrenceId, RequestId},
    ports::{Clock as _, Ledger as _},
    time::Timestamp,
};
use serde_json::json;
use tempfile::TempDir;
use testkit::builders::{self, attempt_step, record_of};

use crate::{
    child::Child,
    client::{self, Connection},
    event,
    failure::Result,
    fill::{self, MachineClock},
    plan::{LOGGED, MADE, PAGES},
    receiver,
    row::{Goal, Row},
    spread::{self, Spread},
    system::{Bench, System},
};

/// How many hooks there are, where there are few and where there are many.
const HOOKS: [usize; 2] = [100, 100_000];

/// How many sources those that listen elsewhere are spread over.
const SOURCES: usize = 1_000;

/// How many hooks listen to one event.
const OF_AN_EVENT: [usize; 2] = [1, 1_000];

/// How much more than little much may cost, in percent.
const GOAL: Goal = Goal::AtMost(120.0);

const PATIENCE: Duration = Duration::from_mins(2);

const SECTION: &str = "Scaling";

/// Measures all three.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let receiver = bench.start("receiver").await?;
    let mut rows = Vec::new();
    rows.push(hooks(bench, &receiver, "of other sources", elsewhere).await?);
    rows.push(hooks(bench, &receiver, "of the same source", beside).await?);
    rows.push(hooks_of_an_event(bench, &receiver).await?);
    rows.push(log(bench).await?);
    Ok(rows)
}

/// A running system, and the folder that goes with it.
struct Filled {
    system: System,
    _data: TempDir,
}

impl Filled {
    async fn start(bench: &Bench, hooks: &[EventHook]) -> Result<Self> {
        let data = bench.data()?;
        Ok(Self { system: System::with_hooks(bench, data.path(), hooks, &[]).await?, _data: data })
    }
}

/// A hook that listens to something else, as the one of this number.
type Other = fn(usize) -> EventHook;

fn elsewhere(number: usize) -> EventHook {
    let source = format!("source-{}", number % SOURCES);
    fill::signed((&source, event::HEARD.1), "http://127.0.0.1:9/")
}

fn beside(number: usize) -> EventHook {
    fill::signed((event::HEARD.0, &format!("entity-{}", number % SOURCES)), "http://127.0.0.1:9/")
}

/// What a delivery costs where so many other hooks listen to something else.
async fn hooks(bench: &Bench, receiver: &Child, which: &str, other: Other) -> Result<Row> {
    const NAME: &str = "hooks";

    let url = format!("http://{}/take/{NAME}", receiver.address);
    let mut filled = Vec::new();
    for count in HOOKS {
        let mut hooks: Vec<_> = (1..count).map(other).collect();
        hooks.push(fill::signed(event::HEARD, &url));
        filled.push(Filled::start(bench, &hooks).await?);
    }
    let rounds = in_turn(bench, receiver, NAME, &filled, [MADE; 2], [MADE; 2]).await?;
    Ok(costs(&rounds, format!("a delivery with {} hooks, beside {}", HOOKS[1], HOOKS[0]))
        .note(format!("hooks {which}; {}", absolute(&rounds))))
}

async fn hooks_of_an_event(bench: &Bench, receiver: &Child) -> Result<Row> {
    const NAME: &str = "of-an-event";

    let url = format!("http://{}/take/{NAME}", receiver.address);
    let mut filled = Vec::new();
    for count in OF_AN_EVENT {
        let hooks: Vec<_> = (0..count).map(|_| fill::signed(event::HEARD, &url)).collect();
        filled.push(Filled::start(bench, &hooks).await?);
    }
    let posts = OF_AN_EVENT.map(|hooks| MADE / hooks);
    let rounds = in_turn(bench, receiver, NAME, &filled, posts, [MADE; 2]).await?;
    let [few, many] = OF_AN_EVENT;
    Ok(costs(&rounds, format!("a delivery of an event with {many} hooks, beside {few}"))
        .note(absolute(&rounds)))
}

/// Has so many events posted to each of two systems in turn, and answers the processor time of each
/// delivery in milliseconds.
async fn in_turn(
    bench: &Bench,
    receiver: &Child,
    name: &str,
    filled: &[Filled],
    posts: [usize; 2],
    made: [usize; 2],
) -> Result<Vec<[f64; 2]>> {
    let mut rounds = Vec::new();
    // The first time each finds out what hooks there are.
    for number in 0..=bench.rounds {
        let mut costs = [0.0; 2];
        for (at, Filled { system, .. }) in filled.iter().enumerate() {
            client::ask(receiver.address, "POST", "/~/forget", None).await?;
            let before = system.usage()?.cpu;
            post(system, posts[at]).await?;
            receiver::await_requests(receiver.address, name, made[at] as u64, PATIENCE).await?;
            system.drained().await?;
            let cpu = system.usage()?.cpu.saturating_sub(before);
            costs[at] = milliseconds(cpu) / f64::from(u32::try_from(made[at])?);
        }
        if number > 0 {
            rounds.push(costs);
        }
    }
    Ok(rounds)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Posts so many events, a hundred in a request where there are as many.
async fn post(system: &System, count: usize) -> Result<()> {
    let batch = count.min(100);
    let request = event::request(event::HEARD, batch);
    let mut connection = Connection::open(system.address).await?;
    for _ in 0..count / batch {
        let answer = connection.exchange(&request.bytes).await?;
        if answer.status() != 202 {
            return Err(format!("POST /events answered {}", answer.status()).into());
        }
    }
    Ok(())
}

fn costs(rounds: &[[f64; 2]], what: String) -> Row {
    let ratios = Spread::of(rounds.iter().map(|[few, many]| 100.0 * many / few));
    Row::new(SECTION, what, ratios, "%").goal(GOAL)
}

fn absolute(rounds: &[[f64; 2]]) -> String {
    let median = |at: usize| Spread::of(rounds.iter().map(|costs| costs[at])).median;
    format!(
        "processor time of a delivery, {:.3} ms beside {:.3} ms; {} rounds of {MADE} deliveries",
        median(1),
        median(0),
        rounds.len()
    )
}

/// How long a page of the log takes to come.
async fn log(bench: &Bench) -> Result<Row> {
    let mut filled = Vec::new();
    for count in LOGGED {
        let data = bench.data()?;
        let hook = fill::signed(event::HEARD, "http://127.0.0.1:9/");
        let store = fill::open(data.path())?;
        fill::hooks(&store, std::slice::from_ref(&hook)).await?;
        deliveries(&store, &hook, count).await?;
        drop(store);
        let system = System::start(bench, data.path(), &[]).await?;
        filled.push((Filled { system, _data: data }, hook.id));
    }
    let mut rounds = Vec::new();
    for number in 0..=bench.rounds {
        let mut times = [0.0; 2];
        for (at, (Filled { system, .. }, hook)) in filled.iter().enumerate() {
            times[at] = page(system, *hook).await?;
        }
        if number > 0 {
            rounds.push(times);
        }
    }
    let median = |at: usize| Spread::of(rounds.iter().map(|times| times[at])).median;
    let [few, many] = LOGGED;
    Ok(costs(&rounds, format!("a page of the log with {many} deliveries, beside {few}")).note(
        format!(
            "GET …/deliveries?size=50, the median of {PAGES}: {:.2} ms beside {:.2} ms; {} rounds",
            median(1),
            median(0),
            rounds.len()
        ),
    ))
}

/// How long half of the pages take at most, in milliseconds.
async fn page(system: &System, hook: HookId) -> Result<f64> {
    let request = client::request("GET", &format!("/event-hooks/{hook}/deliveries?size=50"), &[]);
    let mut connection = Connection::open(system.address).await?;
    let mut times = Vec::new();
    for _ in 0..PAGES {
        let began = Instant::now();
        let answer = connection.exchange(&request).await?;
        if answer.status() != 200 {
            let said = String::from_utf8_lossy(answer.body);
            return Err(format!("the log answered {}: {said}", answer.status()).into());
        }
        times.push(milliseconds(began.elapsed()));
    }
    Ok(spread::quantile(&mut times, 0.5))
}

/// Puts so many deliveries into the log of a hook, a millisecond apart, the last of them just now.
async fn deliveries(store: &Store, hook: &EventHook, count: usize) -> Result<()> {
    const AT_ONCE: usize = 2_000;

    let now = MachineClock.now();
    let expires = now + Duration::from_hours(24);
    let like = Event { data: builders::data(json!({"operation": "create"})), ..builders::event() };
    let mut left = count;
    while left > 0 {
        let some = left.min(AT_ONCE);
        let records: Vec<_> = (0..some)
            .map(|at| {
                let ago = i64::try_from(left - at).unwrap_or_default();
                let accepted = Timestamp::from_millis(now.as_millis() - ago);
                let order = Order { accepted, request: RequestId::at(accepted), index: 0 };
                let event = Event { id: OccurrenceId::at(accepted), order, ..like.clone() };
                record_of(Delivery::first(hook, event), attempt_step(1), State::Delivered)
            })
            .collect();
        try_join_all(records.iter().map(|record| store.record(record, expires))).await?;
        left -= some;
    }
    Ok(())
}

//! The process is killed at any moment, over and over, while clients go on posting. Is anything
//! lost that was accepted?
//!
//! What was accepted is what was answered 202; what has arrived is what receivers remember. Nobody
//! asks the process for either. `make chaos` kills it more often.

mod load;
mod tally;

use std::{
    collections::BTreeSet,
    env,
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::{Value, json};
use testkit::receiver::{Answer, Receiver};

use self::{
    load::{Accepted, Load},
    tally::Tally,
};
use crate::world::World;

/// How soon the first of what was in flight must arrive after a restart.
const SOON: Duration = Duration::from_secs(5);

/// How long everything may take to arrive in the end: retries wait 5 s, and 30 s where they are
/// killed, too.
const TO_SETTLE: Duration = Duration::from_secs(90);

/// How long the slow receiver thinks.
const SLOW: Duration = Duration::from_millis(200);

/// No numbers.
const NOTHING: [u64; 0] = [];

/// What is posted.
const EVENTS: [&str; 4] = ["plain", "state", "once", "halting"];

/// How often it is killed, and when.
struct Plan {
    kills: usize,
    seed: u64,
}

impl Plan {
    fn read() -> Self {
        let set = |name: &str| env::var(name).ok().filter(|it| !it.is_empty());
        let number = |text: String| text.parse::<u64>().expect("a number");
        let kills = set("EVENT_HOOKS_TEST_KILLS").map_or(3, number);
        let seed = set("EVENT_HOOKS_TEST_SEED").map_or_else(|| fastrand::u64(..1 << 32), number);
        Self { kills: usize::try_from(kills).unwrap(), seed }
    }
}

/// A hook, and who it tells.
struct Told {
    hook: String,
    tally: Tally,
    receiver: Receiver,
}

/// Every hook of this story.
struct Everybody {
    steady: Told,
    slow: Told,
    snoozed: Told,
    changes: Told,
    once: Told,
    halting: Told,
}

impl Told {
    async fn new(world: &World, event: &str, mut hook: Value) -> Self {
        let receiver = Receiver::http().await;
        hook["source"] = "chaos".into();
        hook["event"] = event.into();
        hook["config"]["url"] = receiver.url().into();
        let told = Self { hook: world.hook(&hook).await, tally: Tally::default(), receiver };
        told.takes_all_after(Duration::ZERO)
    }

    /// From now on it takes everything, and its time.
    fn takes_all_after(self, delay: Duration) -> Self {
        let seen = self.tally.clone();
        self.receiver.judge(move |request| {
            seen.take(request);
            Answer::status(200).after(delay)
        });
        self
    }

    /// From now on it refuses every second event, but only the first time that it hears of it.
    fn refusing(self) -> Self {
        let seen = self.tally.clone();
        self.receiver.judge(move |request| {
            let number = serde_json::from_slice::<Value>(&request.body).unwrap()["number"].as_u64();
            if number.is_some_and(|it| it % 2 == 1) && !seen.knows(request) {
                seen.refuse(request);
                return Answer::status(503);
            }
            seen.take(request);
            Answer::status(200)
        });
        self
    }
}

impl Everybody {
    async fn around(world: &World) -> Self {
        let state =
            json!({"fields": ["thing", "number"], "unique": ["number"], "group_by": ["thing"]});
        for (event, spec) in
            [("plain", json!({})), ("state", state), ("once", json!({})), ("halting", json!({}))]
        {
            let path = format!("/event-hooks/sources/chaos/{event}");
            let published = world.send("PUT", &path, &spec).await;
            assert!(published.status.is_success(), "{}", published.text);
        }
        let webhook = json!({"handler": "webhook", "config": {}});
        let custom = json!({
            "handler": "webhook-custom",
            "config": {"method": "POST", "body": "{\"number\":{{ number }}}"},
        });
        let with = |member: &str, value: Value| {
            let mut hook = webhook.clone();
            hook[member] = value;
            hook
        };
        Self {
            steady: Told::new(world, "plain", webhook.clone()).await,
            slow: Told::new(world, "plain", custom).await.takes_all_after(SLOW),
            snoozed: Told::new(world, "plain", with("snooze", json!(1))).await,
            changes: Told::new(world, "state", with("on_change", json!(true))).await,
            once: Told::new(world, "once", webhook.clone()).await,
            halting: Told::new(world, "halting", webhook).await.refusing(),
        }
    }

    fn all(&self) -> [(&'static str, &Told); 6] {
        [
            ("steady", &self.steady),
            ("slow", &self.slow),
            ("snoozed", &self.snoozed),
            ("changes", &self.changes),
            ("once", &self.once),
            ("halting", &self.halting),
        ]
    }

    /// Who is told of everything of this name.
    fn owed(&self, event: &str) -> Vec<&Tally> {
        let told = match event {
            "plain" => vec![&self.steady, &self.slow],
            "state" => vec![&self.changes],
            "once" => vec![&self.once],
            "halting" => vec![&self.halting],
            other => panic!("nobody posts {other}"),
        };
        told.into_iter().map(|it| &it.tally).collect()
    }
}

/// A death, and the birth after it.
struct Restart {
    died: Instant,
    began: Instant,
}

impl Restart {
    /// How long it took until something arrived that had been accepted before.
    fn until_first(&self, accepted: &Accepted, told: &Everybody) -> Option<Duration> {
        let was_in_flight = |event, number| {
            accepted.get(&(event, number)).is_some_and(|accepted| *accepted < self.died)
        };
        let first = |event: &'static str| {
            let arrivals = told.owed(event).into_iter().flat_map(Tally::arrivals);
            let after = arrivals.filter(move |it| it.at > self.began);
            let took =
                after.filter(|it| was_in_flight(event, it.number)).map(|it| it.at - self.began);
            took.min()
        };
        EVENTS.into_iter().filter_map(first).min()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_accepted_is_lost() {
    let plan = Plan::read();
    let mut dice = Rng::with_seed(plan.seed);
    let mut world = World::new().await;
    let told = Everybody::around(&world).await;
    let load = Load::begin(world.url(), told.halting.tally.clone());

    let (mut kills, mut restarts) = (0, Vec::new());
    while kills < plan.kills {
        tokio::time::sleep(Duration::from_millis(dice.u64(100..1_500))).await;
        world.process_mut().kill();
        let died = Instant::now();
        kills += 1;
        if kills < plan.kills && dice.u8(..3) == 0 {
            world.killed_while_it_starts(Duration::from_millis(dice.u64(..400))).await;
            kills += 1;
        }
        let began = Instant::now();
        world = world.restarted().await;
        load.moves_to(world.url());
        restarts.push(Restart { died, began });
        told.all().iter().for_each(|(_, it)| it.receiver.forget());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (accepted, unanswered) = load.end().await;
    settled(&world).await;

    let lost = lost(&accepted, &told);
    let mut took: Vec<_> =
        restarts.iter().filter_map(|it| it.until_first(&accepted, &told)).collect();
    took.sort();
    let all = told.all();
    let delivered: usize = all.iter().map(|(_, it)| it.tally.deliveries().len()).sum();
    let duplicates: usize = all.iter().map(|(_, it)| it.tally.duplicates()).sum();
    println!(
        "killed {kills} times (seed {}): accepted {} events, {unanswered} posts without an answer; \
         delivered {delivered}, lost {}, duplicates {duplicates}; the first of what was in flight \
         arrived {:?} after a restart at the median of {}, {:?} at the longest",
        plan.seed,
        accepted.len(),
        lost.len(),
        took.get(took.len() / 2).copied().unwrap_or_default(),
        took.len(),
        took.last().copied().unwrap_or_default(),
    );

    assert_eq!(lost, Vec::<String>::new(), "seed {}", plan.seed);
    assert!(accepted.len() > 10 * restarts.len(), "only {} events", accepted.len());
    assert!(!took.is_empty(), "something is in flight when it is killed under load");
    assert!(took.iter().all(|it| *it <= SOON), "{took:?}");
    let changes = &told.changes.tally;
    assert_eq!(
        changes.announced_twice(),
        NOTHING,
        "a change is said once, however often it is posted"
    );
    let once = &told.once.tally;
    assert_eq!(
        once.announced_twice(),
        NOTHING,
        "an id is one delivery, however often it was posted"
    );
    for (name, it) in all {
        let listed = listed(&world, &it.hook).await;
        assert_eq!(
            listed,
            it.tally.deliveries(),
            "{name}: the log, and what its receiver has seen"
        );
    }
    assert_eq!(world.get("/poison").await.json()["data"], json!([]));
}

/// What was accepted and never arrived.
fn lost(accepted: &Accepted, told: &Everybody) -> Vec<String> {
    let of_event = |event: &'static str| {
        let numbers =
            accepted.keys().filter(move |(of, _)| *of == event).map(|(_, number)| *number);
        let missing = |tally: &Tally| tally.missing(numbers.clone());
        let missing: Vec<_> = told.owed(event).into_iter().flat_map(missing).collect();
        missing.into_iter().map(move |number| format!("{event} {number}"))
    };
    EVENTS.into_iter().flat_map(of_event).collect()
}

/// Waits until nothing is in the queues.
async fn settled(world: &World) {
    let began = Instant::now();
    loop {
        let depth = world.get("/status").await.json()["queue_depth"].clone();
        if depth == json!({"events": 0, "retries": 0}) {
            return;
        }
        assert!(began.elapsed() < TO_SETTLE, "still there after {TO_SETTLE:?}: {depth}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The deliveries of a hook, page by page; all of them have arrived. Its ping is not among them.
async fn listed(world: &World, hook: &str) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    let mut next = json!(format!("/event-hooks/{hook}/deliveries?size=1000"));
    while let Some(path) = next.as_str() {
        let page = world.get(path).await.json();
        for delivery in page["data"].as_array().unwrap() {
            assert_eq!(delivery["status"], "delivered", "{delivery}");
            if delivery["event"] != "ping" {
                listed.insert(delivery["id"].as_str().unwrap().to_owned());
            }
        }
        next = page["next"].clone();
    }
    listed
}

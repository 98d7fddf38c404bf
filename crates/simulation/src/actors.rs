//! Who makes things happen: gateways that post, an administrator who changes his mind, receivers
//! that fall ill, clocks that are set.

mod admin;

use std::time::Duration;

use hooks::{
    event::{Data, Event, EventKey, Order},
    id::{OccurrenceId, RequestId},
    name::{EventName, SourceName, Workspace},
    publish::{NewEvent, Posting, Publisher},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

pub(crate) use self::admin::{administer, make_amends, make_first_hooks};
use crate::{
    ports::Mood,
    process::Doors,
    profile::{Plot, one_of},
    world::{Process, Role, State, World},
};

/// How often a gateway posts what was not accepted before it gives up.
const MOST_POSTS: u32 = 4;

/// A process that answers requests, as it is at the moment: one that died is there again at the
/// next request, knowing nothing.
pub(crate) struct Door {
    world: World,
    process: Process,
    doors: Doors,
}

impl Door {
    pub(crate) fn new(world: &World, role: Role, place: u8) -> Self {
        let process = Process::new(role, place);
        Self { world: world.clone(), process, doors: Doors::of(world, process) }
    }

    /// Has the process do something; `None` when it dies.
    pub(crate) async fn ask<T, F>(&mut self, work: impl FnOnce(Doors) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let answer = self.world.ask(self.process, work(self.doors.clone())).await;
        if answer.is_none() {
            self.process = self.process.reborn();
            self.doors = Doors::of(&self.world, self.process);
        }
        answer
    }
}

/// What a gateway can have seen.
fn some_event(state: &mut State, plot: Plot) -> NewEvent {
    let dice = &mut state.dice;
    let (source, event, data) = match dice.u32(..10) {
        0..6 => {
            let (ip, health) = (dice.u32(..2), dice.u32(..3));
            ("balancer", "health", json!({"ip": format!("10.0.0.{ip}"), "health": health}))
        }
        6..8 => {
            let (operation, name) = (["create", "update"][dice.usize(..2)], dice.u32(..3));
            let data = json!({
                "schema": "consumers", "operation": operation, "entity": {"username": name},
            });
            ("crud", "consumers", data)
        }
        _ => ("dao:crud", "update", json!({"schema": "routes", "operation": "update"})),
    };
    let (source, event) =
        if plot == Plot::Crowd { ("balancer", "health") } else { (source, event) };
    NewEvent {
        source: source_name(source),
        event: event_name(event),
        data: data_of(data),
        id: None,
        time: None,
        pid: None,
    }
}

pub(crate) fn source_name(text: &str) -> SourceName {
    SourceName::parse(text).expect("a short visible text")
}

pub(crate) fn event_name(text: &str) -> EventName {
    EventName::parse(text).expect("a short visible text")
}

pub(crate) fn workspace(state: &mut State) -> Workspace {
    match state.dice.u32(..3) {
        0 => Workspace::parse("team").expect("a workspace's name"),
        _ => Workspace::default_workspace(),
    }
}

fn data_of(value: Value) -> Data {
    let members = if let Value::Object(members) = value { members } else { Map::new() };
    members.into()
}

/// The data with so much more in it that a message takes only one event.
fn padded(data: &Data) -> Data {
    let mut members = data.as_map().clone();
    members.insert("padding".into(), "x".repeat(Publisher::PACK_BYTES / 2).into());
    members.into()
}

/// A gateway: posts, and posts again what was not accepted.
pub(crate) async fn post(world: World, place: u8) {
    let mut door = Door::new(&world, Role::Ingest, place);
    let plot = world.profile().plot;
    let (requests, most, gap) = {
        let dice = &mut world.lock().dice;
        match plot {
            // Two gateways that see the same thing tell of it at the same time.
            Plot::Usual => (dice.u32(2..7), 4, one_of(dice, [30, 3_000, 18_000])),
            Plot::Crowd => (1, 90, 3_000),
            Plot::Siege => (dice.u32(1..4), 2, 300_000),
            Plot::Week => (9, 1, 90_000_000),
        }
    };
    for request in 0..requests {
        let pause = world.lock().dice.u64(..gap);
        world.sleep(Duration::from_millis(pause)).await;
        let (workspace, events) = {
            let state = &mut *world.lock();
            let count = if plot == Plot::Crowd { most } else { state.dice.usize(1..=most) };
            let mut events: Vec<_> = (0..count).map(|_| some_event(state, plot)).collect();
            if state.dice.u32(..40) == 0 && plot == Plot::Usual {
                events.iter_mut().for_each(|it| it.data = padded(&it.data));
            }
            let has_ids = state.dice.u32(..3) == 0;
            for (index, event) in events.iter_mut().enumerate().filter(|_| has_ids) {
                event.id = Some(format!("{place}-{request}-{index}"));
            }
            (workspace(state), events)
        };
        let is_posted_twice = world.lock().dice.u32(..6) == 0 && events[0].id.is_some();
        post_until_accepted(&world, &mut door, &workspace, &events).await;
        if is_posted_twice {
            post_until_accepted(&world, &mut door, &workspace, &events).await;
        }
    }
    world.lock().actors -= 1;
}

async fn post_until_accepted(
    world: &World,
    door: &mut Door,
    workspace: &Workspace,
    events: &[NewEvent],
) {
    for _ in 0..MOST_POSTS {
        let posted = (workspace.clone(), events.to_vec());
        let publish = |doors: Doors| async move {
            doors.ingest.publish(&posted.0, posted.1, Posting::default()).await
        };
        match door.ask(publish).await {
            Some(Ok(ids)) => return accepted(world, workspace, events, &ids),
            Some(Err(error)) => world.note(|_| format!("gateway is told: {error}")),
            None => world.note(|_| "gateway is told nothing".to_owned()),
        }
        world.sleep(Duration::from_millis(900)).await;
    }
}

fn accepted(world: &World, workspace: &Workspace, events: &[NewEvent], ids: &[OccurrenceId]) {
    let state = &mut *world.lock();
    let step = state.tick();
    for (new, id) in events.iter().zip(ids) {
        let accepted = id.accepted().unwrap_or(Timestamp::from_millis(0));
        let event = Event {
            id: *id,
            order: Order { accepted, request: RequestId::at(accepted), index: 0 },
            workspace: workspace.clone(),
            source: new.source.clone(),
            event: new.event.clone(),
            data: new.data.clone(),
            key: new.id.clone().map(EventKey::Id),
            time: None,
            pid: None,
        };
        state.facts.promised(&event, step);
    }
    state.note(|state| {
        let names: Vec<_> = ids.iter().map(|id| state.facts.names().event(*id)).collect();
        format!("gateway is told 202: {}", names.join(", "))
    });
}

/// Receivers fall ill and recover, and clocks are set.
pub(crate) async fn meddle(world: World) {
    let plot = world.profile().plot;
    let turns = world.lock().dice.u32(2..8);
    for _ in 0..turns {
        let pause = world.lock().dice.u64(..20_000);
        world.sleep(Duration::from_millis(pause)).await;
        let state = &mut *world.lock();
        if state.dice.bool() && plot == Plot::Usual {
            let hooks: Vec<_> = state.hooks.alive.keys().copied().collect();
            if let Some(hook) = state.dice.choice(hooks) {
                let mood = some_mood(state);
                state.set_mood(hook, mood);
            }
        } else if world.profile().has_bad_clocks {
            let by = match state.dice.u32(..4) {
                0 => state.dice.i64(3_000..4_000_000),
                1 => state.dice.i64(10..3_000),
                _ => -state.dice.i64(10..2_000),
            };
            state.time.offset += by;
            state.time.put_back -= by.min(0);
            state.tally.clock_changes += 1;
            state.note(|_| format!("clocks are set by {by} ms"));
        }
    }
    world.lock().actors -= 1;
}

/// How a receiver is from now on.
pub(crate) fn some_mood(state: &mut State) -> Mood {
    match state.dice.u32(..24) {
        0..11 => Mood::Well,
        11..14 => Mood::Flaky,
        14..17 => Mood::Down,
        17..19 => Mood::Slow,
        19..21 => Mood::Hanging,
        21 => Mood::Gone,
        22 => Mood::Broken,
        _ => Mood::Panicking,
    }
}

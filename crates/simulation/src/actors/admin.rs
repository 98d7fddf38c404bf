//! An administrator: makes hooks, changes, disables, enables, removes and makes them again, and has
//! deliveries sent again.

use std::{collections::BTreeMap, time::Duration};

use hooks::{
    access::By,
    delivery::Status,
    handler::{Handler, Webhook},
    hook::{Draft, EventHook, Snooze},
    id::{DeliveryId, HookId},
    name::{Scope, Workspace},
    replay::{Range, Replays},
    secret::Signing,
    target_url::TargetUrl,
    time::Timestamp,
};
use uuid::Uuid;

use super::{Door, event_name, some_mood, source_name, workspace};
use crate::{
    facts::{Pair, RecoveryFact},
    ports::Mood,
    process::Doors,
    profile::{Plot, one_of},
    world::{Role, State, World},
};

/// The hooks of a run have these numbers for ids, so that ids say nothing.
const MOST_HOOKS: u128 = 6;

fn hook_id(number: u128) -> HookId {
    Uuid::from_u128(number).into()
}

fn some_draft(state: &mut State, plot: Plot) -> Draft {
    let dice = &mut state.dice;
    let (source, event) = match dice.u32(..12) {
        _ if plot == Plot::Crowd => ("balancer", Some("health")),
        0..5 => ("balancer", Some("health")),
        5 => ("balancer", None),
        6 | 7 => ("crud", Some("consumers")),
        8 => ("crud", None),
        9 => ("dao:crud", Some("update")),
        10 => ("event-hooks", None),
        _ => ("crud", Some("event_hooks")),
    };
    let has_gate = dice.bool() && plot != Plot::Crowd;
    let on_change = (has_gate && dice.bool()).then_some(true);
    let snooze = (has_gate && (dice.bool() || on_change.is_none()))
        .then(|| Snooze::seconds(one_of(dice, [0, 5, 20, 60])));
    let group_by = (has_gate && dice.u32(..3) == 0).then(|| vec!["ip".to_owned()]);
    Draft {
        source: source_name(source),
        event: event.map(event_name),
        handler: if dice.u32(..4) == 0 { Handler::Log {} } else { webhook(0) },
        on_change,
        snooze,
        enabled: None,
        group_by,
        filter: None,
    }
}

fn webhook(number: u32) -> Handler {
    Handler::Webhook(Webhook {
        url: TargetUrl::parse(&format!("https://example.com/{number}")).expect("a URL"),
        headers: BTreeMap::new(),
        signing: Signing::default(),
        ssl_verify: false,
        format: None,
    })
}

impl State {
    pub(crate) fn set_mood(&mut self, hook: HookId, mood: Mood) {
        self.receivers.set(hook, mood);
        self.note(|state| format!("{}'s receiver: {mood:?}", state.facts.names().hook(hook)));
    }
}

/// The hooks that a run begins with, each with a receiver.
pub(crate) async fn make_first_hooks(world: World) {
    let plot = world.profile().plot;
    let mut door = Door::new(&world, Role::Admin, 0);
    let count = if plot == Plot::Crowd { 4 } else { world.lock().dice.u128(2..=4) };
    for number in 1..=count {
        {
            let state = &mut *world.lock();
            let mood = match plot {
                Plot::Usual => some_mood(state),
                Plot::Crowd if number == 1 => Mood::Well,
                Plot::Crowd => one_of(&mut state.dice, [Mood::Hanging, Mood::Slow, Mood::Well]),
                Plot::Siege | Plot::Week if number == 1 => Mood::Dead,
                Plot::Siege | Plot::Week => Mood::Well,
            };
            state.set_mood(hook_id(number), mood);
        }
        create(&world, &mut door, hook_id(number)).await;
    }
    world.lock().actors -= 1;
}

async fn create(world: &World, door: &mut Door, id: HookId) {
    let (workspace, draft) = {
        let state = &mut *world.lock();
        let is_everywhere = state.dice.u32(..3) > 0 || world.profile().plot == Plot::Crowd;
        let draft = some_draft(state, world.profile().plot);
        let everywhere = Workspace::default_workspace();
        (if is_everywhere { everywhere } else { workspace(state) }, draft)
    };
    let create = |doors: Doors| async move {
        doors.hooks.create(&By::default(), &workspace, Some(id), draft, None).await
    };
    let answer = door.ask(create).await;
    say(world, "create", id, answer.map(|it| it.map(drop)));
}

fn say<E: std::fmt::Display>(
    world: &World,
    what: &str,
    hook: HookId,
    answer: Option<Result<(), E>>,
) {
    world.note(|state| {
        let hook = state.facts.names().hook(hook);
        match answer {
            Some(Ok(())) => format!("admin: {what} {hook}: done"),
            Some(Err(error)) => format!("admin: {what} {hook}: {error}"),
            None => format!("admin: {what} {hook}: no answer"),
        }
    });
}

/// One change after the other.
pub(crate) async fn administer(world: World, place: u8) {
    let plot = world.profile().plot;
    let mut door = Door::new(&world, Role::Admin, place);
    let deeds = if plot == Plot::Usual { world.lock().dice.u32(2..10) } else { 0 };
    for _ in 0..deeds {
        let (pause, id, deed) = {
            let dice = &mut world.lock().dice;
            (dice.u64(..16_000), hook_id(dice.u128(1..=MOST_HOOKS)), dice.u32(..16))
        };
        world.sleep(Duration::from_millis(pause)).await;
        match deed {
            0..3 => create(&world, &mut door, id).await,
            3..5 => remove(&world, &mut door, id).await,
            5 => {
                remove(&world, &mut door, id).await;
                create(&world, &mut door, id).await;
            }
            6..8 => enable(&world, &mut door, id, false).await,
            8..11 => enable(&world, &mut door, id, true).await,
            11 => move_to(&world, &mut door, id).await,
            12..14 => redeliver(&world, &mut door).await,
            14 => recover(&world, &mut door, id, &Replays::USUAL).await,
            _ => recover(&world, &mut door, id, &Replays::STATUSES).await,
        }
    }
    world.lock().actors -= 1;
}

async fn remove(world: &World, door: &mut Door, id: HookId) {
    let answer = door
        .ask(|doors| async move { doors.hooks.delete(&By::default(), &Scope::All, id).await })
        .await;
    say(world, "remove", id, answer);
}

async fn enable(world: &World, door: &mut Door, id: HookId, is_enabled: bool) {
    let change =
        move |hook: &EventHook| Ok(Draft { enabled: Some(is_enabled), ..hook.draft.clone() });
    let patch = |doors: Doors| async move {
        doors.hooks.patch(&By::default(), &Scope::All, id, change).await
    };
    let answer = door.ask(patch).await;
    let what = if is_enabled { "enable" } else { "disable" };
    say(world, what, id, answer.map(|it| it.map(drop)));
}

/// The hook moves to another address.
async fn move_to(world: &World, door: &mut Door, id: HookId) {
    let number = world.lock().dice.u32(..);
    let change =
        move |hook: &EventHook| Ok(Draft { handler: webhook(number), ..hook.draft.clone() });
    let patch = |doors: Doors| async move {
        doors.hooks.patch(&By::default(), &Scope::All, id, change).await
    };
    let answer = door.ask(patch).await;
    say(world, "move", id, answer.map(|it| it.map(drop)));
}

/// Any delivery, in whatever state it is.
async fn redeliver(world: &World, door: &mut Door) {
    let Some((id, pair)) = ({
        let state = &mut *world.lock();
        let rows = state.rows.deliveries.iter();
        let rows: Vec<_> = rows.map(|(id, row)| (*id, Pair::of(&row.delivery))).collect();
        state.dice.choice(rows)
    }) else {
        return;
    };
    let redeliver = move |doors: Doors| async move {
        doors.replays.redeliver(&By::default(), &Scope::All, pair.hook, id).await
    };
    let answer = door.ask(redeliver).await;
    let state = &mut *world.lock();
    if let Some(Ok(run)) = &answer {
        state.facts.redeliveries.push((pair, *run));
        state.tally.replays += 1;
    }
    state.note(|state| format!("admin: redeliver {}: {answer:?}", state.facts.names().pair(pair)));
}

/// All deliveries of a hook so far that ended like this.
async fn recover(world: &World, door: &mut Door, id: HookId, statuses: &[Status]) {
    let range =
        Range { since: Timestamp::from_millis(0), until: None, statuses: statuses.to_vec() };
    let (asked, before) = {
        let state = &mut *world.lock();
        (state.tick(), in_range(state, id, statuses))
    };
    let recover = move |doors: Doors| async move {
        doors.replays.recover(&By::default(), &Scope::All, id, range).await
    };
    let answer = door.ask(recover).await;
    let state = &mut *world.lock();
    if let Some(Ok(recovery)) = &answer {
        let after = in_range(state, id, statuses);
        // What ended "later", by another process's clock, is left out by a recovery.
        let is_covered = |(id, run, accepted): &(DeliveryId, u32, Timestamp)| {
            let is_same = after.iter().any(|it| (it.0, it.1) == (*id, *run));
            let is_early = state.rows.deliveries[id].updated <= recovery.at;
            is_same && *accepted < recovery.at && is_early
        };
        let rows = before.into_iter().filter(is_covered).map(|(id, run, _)| (id, run)).collect();
        let (hook, generation) = (id, recovery.generation);
        state.facts.recoveries.push(RecoveryFact {
            id: recovery.id,
            hook,
            generation,
            asked,
            rows,
        });
        state.tally.replays += 1;
    }
    let accepted = answer.map(|it| it.map(|it| it.accepted));
    state.note(|state| format!("admin: recover {}: {accepted:?}", state.facts.names().hook(id)));
}

fn in_range(state: &State, hook: HookId, statuses: &[Status]) -> Vec<(DeliveryId, u32, Timestamp)> {
    let alive = state.hooks.alive.get(&hook).map(|it| it.generation);
    let rows = state.rows.deliveries.iter().filter(|(_, row)| {
        row.delivery.hook == hook
            && Some(row.delivery.generation) == alive
            && statuses.contains(&row.state.status())
    });
    rows.map(|(id, row)| (*id, row.delivery.run, row.delivery.event.order.accepted)).collect()
}

/// Every hook is enabled again, and sent all that it is owed.
pub(crate) async fn make_amends(world: World) {
    world.sleep(Duration::from_mins(1)).await;
    let mut door = Door::new(&world, Role::Admin, 9);
    let hooks: Vec<_> = world.lock().hooks.alive.values().cloned().collect();
    for hook in hooks.iter().filter(|it| !it.is_enabled()) {
        enable(&world, &mut door, hook.id, true).await;
    }
    world.sleep(Duration::from_mins(1)).await;
    for hook in hooks {
        recover(&world, &mut door, hook.id, &Replays::USUAL).await;
    }
    world.lock().actors -= 1;
}

use std::{
    pin::Pin,
    sync::atomic::{AtomicI64, Ordering},
    task::{Context, Poll, Waker},
};

use futures_util::FutureExt as _;
use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Default)]
struct HandClock(AtomicI64);

impl HandClock {
    fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Slots, a clock, and some hooks.
struct World {
    slots: Slots,
    clock: HandClock,
    hooks: Vec<HookId>,
}

type Asked<'a> = Pin<Box<dyn Future<Output = Option<Slot>> + Send + 'a>>;

impl World {
    fn new() -> Self {
        let hooks = (0..10).map(|_| HookId::random()).collect();
        Self { slots: Slots::new(), clock: HandClock::default(), hooks }
    }

    fn first(&self, hook: usize) -> Asked<'_> {
        Box::pin(self.slots.for_first(self.hooks[hook], &self.clock))
    }

    fn waited(&self, hook: usize) -> Asked<'_> {
        Box::pin(self.slots.for_waited(self.hooks[hook], &self.clock))
    }

    /// So many first attempts of a hook, all of which there is room for.
    fn firsts(&self, hook: usize, many: usize) -> Vec<Slot> {
        (0..many).map(|_| at_once(self.first(hook))).collect()
    }

    fn waiteds(&self, hook: usize, many: usize) -> Vec<Slot> {
        (0..many).map(|_| at_once(self.waited(hook))).collect()
    }

    /// Attempts of this hook take so long, of late.
    fn set_pace(&self, hook: usize, pace: Duration) {
        for _ in 0..32 {
            at_once(self.waited(hook)).took(pace);
        }
    }

    fn is_slow(&self, hook: usize) -> bool {
        self.slots.lane(self.hooks[hook]).is_slow()
    }

    fn counts(&self, hook: usize) -> (usize, usize, u32) {
        self.slots.lane(self.hooks[hook]).counts()
    }
}

fn at_once(asked: Asked<'_>) -> Slot {
    asked.now_or_never().expect("it need not wait").expect("there is room")
}

fn poll(asked: &mut Asked<'_>) -> Poll<Option<Slot>> {
    asked.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn waits(asked: &mut Asked<'_>) -> bool {
    poll(asked).is_pending()
}

/// What an answer is called in tables.
fn answer(asked: &mut Asked<'_>) -> &'static str {
    match poll(asked) {
        Poll::Pending => "waits",
        Poll::Ready(Some(_)) => "goes",
        Poll::Ready(None) => "refused",
    }
}

#[test]
fn a_hook_has_its_share_and_no_more() {
    let world = World::new();
    let mut running = world.firsts(0, Slots::MOST_OF_A_HOOK);
    let mut next = world.first(0);
    assert!(waits(&mut next), "the 65th");
    assert!(world.first(1).now_or_never().flatten().is_some(), "another hook");
    running.pop();
    assert!(matches!(poll(&mut next), Poll::Ready(Some(_))), "in the place of one that ended");
}

#[test]
fn so_many_run_at_once_in_all() {
    let world = World::new();
    let mut running: Vec<_> = (0..10).flat_map(|hook| world.firsts(hook, 50)).collect();
    assert_eq!(running.len(), Slots::MOST);
    let (mut first, mut waited) = (world.first(0), world.waited(1));
    assert!(waits(&mut first) && waits(&mut waited));
    running.truncate(498);
    assert!(matches!(poll(&mut first), Poll::Ready(Some(_))));
    assert!(matches!(poll(&mut waited), Poll::Ready(Some(_))));
}

#[test]
fn what_waited_leaves_room_for_first_attempts_even_of_its_own_hook() {
    let world = World::new();
    let mut running: Vec<_> = (0..5).flat_map(|hook| world.waiteds(hook, 60)).collect();
    assert_eq!(running.len(), Slots::MOST_THAT_WAITED);

    let mut waiting: Vec<_> = (0..100).map(|_| world.waited(5)).collect();
    assert!(waiting.iter_mut().all(waits), "other hooks' retries take all there is for those");
    let first = world.firsts(5, Slots::MOST_OF_A_HOOK);
    assert_eq!(first.len(), Slots::MOST_OF_A_HOOK, "and these wait for none of them");

    drop(first);
    running.pop();
    let mut began = Vec::new();
    for asked in &mut waiting {
        if let Poll::Ready(slot) = poll(asked) {
            began.push(slot.unwrap());
        }
    }
    assert_eq!(began.len(), 1, "one in the place of one");
}

#[test]
fn an_attempt_waits_for_moments_and_not_for_longer() {
    const MS: fn(u64) -> Duration = Duration::from_millis;
    // 64 at a time: in two seconds, 128 of a second each get their turn, and 64 of two seconds.
    for (name, pace, in_flight, age, waiting, first, waited) in [
        ("there is room", Some(MS(2_000)), 63, MS(0), 0, "goes", "goes"),
        ("the next one's turn is soon", Some(MS(1_000)), 64, MS(0), 0, "waits", "waits"),
        ("a second from now", Some(MS(1_000)), 64, MS(0), 63, "waits", "waits"),
        ("later: retries leave that to others", Some(MS(1_000)), 64, MS(0), 64, "waits", "refused"),
        ("two seconds from now", Some(MS(1_000)), 64, MS(0), 127, "waits", "refused"),
        ("more than that", Some(MS(1_000)), 64, MS(0), 128, "refused", "refused"),
        (
            "those in flight take longer than usual",
            Some(MS(10)),
            64,
            MS(4_000),
            31,
            "waits",
            "refused",
        ),
        ("and are waited for by some", Some(MS(10)), 64, MS(4_000), 32, "refused", "refused"),
        ("slow, and idle", Some(MS(2_001)), 0, MS(0), 0, "refused", "goes"),
        ("slow, with room for one", Some(MS(2_001)), 15, MS(0), 0, "refused", "goes"),
        ("slow, with its share", Some(MS(2_001)), 16, MS(0), 0, "refused", "refused"),
        ("slow, with all there is", Some(MS(2_001)), 64, MS(0), 0, "refused", "refused"),
        ("quick, whatever the burst", Some(MS(100)), 64, MS(0), 50_000, "waits", "waits"),
        ("no longer quick", Some(MS(101)), 64, MS(0), 1_267, "refused", "refused"),
        ("nothing is known: a burst may wait", None, 64, MS(0), 50_000, "waits", "waits"),
        ("nothing but that they take long", None, 64, MS(4_000), 32, "refused", "refused"),
    ] {
        let world = World::new();
        let _running = world.firsts(0, in_flight);
        world.clock.advance(age);
        world.slots.lane(world.hooks[0]).set(pace, waiting);
        assert_eq!(answer(&mut world.first(0)), first, "first: {name}");
        assert_eq!(answer(&mut world.waited(0)), waited, "waited: {name}");
    }
}

#[test]
fn one_in_flight_that_takes_long_does_not_speak_for_all() {
    let world = World::new();
    let mut running = world.firsts(0, 40);
    world.clock.advance(Duration::from_secs(4));
    running.truncate(31);
    running.extend(world.firsts(0, Slots::MOST_OF_A_HOOK - running.len()));
    world.slots.lane(world.hooks[0]).set(Some(Duration::from_millis(10)), 1_000);
    assert!(waits(&mut world.first(0)), "most are quick");
    drop(running.pop());
    running.insert(0, at_once(world.first(0)));
    world.clock.advance(Duration::from_millis(200));
    assert_eq!(answer(&mut world.first(0)), "refused", "none is any more");
}

#[test]
fn who_waits_for_a_receiver_that_hangs_is_let_go() {
    for (name, age, expected) in [
        ("quick so far", Duration::from_millis(100), 300),
        ("a turn takes a second: two of them", Duration::from_secs(1), 128),
        ("a turn takes long", Duration::from_secs(15), 8),
    ] {
        let world = World::new();
        let _running = world.firsts(0, Slots::MOST_OF_A_HOOK);
        let mut waiting: Vec<_> = (0..300).map(|_| world.first(0)).collect();
        assert!(waiting.iter_mut().all(waits));
        world.clock.advance(age);
        world.slots.relieve(world.clock.now());
        waiting.retain_mut(waits);
        assert_eq!((waiting.len(), world.counts(0).2 as usize), (expected, expected), "{name}");
    }
}

#[test]
fn what_waits_finds_out_that_its_hook_has_turned_slow() {
    let world = World::new();
    let mut running = world.firsts(0, Slots::MOST_OF_A_HOOK);
    let mut waiting: Vec<_> = (0..100).map(|_| world.first(0)).collect();
    assert!(waiting.iter_mut().all(waits));

    world.clock.advance(Duration::from_secs(15));
    running.pop().unwrap().took(Duration::from_secs(15));

    assert!(waiting.iter_mut().all(|it| answer(it) == "refused"), "one attempt later, all of them");
    assert_eq!(world.counts(0), (63, 63, 0));
}

#[test]
fn a_slow_hook_has_a_small_share_of_those_that_waited() {
    let world = World::new();
    world.set_pace(0, Duration::from_secs(3));
    let running = world.waiteds(0, Slots::MOST_OF_A_SLOW_HOOK);
    assert_eq!(answer(&mut world.waited(0)), "refused");
    drop(running);

    // Those count that have room and wait to begin.
    let others: Vec<_> = (1..10).flat_map(|hook| world.firsts(hook, 55)).collect();
    let rest = world.firsts(9, 5);
    let mut waiting: Vec<_> = (0..20).map(|_| world.waited(0)).collect();
    let answers: Vec<_> = waiting.iter_mut().map(answer).collect();
    assert_eq!(answers.iter().filter(|it| **it == "waits").count(), Slots::MOST_OF_A_SLOW_HOOK);
    assert_eq!(answers.iter().filter(|it| **it == "refused").count(), 4);
    drop((others, rest));
}

#[test]
fn a_hook_whose_attempts_become_fast_is_no_longer_slow() {
    let world = World::new();
    world.set_pace(0, Duration::from_secs(15));
    assert_eq!(answer(&mut world.first(0)), "refused");
    let mut fast = 0;
    while world.is_slow(0) {
        at_once(world.waited(0)).took(Duration::from_millis(5));
        fast += 1;
        assert!(fast < 10, "still slow");
    }
    assert!(fast > 1, "one swallow makes no summer");
    assert_eq!(answer(&mut world.first(0)), "goes");
}

#[test]
fn one_that_takes_long_among_many_does_not_make_a_hook_slow_for_long() {
    let world = World::new();
    world.set_pace(0, Duration::from_millis(5));
    at_once(world.first(0)).took(Duration::from_secs(15));
    assert!(world.is_slow(0), "of late it is");
    world.set_pace(0, Duration::from_millis(5));
    assert!(!world.is_slow(0));
}

#[test]
fn hooks_that_run_nothing_are_forgotten_slow_ones_too() {
    let world = World::new();
    world.set_pace(0, Duration::from_secs(3));
    let running = world.firsts(1, 1);
    for _ in 0..Slots::MOST_KNOWN {
        let _ = world.slots.for_first(HookId::random(), &world.clock).now_or_never();
    }
    assert!(world.is_slow(0), "one slow hook is worth remembering");
    assert_eq!(world.counts(1), (1, 1, 0), "and what runs has to be");
    drop(running);

    for _ in 0..2 * Slots::MOST_KNOWN {
        let slot = world.slots.for_first(HookId::random(), &world.clock).now_or_never();
        slot.flatten().unwrap().took(Duration::from_secs(3));
        assert!(world.slots.lanes.lock().unwrap().len() <= Slots::MOST_KNOWN);
    }
}

/// What can happen to attempts.
#[derive(Debug, Clone, Copy)]
enum Deed {
    AskFirst(usize),
    AskWaited(usize),
    /// Looks whether this one of those that ask has its turn.
    Look(usize),
    /// This one of those that ask goes away.
    GiveUp(usize),
    /// This one of those that run ends, after so long.
    End(usize, u64),
    Pass(u64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        3 => (0..3_usize).prop_map(Deed::AskFirst),
        3 => (0..3_usize).prop_map(Deed::AskWaited),
        6 => any::<usize>().prop_map(Deed::Look),
        2 => any::<usize>().prop_map(Deed::GiveUp),
        2 => (any::<usize>(), 0..4_000_u64).prop_map(|(which, took)| Deed::End(which, took)),
        1 => (0..3_000_u64).prop_map(Deed::Pass),
    ];
    vec(deed, 0..600)
}

fn small() -> World {
    let slots = Slots {
        all: Arc::new(Semaphore::new(50)),
        waited: Arc::new(Semaphore::new(20)),
        lanes: Mutex::default(),
    };
    World { slots, ..World::new() }
}

/// How many places nobody has, when all of them are taken.
fn free(take: impl FnMut() -> Option<SemaphoreGuardArc>) -> usize {
    std::iter::from_fn(take).collect::<Vec<_>>().len()
}

proptest! {
    /// However attempts come, wait, go away and end: all room is there again afterwards.
    #[test]
    fn no_room_is_ever_lost(deeds in deeds()) {
        let world = small();
        let (mut asking, mut running): (Vec<Asked<'_>>, Vec<Slot>) = (Vec::new(), Vec::new());
        for deed in deeds {
            match deed {
                Deed::AskFirst(hook) => asking.push(world.first(hook)),
                Deed::AskWaited(hook) => asking.push(world.waited(hook)),
                Deed::Look(which) if !asking.is_empty() => {
                    let which = which % asking.len();
                    if let Poll::Ready(slot) = poll(&mut asking[which]) {
                        drop(asking.swap_remove(which));
                        running.extend(slot);
                    }
                }
                Deed::GiveUp(which) if !asking.is_empty() => {
                    drop(asking.swap_remove(which % asking.len()));
                }
                Deed::End(which, took) if !running.is_empty() => {
                    running.swap_remove(which % running.len()).took(Duration::from_millis(took));
                }
                Deed::Pass(millis) => world.clock.advance(Duration::from_millis(millis)),
                Deed::Look(_) | Deed::GiveUp(_) | Deed::End(..) => {}
            }
            prop_assert!(running.len() <= 50);
        }
        // Whoever still asks is answered when those before it have ended: nothing waits in a circle.
        while !asking.is_empty() {
            running.clear();
            let before = asking.len();
            let mut left = Vec::new();
            for mut asked in asking {
                match poll(&mut asked) {
                    Poll::Ready(slot) => running.extend(slot),
                    Poll::Pending => left.push(asked),
                }
            }
            prop_assert!(left.len() < before, "{} wait for nothing", left.len());
            asking = left;
        }
        running.clear();
        for hook in 0..3 {
            prop_assert_eq!(world.counts(hook), (0, 0, 0));
            let lane = world.slots.lane(world.hooks[hook]);
            prop_assert_eq!(free(|| lane.free()), Slots::MOST_OF_A_HOOK);
        }
        prop_assert_eq!(free(|| world.slots.all.try_acquire_arc()), 50);
        prop_assert_eq!(free(|| world.slots.waited.try_acquire_arc()), 20);
    }
}

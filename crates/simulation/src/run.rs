//! One seed, one story: it goes wrong for a while, then comes to rest, and is judged.

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    actors, check,
    executor::{Endless, Executor},
    process,
    sabotage::Sabotage,
    tally::Tally,
    world::{Phase, Process, Role, World},
};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What it was decided by.
    pub seed: u64,
    /// The deliberate fault, where there is one.
    pub sabotage: Option<Sabotage>,
    /// The promises that were broken, for people.
    pub broken: Vec<String>,
    /// What happened.
    pub tally: Tally,
    /// All of it, a line each, where it was asked for.
    pub history: Vec<String>,
}

impl Outcome {
    /// The command that runs this again, and tells all of it.
    pub fn replay(&self) -> String {
        let sabotage = self.sabotage.map(|it| format!(" --sabotage {}", it.as_str()));
        let seed = self.seed;
        let sabotage = sabotage.unwrap_or_default();
        format!("cargo run -p simulation --bin simulate -- --seed {seed}{sabotage}")
    }
}

/// How many runs ended.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// How many runs there were.
    pub runs: u64,
    /// What happened in all of them together.
    pub tally: Tally,
    /// The first runs, by seed, that broke a promise.
    pub failed: Vec<Outcome>,
}

/// Runs one seed.
pub fn run(seed: u64, sabotage: Option<Sabotage>, has_history: bool) -> Outcome {
    let world = World::new(seed, sabotage, has_history);
    let story = catch_unwind(AssertUnwindSafe(|| tell(&world)));
    if let Err(panic) = story {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        world.lock().accuse(format!("panicked: {}", said.unwrap_or_default()));
    }
    let history = world.take_history();
    let state = &mut *world.lock();
    let broken = std::mem::take(&mut state.facts.broken);
    Outcome { seed, sabotage, broken, tally: state.tally, history }
}

fn tell(world: &World) {
    let mut executor = Executor::new(world);
    world.note(|_| format!("{:?}", world.profile()));
    let told = trouble(world, &mut executor);
    world.lock().tally.polls = executor.polls();
    let state = &mut *world.lock();
    if let Err(Endless) = told {
        state.accuse("it goes on without an end".to_owned());
    }
}

fn trouble(world: &World, executor: &mut Executor) -> Result<(), Endless> {
    for place in 1..=world.profile().dispatchers {
        process::start_dispatcher(world, Process::new(Role::Dispatcher, place));
    }
    act(world, actors::make_first_hooks(world.clone()));
    executor.run(|world| world.lock().actors == 0)?;

    for place in 1..=2 {
        act(world, actors::post(world.clone(), place));
        act(world, actors::administer(world.clone(), place));
    }
    act(world, actors::meddle(world.clone()));
    executor.run(|world| world.lock().actors == 0)?;

    executor.enter(Phase::Drain);
    executor.run(|_| false)?;
    check::at_the_end(&mut world.lock());
    if !world.lock().facts.broken.is_empty() {
        return Ok(());
    }

    executor.enter(Phase::Amends);
    act(world, actors::make_amends(world.clone()));
    executor.run(|_| false)?;
    check::after_amends(&mut world.lock());
    Ok(())
}

fn act(world: &World, deed: impl Future<Output = ()> + Send + 'static) {
    world.lock().actors += 1;
    world.spawn(Process::OUTSIDE, deed);
}

/// Runs these seeds on so many threads, each run in a world of its own.
pub fn run_many(seeds: Range<u64>, threads: usize, sabotage: Option<Sabotage>) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut summary = Summary::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return summary;
            }
            let outcome = run(seed, sabotage, false);
            summary.runs += 1;
            summary.tally += outcome.tally;
            if !outcome.broken.is_empty() {
                summary.failed.push(outcome);
            }
        }
    };
    let mut all = Summary::default();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let part = thread.join().expect("runs catch panics");
            all.runs += part.runs;
            all.tally += part.tally;
            all.failed.extend(part.failed);
        }
    });
    all.failed.sort_by_key(|it| it.seed);
    all
}

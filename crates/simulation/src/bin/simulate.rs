//! Runs many seeds and says how they went, or one seed and tells all that happened.

#![expect(clippy::print_stdout, reason = "a program that answers on its standard output")]

use std::{ops::Range, process::ExitCode, thread, time::Instant};

use clap::Parser;
use simulation::{Outcome, Sabotage, run, run_many};

/// Simulates event hooks in a world that goes wrong in every way it can.
#[derive(Parser)]
struct Arguments {
    /// Run this seed alone, and tell all that happened.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run so many seeds.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Undo one rule on purpose.
    #[arg(long, value_parser = |name: &str| Sabotage::parse(name).ok_or("no such sabotage"))]
    sabotage: Option<Sabotage>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_kept = match arguments.seed {
        Some(seed) => tell(&run(seed, arguments.sabotage, true)),
        None => sum_up(arguments.from..arguments.from + arguments.seeds, arguments.sabotage),
    };
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All that happened in one run.
fn tell(outcome: &Outcome) -> bool {
    outcome.history.iter().for_each(|line| println!("{line}"));
    println!("\n{}", outcome.tally);
    accuse(outcome);
    outcome.broken.is_empty()
}

fn sum_up(seeds: Range<u64>, sabotage: Option<Sabotage>) -> bool {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let began = Instant::now();
    let summary = run_many(seeds, threads, sabotage);
    summary.failed.iter().take(10).for_each(accuse);
    println!("{}", summary.tally);
    let (runs, failed) = (summary.runs, summary.failed.len());
    println!("{runs} seeds in {:.1?}, of which {failed} broke a promise", began.elapsed());
    failed == 0
}

fn accuse(outcome: &Outcome) {
    if !outcome.broken.is_empty() {
        println!("seed {} broke a promise; {}", outcome.seed, outcome.replay());
        outcome.broken.iter().for_each(|it| println!("  {it}"));
    }
}

//! Has the hot path grown? Instructions are counted, which stay the same on a machine that is busy,
//! and compared with a baseline that is kept beside this file.
//!
//! Each scenario runs in processes of its own under Callgrind: one that prepares and warms up, and
//! one that then does its deed some times more. The difference is the deed's, on all its threads.
//! What Callgrind wrote is kept, for `callgrind_annotate` to say where the instructions go.

mod scenarios;
mod counting;
mod baseline;
mod comparison;

use std::{env, error::Error, process::ExitCode};

use self::{baseline::Baseline, comparison::Comparison, scenarios::World};

/// Begins the command line of a process that is counted: scenario, how often, and where others are.
const ONE: &str = "--one";
/// The counts are to be the new baseline.
const STORE: &str = "--store";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [first, name, repeats, receiver, aws] = &*arguments
        && first == ONE
    {
        let world = World::new(receiver.clone(), aws.clone())?;
        scenarios::run(name, repeats.parse()?, &world);
    }
    let store = arguments.iter().any(|it| it == STORE);
    tokio::runtime::Runtime::new()?.block_on(check(store))
}

#[expect(clippy::print_stdout, reason = "whoever runs it is to know")]
async fn check(store: bool) -> Result<ExitCode, Box<dyn Error>> {
    let circumstances = counting::circumstances()?;
    let known = Baseline::read()?;
    if !store && let Some(difference) = known.differs_from(&circumstances) {
        println!("skipped: counting instructions, for {difference}");
        return Ok(ExitCode::SUCCESS);
    }
    let instructions = counting::count_all().await?;
    let comparison = Comparison::of(&known.instructions, &instructions);
    print!("{comparison}");
    if store {
        Baseline { circumstances, instructions }.write()?;
        println!("stored: the commit says why they are what they are");
        return Ok(ExitCode::SUCCESS);
    }
    print!("{}", comparison.advice());
    Ok(if comparison.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

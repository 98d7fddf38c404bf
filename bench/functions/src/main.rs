//! How do the functions start, how large are they, and what do they take? Runs the real programs, with
//! somebody in the place of Lambda and of AWS, and a function that does nothing beside them.

mod programs;
mod row;
mod usage;
mod size;
mod start;
mod memory;

use std::{error::Error, io::Write as _, path::PathBuf, process::ExitCode};

use clap::Parser;

use crate::programs::Programs;

/// What was measured, or why not, for a person to read.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Measures the functions, and writes what it found to `functions.json`.
#[derive(Debug, Parser)]
struct Options {
    /// Where the programs are: `admin`, `ingest`, `dispatcher` and `hello`, as `cargo build` makes
    /// them or as `cargo lambda build` does.
    #[arg(long, default_value = "target/lambda", value_name = "FOLDER")]
    programs: PathBuf,
    /// Where results are written.
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    folder: PathBuf,
    /// How often each start is measured.
    #[arg(long, default_value_t = 25, value_name = "NUMBER")]
    rounds: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "functions: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> Result<()> {
    let programs = Programs::in_folder(&options.programs)?;
    let mut rows = size::measure(&programs)?;
    rows.extend(start::measure(&programs, options.rounds.max(1)).await?);
    rows.extend(memory::measure(&programs).await?);
    let mut out = std::io::stdout().lock();
    for row in &rows {
        writeln!(out, "{row}")?;
    }
    row::write(&options.folder, "functions", &rows)
}

//! What does the system do on this machine? Starts the real binary, puts load on it, and compares
//! it with something bare that does less, in the same run.
//!
//! `bench all` takes about five minutes; each section can be run alone, and writes what it
//! found to target/bench, from where `bench report` makes docs/benchmarks.md.

mod failure;
mod plan;
mod moment;
mod message;
mod client;
mod guard;
mod child;
mod spread;
mod row;
mod page;
mod event;
mod load;
mod disk;
mod receiver;
mod echo;
mod dial;
mod system;
mod fill;
mod accept;
mod deliver;
mod latency;
mod overload;
mod memory;
mod scaling;
mod start;
mod micro;
mod report;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{failure::Result, row::Row, system::Bench};

/// Prints a line. Whoever closed the pipe does not want it.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, $($text)*).and_then(|()| out.flush());
    }};
}
pub(crate) use say;

/// Measures Event Hooks.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How fast are events accepted?
    Accept(Options),
    /// How fast are they delivered?
    Deliver(Options),
    /// How soon is an event with its receiver?
    Latency(Options),
    /// What becomes of ten times as many as can be delivered?
    Overload(Options),
    /// How much memory does it take?
    Memory(Options),
    /// What does it cost to have many hooks, or a long log?
    Scaling(Options),
    /// How long does it take to start, and how large is it?
    Start(Options),
    /// What did criterion find of templates, Lua and gates?
    Micro(Options),
    /// All of these, one after the other
    All(Options),
    /// Write docs/benchmarks.md of what was measured
    Report(Report),
    /// Run a program until the input ends
    #[command(hide = true)]
    Guard {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        program: Vec<OsString>,
    },
    /// Say how long bodies are
    #[command(hide = true)]
    Echo,
    /// Receive webhooks
    #[command(hide = true)]
    Receiver,
    /// Send what was received before again and again
    #[command(hide = true)]
    Dial(dial::Dial),
}

/// How it is measured.
#[derive(Debug, Clone, Args)]
struct Options {
    /// The binary that is measured.
    #[arg(long, default_value = "target/release/event-hooks", value_name = "FILE")]
    binary: PathBuf,
    /// Where results are written, and data folders are made while it runs.
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    folder: PathBuf,
    /// How often each ratio is taken.
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    rounds: usize,
    /// Show what the binary logs.
    #[arg(long)]
    log: bool,
}

/// What is made of it.
#[derive(Debug, Clone, Args)]
struct Report {
    /// Where results are.
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    folder: PathBuf,
    /// The page.
    #[arg(long, default_value = "docs/benchmarks.md", value_name = "FILE")]
    page: PathBuf,
}

impl From<Options> for Bench {
    fn from(options: Options) -> Self {
        let Options { binary, folder, rounds, log } = options;
        Self { binary, folder, rounds: rounds.max(1), shows_log: log }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    // Who is measured and what it is compared with have a thread for each processor; who measures
    // has one.
    let one = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let many = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let (sections, options) = match command {
        Command::Guard { program } => return guard::run(&program),
        Command::Receiver => return one()?.block_on(receiver::serve()),
        Command::Echo => return many()?.block_on(echo::serve()),
        Command::Dial(dial) => return many()?.block_on(dial::dial(dial)),
        Command::Report(Report { folder, page }) => return report::report(&folder, &page),
        Command::All(options) => (Section::ALL.to_vec(), options),
        Command::Accept(options) => (vec![Section::Accept], options),
        Command::Deliver(options) => (vec![Section::Deliver], options),
        Command::Latency(options) => (vec![Section::Latency], options),
        Command::Overload(options) => (vec![Section::Overload], options),
        Command::Memory(options) => (vec![Section::Memory], options),
        Command::Scaling(options) => (vec![Section::Scaling], options),
        Command::Start(options) => (vec![Section::Start], options),
        Command::Micro(options) => (vec![Section::Micro], options),
    };
    let bench = options.into();
    one()?.block_on(async {
        tokio::select! {
            measured = measure(&sections, &bench) => measured,
            stopped = stopped() => stopped,
        }
    })
}

/// A section, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Accept,
    Deliver,
    Latency,
    Overload,
    Memory,
    Scaling,
    Start,
    Micro,
}

impl Section {
    /// In this order: some go by what those before them found.
    const ALL: [Self; 8] = [
        Self::Accept,
        Self::Deliver,
        Self::Latency,
        Self::Overload,
        Self::Memory,
        Self::Scaling,
        Self::Start,
        Self::Micro,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Deliver => "deliver",
            Self::Latency => "latency",
            Self::Overload => "overload",
            Self::Memory => "memory",
            Self::Scaling => "scaling",
            Self::Start => "start",
            Self::Micro => "micro",
        }
    }

    async fn measure(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::Accept => accept::measure(bench).await,
            Self::Deliver => deliver::measure(bench).await,
            Self::Latency => latency::measure(bench).await,
            Self::Overload => overload::measure(bench).await,
            Self::Memory => memory::measure(bench).await,
            Self::Scaling => scaling::measure(bench).await,
            Self::Start => start::measure(bench).await,
            Self::Micro => micro::measure(bench, &criterion()).await,
        }
    }
}

/// Where criterion keeps what it finds.
fn criterion() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    target.join("criterion")
}

async fn measure(sections: &[Section], bench: &Bench) -> Result<()> {
    for section in sections {
        let began = std::time::Instant::now();
        let name = section.name();
        let rows = section.measure(bench).await.map_err(|failure| format!("{name}: {failure}"))?;
        show(&rows);
        say!("({name} took {:.0} s)\n", began.elapsed().as_secs_f64());
        row::write(&bench.folder, name, &rows)?;
    }
    Ok(())
}

fn show(rows: &[Row]) {
    for row in rows {
        let Row { section, what, goal, unit, reached, note, .. } = row;
        let [least, median, most] = [row.least, row.median, row.most].map(page::figure);
        let reached = reached.map_or("", |it| if it { "reached" } else { "missed" });
        say!("{section}: {what}: {median} {unit} ({least} to {most}) {goal} {reached}\n    {note}");
    }
}

/// Ends the measurement, and with it everything that was started for it, when it is asked to.
async fn stopped() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => (),
        _ = terminate.recv() => (),
    }
    Err("stopped".into())
}

//! How long does the process take to start, and how large is it?

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    client,
    failure::Result,
    plan::STARTS,
    row::Row,
    spread::Spread,
    system::{Bench, System},
};

const SECTION: &str = "Start";

/// Measures both.
pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut times = Vec::new();
    let mut floors = Vec::new();
    for _ in 0..STARTS {
        let data = bench.data()?;
        floors.push(milliseconds(started_and_ended(bench)?));
        let began = Instant::now();
        let system = System::start(bench, data.path(), &[]).await?;
        client::ask(system.address, "GET", "/status", None).await?;
        times.push(milliseconds(began.elapsed()));
    }
    let floor = Spread::of(floors).median;
    #[expect(clippy::cast_precision_loss, reason = "no file has 2^53 bytes")]
    let megabytes = fs::metadata(&bench.binary)?.len() as f64 / 1e6;
    Ok(vec![
        Row::new(SECTION, "from exec to the first answer of /status", Spread::of(times), "ms").note(
            format!(
                "on an empty folder, a database made and an answer that waits for the disk included, \
                 and the process between that ends it with the benchmark; `--version` takes {floor:.1} ms; \
                 {STARTS} starts"
            ),
        ),
        Row::new("Size", "the binary of the local process", Spread::of([megabytes]), "MB")
            .note("as it is built, not packed"),
    ])
}

/// The same program, when all it does is to say its version.
fn started_and_ended(bench: &Bench) -> Result<Duration> {
    let began = Instant::now();
    let status = Command::new(&bench.binary).arg("--version").stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("{} --version fails", bench.binary.display()).into());
    }
    Ok(began.elapsed())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

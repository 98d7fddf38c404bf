//! How many instructions does a scenario take?

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use awskit::fake::FakeAws;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use testkit::receiver::Receiver;

use crate::{
    ONE,
    scenarios::{SCENARIOS, Scenario},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many scenarios run side by side.
const AT_ONCE: usize = 2;

/// What counts depend on besides our code: who compiled it, and what of it comes from the machine.
pub(crate) fn circumstances() -> Result<BTreeMap<String, String>> {
    let rustc = said(&env::var("RUSTC").unwrap_or_else(|_| "rustc".into()), "-vV")?;
    let of_rustc = |what: &str| {
        let line = rustc.lines().find_map(|it| it.strip_prefix(what));
        line.unwrap_or("unknown").to_owned()
    };
    let first_line = |text: String| text.lines().next().unwrap_or("unknown").to_owned();
    // SQLite is C, and ring in part; memory is libc's, and how it is copied.
    let cc = env::var("CC").unwrap_or_else(|_| "cc".into());
    let circumstances = [
        ("rustc", of_rustc("release: ")),
        ("target", of_rustc("host: ")),
        ("C compiler", first_line(said(&cc, "--version")?)),
        ("libc", first_line(said("ldd", "--version")?)),
        ("valgrind", first_line(said("valgrind", "--version")?)),
        ("processor", processor().to_owned()),
    ];
    Ok(circumstances.map(|(what, it)| (what.to_owned(), it)).into())
}

/// What code is told that asks which instructions there are: Valgrind knows none beyond these.
#[cfg(target_arch = "x86_64")]
fn processor() -> &'static str {
    if is_x86_feature_detected!("avx2") { "with AVX2" } else { "without AVX2" }
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> &'static str {
    env::consts::ARCH
}

fn said(program: &str, argument: &str) -> Result<String> {
    let output = Command::new(program).arg(argument).output();
    let output = output.map_err(|error| format!("{program} does not run: {error}"))?;
    Ok(String::from_utf8(output.stdout)?)
}

/// The counts of all scenarios.
pub(crate) async fn count_all() -> Result<BTreeMap<String, u64>> {
    // Whom scenarios talk to is not counted, and so lives here.
    let (receiver, aws) = (Receiver::http().await, FakeAws::start().await);
    let urls = &[receiver.url(), aws.url()];
    let folder = &folder()?;
    let counts = stream::iter(SCENARIOS).map(async |scenario| {
        let prepared = instructions(scenario, 0, urls, folder).await?;
        let done = instructions(scenario, scenario.repeats, urls, folder).await?;
        let deeds = done.checked_sub(prepared).ok_or("doing nothing took longer")?;
        Ok((scenario.name.to_owned(), deeds / u64::from(scenario.repeats)))
    });
    counts.buffer_unordered(AT_ONCE).try_collect().await
}

/// Where everything is kept that Callgrind writes: `counts` in the target folder.
fn folder() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("a bench is in target/PROFILE/deps")?;
    let folder = target.join("counts");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What it takes to prepare a scenario and do its deed so often.
async fn instructions(
    scenario: &Scenario,
    repeats: u32,
    urls: &[String],
    folder: &Path,
) -> Result<u64> {
    let name = scenario.name.replace(' ', "-");
    let written = folder.join(if repeats == 0 { name + ".prepared" } else { name + ".out" });
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(&written);
    let mut valgrind = tokio::process::Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]).arg(out).arg(env::current_exe()?);
    valgrind.args([ONE, scenario.name, &repeats.to_string()]).args(urls).kill_on_drop(true);
    if !valgrind.status().await?.success() {
        return Err(format!("'{}' does not run under Callgrind", scenario.name).into());
    }
    let text = fs::read_to_string(&written)?;
    let total = text.lines().find_map(|it| it.strip_prefix("totals: "));
    Ok(total.ok_or("Callgrind wrote no totals")?.trim().parse()?)
}

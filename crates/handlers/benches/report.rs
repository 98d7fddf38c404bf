//! Writes docs/benchmarks.md: what criterion measured last, beside what was to be reached, and how
//! much memory it takes.

#![expect(clippy::print_stdout, reason = "it is for people to read")]

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    io::sink,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use handlers::{
    AllHandlers, LogSink,
    egress::{Egress, Policy},
    sandbox::{Job, Owner, Sandbox, SandboxConfig},
    signature::SignatureAlgorithm,
};
use hooks::{
    handler::{Handler, Headers, WebhookCustom},
    hook::{Draft, EventHook},
    id::HookId,
    ports::{Handlers as _, Run},
    secret::Signing,
    target_url::TargetUrl,
};
use serde_json::{Value, json};
use testkit::builders::{START, delivery, draft, event, hook};

/// What is looked for among criterion's results, what it is, and what is to be reached, in
/// nanoseconds.
const GOALS: [(&str, &str, f64); 5] = [
    ("resty slack text, render", "the Slack example's text, three paths", 1e3),
    ("resty payload of five strings, render", "a payload of five strings, paths only", 3e3),
    (
        "a template with a loop and a method, with 2 KB of data",
        "a template with Lua, 2 KB of data, fresh state and worker included",
        300e3,
    ),
    (
        "the reference's sample, with 2 KB of data",
        "the reference's lambda sample, 2 KB of data, fresh state and worker included",
        300e3,
    ),
    (
        "restart/of a worker, and the sample",
        "the sample right after its worker was killed, restart included",
        5e6,
    ),
];

/// A result of criterion's.
struct Measured {
    name: String,
    /// The least and the median, in nanoseconds for one.
    least: f64,
    median: f64,
    samples: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let measured = measured(&target(&root).join("criterion"))?;
    if measured.is_empty() {
        return Err("nothing was measured yet: make bench".into());
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let page = page(&measured, &runtime.block_on(memory())?)?;
    fs::write(root.join("docs/benchmarks.md"), &page)?;
    println!("{page}");
    Ok(())
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Everything below this folder, by name.
fn measured(folder: &Path) -> Result<Vec<Measured>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let inside = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        folders.extend(inside.map(|it| it.path()).filter(|it| it.is_dir()));
        if folder.ends_with("new") {
            found.push(read(&folder)?);
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn read(folder: &Path) -> Result<Measured, Box<dyn Error>> {
    let json = |name: &str| -> Result<Value, Box<dyn Error>> {
        Ok(serde_json::from_slice(&fs::read(folder.join(name))?)?)
    };
    let sample = json("sample.json")?;
    let numbers = |of: &str| -> Vec<f64> {
        sample[of].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let (iterations, times) = (numbers("iters"), numbers("times"));
    let mut each: Vec<_> =
        times.iter().zip(&iterations).map(|(time, count)| time / count).collect();
    each.sort_by(f64::total_cmp);
    Ok(Measured {
        name: json("benchmark.json")?["full_id"].as_str().unwrap_or_default().to_owned(),
        least: *each.first().ok_or("an empty sample")?,
        median: each[each.len() / 2],
        samples: each.len(),
    })
}

/// Lines about memory.
async fn memory() -> Result<Vec<(String, String)>, Box<dyn Error>> {
    const HOOKS: u32 = 1_000;

    let program = env!("CARGO_BIN_EXE_lua-worker").into();
    let sandbox = Sandbox::new(SandboxConfig { program, ..SandboxConfig::default() });
    let sources = ["return function(data) return data end".to_owned()];
    let data = json!({"x": "x".repeat(2_000)});
    for _ in 0..100 {
        let job = Job::Functions {
            sources: (&sources[..]).into(),
            data: &data,
            event: None,
            source: "crud".into(),
            pid: 1,
        };
        sandbox.run(Owner(1), job).await?;
    }
    let workers: Vec<_> = sandbox.idle_workers().into_iter().filter_map(resident).collect();
    let worker = workers.iter().max().copied().ok_or("no worker")?;

    let egress = Egress::new(Policy::new(Vec::new()), Duration::from_secs(1))?;
    let log = LogSink::json(Box::new(sink()));
    let handlers = AllHandlers::new(Arc::new(egress), SignatureAlgorithm::Sha1, log, sandbox);
    render(&handlers, 1).await?;
    let before = resident(std::process::id()).ok_or("no resident memory")?;
    render(&handlers, HOOKS).await?;
    let grown = resident(std::process::id()).unwrap_or(before).saturating_sub(before);
    Ok(vec![
        ("a worker of the sandbox, resident, after 100 runs".into(), format!("{worker} KiB")),
        (
            format!("{HOOKS} hooks with the Slack payload, compiled and kept"),
            format!("{grown} KiB more than with one"),
        ),
    ])
}

/// Has so many different hooks compiled and rendered; their requests go nowhere.
async fn render(handlers: &AllHandlers, count: u32) -> Result<(), Box<dyn Error>> {
    let payload = json!({
        "text": "Admin account `{{ entity.username }}` {{ operation }}d; email address set to \
                 `{{ entity.email }}`",
        "title": "{{ schema }} {{ operation }}d", "footer": "{{ source }}/{{ event }}",
    });
    let custom = WebhookCustom {
        url: TargetUrl::parse("http://10.0.0.1/")?,
        method: "POST".to_owned(),
        headers: Headers::new(),
        headers_format: false,
        payload: payload.as_object().cloned(),
        payload_format: true,
        body: None,
        body_format: true,
        signing: Signing::default(),
        ssl_verify: true,
        template_engine: None,
    };
    let (event, delivery) = (event(), delivery().id());
    for _ in 0..count {
        let handler = Handler::WebhookCustom(Box::new(custom.clone()));
        let hook =
            EventHook { id: HookId::random(), draft: Draft { handler, ..draft() }, ..hook() };
        let name = Some(&event.event);
        handlers.run(Run { hook: &hook, event: &event, name, delivery, at: START }).await;
    }
    Ok(())
}

/// The resident memory of a process, in KiB.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().split(' ').next()?.parse().ok()
}

fn page(measured: &[Measured], memory: &[(String, String)]) -> Result<String, Box<dyn Error>> {
    let mut page = String::from(
        "# Benchmarks\n\n\
         `make bench` measures and writes this page; nothing on it is written by hand. Each figure is the\n\
         time for one, from the samples that criterion took: the least of them is nearest to what the\n\
         code takes, the median to what is felt on a machine that has other things to do.\n\n",
    );
    writeln!(page, "{}\n", machine())?;
    writeln!(page, "| what | to be reached | least | median | reached |\n|---|---|---|---|---|")?;
    for (name, what, goal) in GOALS {
        let found = measured.iter().find(|it| it.name == name);
        let found = found.ok_or_else(|| format!("'{name}' was not measured: make bench"))?;
        let reached = match () {
            () if found.median <= goal => "yes",
            () if found.least <= goal => "by the least only",
            () => "no",
        };
        writeln!(
            page,
            "| {what} | ≤ {} | {} | {} | {reached} |",
            shown(goal),
            shown(found.least),
            shown(found.median)
        )?;
    }
    writeln!(page, "\n| memory | |\n|---|---|")?;
    for (what, size) in memory {
        writeln!(page, "| {what} | {size} |")?;
    }
    writeln!(page, "\nEverything that was measured:\n")?;
    writeln!(page, "| benchmark | least | median | samples |\n|---|---|---|---|")?;
    for Measured { name, least, median, samples } in measured {
        writeln!(page, "| {name} | {} | {} | {samples} |", shown(*least), shown(*median))?;
    }
    Ok(page)
}

fn shown(nanos: f64) -> String {
    match nanos {
        it if it < 1e3 => format!("{it:.0} ns"),
        it if it < 1e6 => format!("{:.2} µs", it / 1e3),
        it => format!("{:.2} ms", it / 1e6),
    }
}

/// On what, when, and of which source.
fn machine() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.and_then(|it| String::from_utf8(it.stdout).ok()).unwrap_or_default();
        text.trim().to_owned()
    };
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("?");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<_> = load.split(' ').take(3).collect();
    format!(
        "Measured on {} at commit {}: {model}, {} processors, {}, {}; load averages {}.",
        said("date", &["-u", "+%Y-%m-%d"]),
        said("git", &["rev-parse", "--short", "HEAD"]),
        std::thread::available_parallelism().map_or(0, usize::from),
        said("uname", &["-sr"]),
        said("rustc", &["--version"]),
        load.join(" "),
    )
}

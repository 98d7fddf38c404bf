//! How long does a run take, and how large is a worker?
//!
//! Each figure is the least, the median and the 99th percentile of many runs, one after the
//! other: fresh state, worker and pipes included.

#![expect(clippy::print_stdout, reason = "it is for people to read")]

use std::{
    error::Error,
    fs,
    time::{Duration, Instant},
};

use handlers::lambda::{Chunk, FailureKind, Job, Owner, Ran, Sandbox, SandboxConfig};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lua-worker");

const SAMPLE: &str = "\
return function (data, event, source, pid)
  local user = data.entity.username
  error(\"Event hook on consumer \" .. user .. \"\")
end";

const POST: &str = "\
return function(data, event, source, pid)
  local cjson = require('cjson')
  kong.log.notice('consumer ', data.entity.username)
  return cjson.encode({text = string.format('%s was changed', data.entity.username), data = data})
end";

const TEMPLATE: &str = "\
return function(context)
  local parts = {}
  for _, tag in ipairs(context.entity.tags) do
    parts[#parts + 1] = tag .. ' '
  end
  return 'Hello ' .. context.entity.username .. ': ' .. table.concat(parts)
end";

/// An event of 2 KB.
fn event() -> Value {
    let tags: Vec<_> = (0..20).map(|it| format!("tag-{it:02}")).collect();
    let items: Vec<_> = (0..17)
        .map(|it| json!({"id": format!("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb{it:02}"), "n": it, "on": true}))
        .collect();
    json!({
        "entity": {
            "id": "3c9ab3f1-3f3e-4c6b-9b7e-1b1d3c5c7d9e", "username": "Lois Lane",
            "custom_id": null, "created_at": 1_627_595_574, "tags": tags, "items": items,
            "notes": "x".repeat(480),
        },
        "operation": "create", "schema": "consumers",
    })
}

fn functions<'a>(sources: &'a [String], data: &'a Value) -> Job<'a, &'a Value> {
    Job::Functions {
        sources: sources.into(),
        data,
        event: Some("consumers".into()),
        source: "crud".into(),
        pid: 1,
    }
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    println!("{name:60} {:8} {:8} {:8} µs", at(0), at(50), at(99));
}

async fn time(
    name: &str,
    count: usize,
    sandbox: &Sandbox,
    job: Job<'_, &Value>,
    fits: fn(&Ran) -> bool,
) -> Result<(), Box<dyn Error>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        let ran = sandbox.run(Owner(1), job.clone()).await?;
        times.push(start.elapsed());
        assert!(fits(&ran), "{ran:?}");
    }
    report(name, times);
    Ok(())
}

fn resident(process: u32) -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = SandboxConfig { program: PROGRAM.into(), ..SandboxConfig::default() };
    let sandbox = Sandbox::new(config);
    let data = event();
    println!("event of {} bytes", data.to_string().len());
    println!("{:60} {:>8} {:>8} {:>8}", "", "min", "median", "p99");

    let [nothing, sample, post] = ["return function() end", SAMPLE, POST].map(|it| [it.to_owned()]);
    let small = json!({});
    time("nothing", 5_000, &sandbox, functions(&nothing, &small), |it| it.failure.is_none())
        .await?;
    time("nothing, with 2 KB of data", 5_000, &sandbox, functions(&nothing, &data), |it| {
        it.failure.is_none()
    })
    .await?;
    time(
        "the reference's sample, with 2 KB of data",
        5_000,
        &sandbox,
        functions(&sample, &data),
        |it| it.failure.as_ref().is_some_and(|it| it.kind == FailureKind::Raised),
    )
    .await?;
    time(
        "a log line and cjson.encode, with 2 KB of data",
        5_000,
        &sandbox,
        functions(&post, &data),
        |it| it.failure.is_none(),
    )
    .await?;
    let chunks = [Chunk { name: "config.body".into(), source: TEMPLATE.into() }];
    let template = Job::Templates { chunks: (&chunks[..]).into(), context: &data };
    time("a template of Lua, with 2 KB of data", 5_000, &sandbox, template.clone(), |it| {
        it.failure.is_none()
    })
    .await?;

    // As the idle system sees it: the next state is ready when the event comes.
    let mut times = Vec::new();
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let start = Instant::now();
        sandbox.run(Owner(1), functions(&sample, &data)).await?;
        times.push(start.elapsed());
    }
    report("the reference's sample, now and then", times);

    println!("worker after 25,000 runs: {} resident", resident(sandbox.idle_workers()[0])?);

    // With a single worker, for else another one is ready while it restarts.
    let single = SandboxConfig { program: PROGRAM.into(), workers: 1, ..SandboxConfig::default() };
    let sandbox = Sandbox::new(single);
    let endless = ["while true do end".to_owned()];
    let mut restarts = Vec::new();
    for _ in 0..20 {
        sandbox.run(Owner(1), functions(&endless, &small)).await?;
        let start = Instant::now();
        sandbox.run(Owner(1), functions(&sample, &data)).await?;
        restarts.push(start.elapsed());
    }
    report("restart of a worker, and the sample", restarts);
    println!("fresh worker: {} resident", resident(sandbox.idle_workers()[0])?);
    Ok(())
}

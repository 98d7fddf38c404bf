//! How long does a run take, and how large is a worker?
//!
//! Every run gets a state that was never used before; worker and pipes are part of it. Beside
//! criterion's figures stand the least, the median and the 99th percentile of single runs, and the
//! processor time that one takes: of this process, and of its workers with the making of states.

#![expect(clippy::print_stdout, reason = "it is for people to read")]

use std::{
    fs,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use handlers::{
    sandbox::{FailureKind, Job, Owner, Ran, Sandbox, SandboxConfig},
    template::{Compiled, Dialect},
};
use nix::{
    time::{ClockId, clock_gettime},
    unistd::Pid,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

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
Hello {{ entity.username:upper() }}:
{% for at, tag in ipairs(entity.tags) do %}
{{ at }}. {{ tag }}
{% end %}
{{ #entity.items .. ' items' }}, {{ entity.notes }}";

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

/// A job, and whether it ended as it should.
type Work = (Job<'static, &'static Value>, fn(&Ran) -> bool);

fn function(source: &str, data: &'static Value, fits: fn(&Ran) -> bool) -> Work {
    let job = Job::Functions {
        sources: vec![source.to_owned()].into(),
        data,
        event: Some("consumers".into()),
        source: "crud".into(),
        pid: 1,
    };
    (job, fits)
}

fn succeeded(ran: &Ran) -> bool {
    ran.failure.is_none()
}

fn raised(ran: &Ran) -> bool {
    ran.failure.as_ref().is_some_and(|it| it.kind == FailureKind::Raised)
}

fn sandbox(workers: usize) -> Sandbox {
    let program = env!("CARGO_BIN_EXE_lua-worker").into();
    Sandbox::new(SandboxConfig { program, workers, ..SandboxConfig::default() })
}

async fn run(sandbox: &Sandbox, (job, fits): &Work) -> Duration {
    let start = Instant::now();
    let ran = sandbox.run(Owner(1), job.clone()).await.expect("a worker is there");
    let took = start.elapsed();
    assert!(fits(&ran), "{ran:?}");
    took
}

/// Processor time so far: of this process, and of those workers.
fn cpu(workers: &[u32]) -> [Duration; 2] {
    let used = |clock| clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    let clock = |it: &u32| ClockId::pid_cpu_clock_id(Pid::from_raw((*it).try_into().ok()?)).ok();
    let workers = workers.iter().filter_map(clock).map(used).sum();
    [used(ClockId::CLOCK_PROCESS_CPUTIME_ID), workers]
}

fn report(mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    println!(
        "single runs: least {} µs, median {} µs, 99th percentile {} µs",
        at(0),
        at(50),
        at(99)
    );
}

/// One run after the other.
fn measure(criterion: &mut Criterion, runtime: &Runtime, name: &str, work: &Work) {
    let sandbox = sandbox(2);
    let mut times = Vec::new();
    let mut used = [Duration::ZERO; 2];
    criterion.bench_function(name, |bench| {
        bench.iter_custom(|count| {
            let (sandbox, work) = (sandbox.clone(), work.clone());
            let runs = async move {
                // As deliveries do, on the runtime's own threads.
                let warm = run(&sandbox, &work).await;
                tokio::time::sleep(20 * warm.min(Duration::from_millis(1))).await;
                let workers = sandbox.idle_workers();
                let before = cpu(&workers);
                let mut times = Vec::new();
                for _ in 0..count {
                    times.push(run(&sandbox, &work).await);
                }
                let after = cpu(&workers);
                (times, [0, 1].map(|at| after[at].saturating_sub(before[at])))
            };
            let (new, cpu) = runtime.block_on(runtime.spawn(runs)).expect("it does not panic");
            let sum = new.iter().sum();
            times.extend(new);
            used = [used[0] + cpu[0], used[1] + cpu[1]];
            sum
        });
    });
    // Another one was asked for.
    if times.is_empty() {
        return;
    }
    let each = used.map(|it| it.as_micros() / times.len() as u128);
    report(times);
    println!("processor time of a run: {} µs here, {} µs in workers", each[0], each[1]);
    let sizes: Vec<_> = sandbox.idle_workers().into_iter().map(resident).collect();
    println!("resident memory of the workers: {}", sizes.join(", "));
}

fn runs(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let small = &*Box::leak(Box::new(json!({})));
    let data = &*Box::leak(Box::new(event()));
    println!("event of {} bytes", data.to_string().len());

    let template = Compiled::new(Dialect::Resty, TEMPLATE).expect("it is a template");
    let chunk = template.lua().expect("there is Lua in it").to_owned();
    let template = Job::Templates { chunks: vec![chunk.into()], context: data };
    for (name, work) in [
        ("nothing", function("return function() end", small, succeeded)),
        ("nothing, with 2 KB of data", function("return function() end", data, succeeded)),
        ("the reference's sample, with 2 KB of data", function(SAMPLE, data, raised)),
        ("a log line and cjson.encode, with 2 KB of data", function(POST, data, succeeded)),
        ("a template with a loop and a method, with 2 KB of data", (template, succeeded)),
    ] {
        measure(criterion, &runtime, name, &work);
    }
}

/// With a single worker, for else another one is ready while it restarts.
fn restart(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let data = &*Box::leak(Box::new(event()));
    let endless = function("while true do end", data, |it| it.failure.is_some());
    let sample = function(SAMPLE, data, raised);
    let sandbox = sandbox(1);
    let mut times = Vec::new();
    let mut group = criterion.benchmark_group("restart");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    group.bench_function("of a worker, and the sample", |bench| {
        bench.iter_custom(|count| {
            let (sandbox, endless, sample) = (sandbox.clone(), endless.clone(), sample.clone());
            let runs = async move {
                let mut times = Vec::new();
                for _ in 0..count {
                    run(&sandbox, &endless).await;
                    times.push(run(&sandbox, &sample).await);
                }
                times
            };
            let new = runtime.block_on(runtime.spawn(runs)).expect("it does not panic");
            let sum = new.iter().sum();
            times.extend(new);
            sum
        });
    });
    group.finish();
    report(times);
}

fn resident(process: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    line.unwrap_or("unknown").trim().to_owned()
}

criterion_group!(benches, runs, restart);
criterion_main!(benches);

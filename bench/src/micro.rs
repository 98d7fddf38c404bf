//! What take the parts that were measured by criterion: templates, Lua, gates? And how much memory
//! have those that are kept?

use std::{fs, io::sink, path::Path, sync::Arc, time::Duration};

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

use crate::{
    child,
    failure::Result,
    row::{Goal, Row},
    spread::{self, Spread},
    system::Bench,
};

/// What is looked for among criterion's results, what it is, and what is to be reached, in
/// microseconds.
const WANTED: [(&str, &str, Goal); 9] = [
    ("resty slack text, render", "the Slack example's text, three paths", Goal::AtMost(1.0)),
    ("resty payload of five strings, render", "a payload of five strings, paths only", Goal::None),
    ("handlebars slack text, render", "the Slack example's text in Handlebars", Goal::None),
    (
        "a template with a loop and a method, with 2 KB of data",
        "a template with Lua, 2 KB of data, fresh state and worker included",
        Goal::AtMost(300.0),
    ),
    (
        "the reference's sample, with 2 KB of data",
        "the reference's lambda sample, 2 KB of data, fresh state and worker included",
        Goal::AtMost(300.0),
    ),
    (
        "restart/of a worker, and the sample",
        "the sample right after its worker was killed, restart included",
        Goal::None,
    ),
    ("gate/snooze and on_change, in memory", "a gate's decision, the rules alone", Goal::None),
    ("gate/snoozed, remembered", "a snoozed event, its gate's memory read", Goal::None),
    (
        "gate/changed, remembered",
        "an event that passes, its gate's memory read and written",
        Goal::None,
    ),
];

/// Reads what criterion found last, and measures memory.
pub(crate) async fn measure(bench: &Bench, criterion: &Path) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, what, goal) in WANTED {
        let times = times(criterion, name)?;
        let spread = Spread {
            most: spread::quantile(&mut times.clone(), 0.95),
            ..Spread::of(times.clone())
        };
        let note = format!("{} samples; the most is what 95 % stay below", times.len());
        rows.push(Row::new("Parts", what, spread, "µs").goal(goal).note(note));
    }
    rows.extend(memory(bench).await?);
    Ok(rows)
}

/// How many microseconds one took, by sample.
fn times(criterion: &Path, name: &str) -> Result<Vec<f64>> {
    let folder = found(criterion, name).ok_or_else(|| {
        format!("criterion has no result named '{name}' below {}", criterion.display())
    })?;
    let sample: Value = serde_json::from_slice(&fs::read(folder.join("sample.json"))?)?;
    let numbers = |of: &str| -> Vec<f64> {
        sample[of].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    };
    let (iterations, nanoseconds) = (numbers("iters"), numbers("times"));
    Ok(nanoseconds.iter().zip(&iterations).map(|(time, count)| time / count / 1e3).collect())
}

/// The folder with the last results of this name.
fn found(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    let inside = fs::read_dir(folder).ok()?.filter_map(std::result::Result::ok);
    for folder in inside.map(|it| it.path()).filter(|it| it.is_dir()) {
        if folder.ends_with("new") {
            let text = fs::read(folder.join("benchmark.json")).ok()?;
            let benchmark: Value = serde_json::from_slice(&text).ok()?;
            if benchmark["full_id"] == name {
                return Some(folder);
            }
        } else if let Some(found) = found(&folder, name) {
            return Some(found);
        }
    }
    None
}

async fn memory(bench: &Bench) -> Result<Vec<Row>> {
    const HOOKS: u32 = 1_000;
    const RUNS: u32 = 100;

    let program = std::path::absolute(&bench.binary)?.into_os_string();
    let sandbox = Sandbox::new(SandboxConfig { program, ..SandboxConfig::default() });
    let sources = ["return function(data) return data end".to_owned()];
    let data = json!({"x": "x".repeat(2_000)});
    for _ in 0..RUNS {
        let job = Job::Functions {
            sources: (&sources[..]).into(),
            data: &data,
            event: None,
            source: "crud".into(),
            pid: 1,
        };
        sandbox.run(Owner(1), job).await?;
    }
    // A worker that has run makes its next state first.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let workers: Vec<_> = sandbox.idle_workers().into_iter().map(child::usage).collect();
    let workers = workers.into_iter().collect::<Result<Vec<_>>>()?;
    let worker =
        workers.iter().map(|it| it.resident).max().ok_or("no worker of the sandbox is idle")?;

    let egress = Egress::new(Policy::new(Vec::new()), Duration::from_secs(1))?;
    let log = LogSink::json(Box::new(sink()));
    let handlers = AllHandlers::new(Arc::new(egress), SignatureAlgorithm::Sha1, log, sandbox);
    render(&handlers, 1).await?;
    let before = child::usage(std::process::id())?.resident;
    render(&handlers, HOOKS).await?;
    let grown = child::usage(std::process::id())?.resident.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^53 KiB")]
    let row = |what: &str, kibibytes: u64| {
        Row::new("Memory", what, Spread::of([kibibytes as f64 / 1_024.0]), "MiB")
    };
    Ok(vec![
        row("a worker of the sandbox", worker).note(format!("after {RUNS} runs")),
        row("a thousand templates, compiled and kept", grown)
            .note(format!("what {HOOKS} hooks with the Slack payload take more than one")),
    ])
}

/// Has so many different hooks compiled and rendered; their requests go nowhere.
async fn render(handlers: &AllHandlers, count: u32) -> Result<()> {
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

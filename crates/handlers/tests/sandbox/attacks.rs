//! Scripts that mean harm, what stops each of them, and that the next run sees nothing of it.

mod arguments;
mod ends;
mod every;
mod made;
pub(super) mod scripts;
mod values;

use std::{hint::black_box, sync::Arc, time::Instant};

use async_trait::async_trait;
use handlers::sandbox::{FailureKind, Limits, LuaAnswer, LuaHttp, LuaRequest};

use super::*;
use arguments::ARGUMENTS;
use ends::ENDS;
use made::made;
use scripts::{
    DEPTH, LOOPS, Stop,
    Stop::{Compiler, Itself, Kill, Memory, Refused, Time},
    TABLES, TAMPERING, TEXT,
};
use values::VALUES;

/// What a run sees when there was none before it.
pub(super) const CLEAN: &str = "return function(data, event, source, pid)
    return leak == nil and kong.ctx.shared.leak == nil and kong.ctx.plugin.leak == nil
        and data.entity.username == 'Lois Lane' and event == 'consumers' and source == 'crud'
        and string.char(65) == 'A' and ('x'):upper() == 'X' and string.mine == nil
        and table.concat({1, 2}, ',') == '1,2' and table.unpack({3}) == 3
        and type(kong.log.err) == 'function' and tostring(ngx.null) == 'userdata: NULL'
        and require('cjson').encode({1}) == '[1]' and type(error) == 'function'
        and not pcall(error, 'x') and select('#', pairs({})) == 3
end";

/// A door that nothing passes.
struct Closed;

#[async_trait]
impl LuaHttp for Closed {
    async fn request(&self, _: LuaRequest) -> Result<LuaAnswer, String> {
        Err("refused".into())
    }
}

/// A sandbox whose scripts may ask for requests.
fn sandbox_with_requests() -> Sandbox {
    Sandbox::new(SandboxConfig { http: Some(Arc::new(Closed)), ..config() })
}

/// How many times as long as usual things take just now: tests run beside each other, and the
/// time of a run is processor time.
fn sluggishness() -> f64 {
    const USUAL: Duration = Duration::from_millis(10);
    let wall = Instant::now();
    let start = cpu_time();
    while cpu_time().saturating_sub(start) < USUAL {
        black_box((0..1000).sum::<u64>());
    }
    (wall.elapsed().as_secs_f64() / USUAL.as_secs_f64()).max(1.0)
}

fn cpu_time() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap();
    time.into()
}

pub(super) fn stop_of(ran: &Ran) -> Stop {
    let Some(failure) = &ran.failure else { return Itself };
    match failure.kind {
        FailureKind::TimeOut if failure.message.contains("killed") => Kill,
        FailureKind::TimeOut => Time,
        FailureKind::Memory => Memory,
        FailureKind::Syntax => Compiler,
        _ => Refused,
    }
}

/// Attacks, and looks at what is left of it.
async fn attack(sandbox: &Sandbox, name: &str, expected: &[Stop], source: &str) {
    in_time(name, async || {
        let ran = run(sandbox, source).await;
        let clean = run(sandbox, CLEAN).await;
        assert_eq!(failure_of(&clean), "", "after {name}");
        assert_eq!(clean.returns, [json!(true)], "after {name}");
        let (stop, said) = (stop_of(&ran), failure_of(&ran));
        assert!(expected.contains(&stop), "{name}: {stop:?}, not {expected:?}: {said}");
        assert!(said.len() <= 4096, "{name}: a message of {}", said.len());
        stop
    })
    .await;
}

/// Nothing takes longer than a run may, and 200 ms more. A machine that is busy with something
/// else gets another chance, and some.
#[expect(clippy::print_stdout, reason = "the times are of interest")]
pub(super) async fn in_time(name: &str, attack: impl AsyncFn() -> Stop) {
    let allowed = Limits::default().cpu + Duration::from_millis(200);
    for chance in 1.. {
        let before = sluggishness();
        let start = Instant::now();
        let stop = attack().await;
        let took = start.elapsed();
        let allowed = allowed.mul_f64(before.max(sluggishness()));
        if took <= allowed {
            println!("{name:50} {:10} {:4} ms", format!("{stop:?}"), took.as_millis());
            return;
        }
        assert!(chance < 5, "{name}: {took:?}, more than {allowed:?}");
    }
}

#[tokio::test]
async fn no_attack_takes_longer_than_its_time_or_leaves_a_trace() {
    let sandbox = sandbox_with_requests();
    for (name, expected, body) in
        [LOOPS, TEXT, TABLES, DEPTH, TAMPERING, ARGUMENTS, VALUES, ENDS].concat()
    {
        let source = format!("return function(data, event, source, pid)\n{body}\nend");
        attack(&sandbox, name, expected, &source).await;
    }
    for (name, expected, source) in made() {
        attack(&sandbox, name, expected, &source).await;
    }
}

#[tokio::test]
async fn no_attack_passes_while_it_is_saved_either() {
    let sandbox = sandbox();
    for (name, expected, source) in made() {
        if expected.contains(&Itself) || expected.contains(&Kill) {
            continue;
        }
        assert!(refusal(&sandbox, &source).await.is_some(), "{name}");
    }
}

#[tokio::test]
async fn an_event_of_very_many_names_is_no_attack() {
    let data: serde_json::Map<_, _> =
        (0..20_000).map(|it| (format!("{it:08x}"), json!([{}, [it]]))).collect();
    let data = Value::Object(data);
    let sources = ["return function() return 1 end".to_owned()];
    let job = Job::Functions {
        sources: (&sources[..]).into(),
        data: &data,
        event: None,
        source: "crud".into(),
        pid: 1,
    };
    let sandbox = sandbox();
    let ran = sandbox.run(OWNER, job).await.unwrap();
    assert!(matches!(stop_of(&ran), Itself | Time), "{ran:?}");
    assert_eq!(run(&sandbox, CLEAN).await.returns, [json!(true)]);
}

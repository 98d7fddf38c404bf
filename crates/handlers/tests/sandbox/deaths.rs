//! Workers that end when they should not, or do not when they should.

use std::{cell::Cell, fs, time::Instant};

use handlers::sandbox::{FailureKind, Limits, SandboxError};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::*;

fn shoot(process: u32) {
    kill(Pid::from_raw(process.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

/// Does a process run, rather than be a name without one?
fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

async fn one_worker(sandbox: &Sandbox) -> u32 {
    assert_eq!(run_body(sandbox, "return 1").await.returns, [1]);
    let [worker] = sandbox.idle_workers()[..] else { panic!("one worker, for one run at a time") };
    worker
}

#[tokio::test]
async fn there_is_a_worker_for_the_next_run_and_no_crowd() {
    let sandbox = Sandbox::new(SandboxConfig { workers: 8, ..config() });
    assert!(sandbox.idle_workers().is_empty(), "they are started on demand");
    for _ in 0..50 {
        run_body(&sandbox, "return 1").await;
    }
    let start = Instant::now();
    while sandbox.idle_workers().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(5), "no second one");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    futures_of(8, || {
        sandbox.run(
            Owner(7),
            Job::Functions {
                sources: vec!["return function() end".to_owned()].into(),
                data: &*EVENT,
                event: None,
                source: "crud".into(),
                pid: 1,
            },
        )
    })
    .await;
    assert!(sandbox.idle_workers().len() <= 8);
}

#[tokio::test]
async fn a_worker_is_kept_for_many_runs() {
    let sandbox = one_worker_at_a_time();
    let worker = one_worker(&sandbox).await;
    for _ in 0..20 {
        run_body(&sandbox, "error('no')").await;
    }
    assert_eq!(one_worker(&sandbox).await, worker);
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_fails_that_run_and_no_other() {
    let sandbox = one_worker_at_a_time();
    let worker = one_worker(&sandbox).await;
    let (ran, ()) =
        tokio::join!(run_body(&sandbox, "kong.log.err('begun') while true do end"), async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            shoot(worker);
        });
    let failure = ran.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Died);
    assert!(failure.may_pass(), "it may have been somebody else's fault");
    assert_eq!(ran.logs[0].text, "begun", "what was logged before is kept");
    assert_ne!(one_worker(&sandbox).await, worker);
}

#[tokio::test]
async fn a_worker_killed_while_idle_fails_no_run() {
    let sandbox = one_worker_at_a_time();
    for _ in 0..5 {
        let worker = one_worker(&sandbox).await;
        shoot(worker);
        while is_alive(worker) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    one_worker(&sandbox).await;
}

#[tokio::test]
async fn who_gives_up_leaves_no_script_running() {
    let sandbox = one_worker_at_a_time();
    let worker = one_worker(&sandbox).await;
    let endless = run_body(&sandbox, "while true do end");
    assert!(tokio::time::timeout(Duration::from_millis(20), endless).await.is_err());
    let start = Instant::now();
    while is_alive(worker) {
        assert!(start.elapsed() < Duration::from_secs(5), "it still runs");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    one_worker(&sandbox).await;
}

#[tokio::test]
async fn workers_end_with_the_sandbox() {
    let sandbox = one_worker_at_a_time();
    let worker = one_worker(&sandbox).await;
    drop(sandbox);
    let start = Instant::now();
    while is_alive(worker) {
        assert!(start.elapsed() < Duration::from_secs(5), "it still runs");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_run_waits_for_a_worker_but_not_for_ever() {
    let config = SandboxConfig { workers: 1, patience: Duration::from_millis(20), ..config() };
    let sandbox = Sandbox::new(config);
    one_worker(&sandbox).await;
    let sources = ["return function() end".to_owned()];
    let (first, second) = tokio::join!(
        run_body(&sandbox, "while true do end"),
        sandbox.run(Owner(2), job(&sources)),
    );
    assert_eq!(first.failure.unwrap().kind, FailureKind::TimeOut);
    assert!(matches!(second, Err(SandboxError::Busy(_))));
}

#[tokio::test]
async fn one_hooks_runs_do_not_hold_up_anothers() {
    let sandbox = sandbox();
    let endless = ["return function() while true do end end".to_owned()];
    let quick = ["return function() return 1 end".to_owned()];
    let flood = futures_of(10, || sandbox.run(Owner(1), job(&endless)));
    let start = Instant::now();
    let other = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let ran = sandbox.run(Owner(2), job(&quick)).await.unwrap();
        (ran.returns, start.elapsed())
    };
    let ((), (returns, took)) = tokio::join!(flood, other);
    assert_eq!(returns, [1]);
    assert!(took < start.elapsed() / 3, "{took:?} of {:?}", start.elapsed());
}

#[tokio::test]
async fn many_hooks_without_end_do_not_hold_up_one_that_is_quick() {
    let limits = Limits { cpu: Duration::from_millis(20), ..Limits::default() };
    let sandbox = Sandbox::new(SandboxConfig { limits, ..config() });
    let endless = ["return function() while true do end end".to_owned()];
    let quick = ["return function() return 1 end".to_owned()];
    let quick = || sandbox.run(Owner(1000), job(&quick));
    quick().await.unwrap();
    quick().await.unwrap();

    let start = Instant::now();
    let owners = Cell::new(0);
    let flood = futures_of(64, || {
        owners.set(owners.get() + 1);
        sandbox.run(Owner(owners.get()), job(&endless))
    });
    let other = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let ran = quick().await.unwrap();
        (ran.returns, start.elapsed())
    };
    let ((), (returns, took)) = tokio::join!(flood, other);
    assert_eq!(returns, [1]);
    assert!(took < start.elapsed() / 5, "{took:?} of {:?}", start.elapsed());
}

#[tokio::test]
async fn a_thousand_who_give_up_leave_no_crowd() {
    let sandbox = sandbox();
    let endless = ["return function() while true do end end".to_owned()];
    let owners = Cell::new(0);
    let give_up = |after| {
        owners.set(owners.get() + 1);
        tokio::time::timeout(after, sandbox.run(Owner(owners.get()), job(&endless)))
    };
    futures_of(950, || give_up(Duration::from_millis(20))).await;
    for after in 0..50 {
        assert!(give_up(Duration::from_millis(after % 10)).await.is_err());
    }
    assert!(sandbox.idle_workers().len() <= 2);
    let start = Instant::now();
    assert_eq!(run_body(&sandbox, "return 1").await.returns, [1]);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

async fn futures_of<F: Future>(count: usize, make: impl Fn() -> F) {
    let mut set = Vec::new();
    for _ in 0..count {
        set.push(Box::pin(make()));
    }
    std::future::poll_fn(|context| {
        set.retain_mut(|it| it.as_mut().poll(context).is_pending());
        if set.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_an_error() {
    for program in ["/bin/true", "/no/such/program"] {
        let sandbox = Sandbox::new(SandboxConfig { program: program.into(), ..config() });
        let sources = ["return function() end".to_owned()];
        let error = sandbox.run(OWNER, job(&sources)).await.unwrap_err();
        assert!(matches!(error, SandboxError::Unavailable(_)), "{program}: {error}");
    }
}

//! Workers that have been taken over, or are no workers at all.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

use handlers::sandbox::{FailureKind, Limits};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::*;

/// Says that it is ready, as a worker does, and reads on until there is a job.
const READY: &str =
    r#"printf '\034\000\000\000{"ready":{"filtered":false}}'; head -c 400 > /dev/null"#;

/// A program that does as this shell script says.
fn program(name: &str, script: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

/// With little time, so that waiting for its end takes none.
fn impatient(program: PathBuf) -> Sandbox {
    let wall = Duration::from_millis(200);
    let limits = Limits { wall, ..Limits::default() };
    Sandbox::new(SandboxConfig { program: program.into(), limits, workers: 1, ..config() })
}

#[tokio::test]
async fn a_worker_that_talks_nonsense_fails_the_run_and_nothing_else() {
    for (name, script) in [
        ("an-end", ""),
        ("no-message", "printf 'this is no message, whatever it is'"),
        ("a-giant-length", r"printf '\377\377\377\377'; sleep 60"),
        ("half-a-length", r"printf '\020\000'"),
        ("half-a-message", r"printf '\020\000\000\000{'"),
        ("no-json", r"printf '\004\000\000\000nope'; sleep 60"),
        ("another-message", r"printf '\002\000\000\000{}'; sleep 60"),
        ("a-second-start", &format!("{READY}; sleep 60")),
        ("results-that-are-none", r#"printf '\014\000\000\000{"done":null}'; sleep 60"#),
    ] {
        let sandbox = impatient(program(name, &format!("{READY}\n{script}")));
        let start = Instant::now();
        let ran = run_body(&sandbox, "return 1").await;
        let failure = ran.failure.unwrap();
        assert_eq!((failure.kind, failure.may_pass()), (FailureKind::Died, true), "{name}");
        assert!(start.elapsed() < Duration::from_secs(10), "{name}");
    }
}

#[tokio::test]
async fn a_worker_that_says_nothing_is_not_waited_for() {
    let sandbox = impatient(program("silence", &format!("{READY}\nexec sleep 60")));
    let ran = run_body(&sandbox, "return 1").await;
    let failure = ran.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Died, "{}", failure.message);
    assert!(failure.message.ends_with("did not get the processor and was killed"));
}

#[tokio::test]
async fn a_worker_that_talks_without_end_is_not_listened_to_for_ever() {
    let line = br#"{"log":{"level":"error","text":"x"}}"#;
    let message = [&[u8::try_from(line.len()).unwrap(), 0, 0, 0], &line[..]].concat();
    let talk = Path::new(env!("CARGO_TARGET_TMPDIR")).join("talk");
    fs::write(&talk, message.repeat(20_000)).unwrap();
    let script = format!("{READY}\nwhile :; do cat {}; done", talk.display());
    let sandbox = impatient(program("talker", &script));

    let start = Instant::now();
    let ran = run_body(&sandbox, "return 1").await;
    assert!(ran.failure.is_some());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(ran.logs.len() <= Limits::default().log_lines + 3, "{} lines", ran.logs.len());
}

#[tokio::test]
async fn a_worker_that_was_stopped_is_replaced() {
    let sandbox = impatient(env!("CARGO_BIN_EXE_lua-worker").into());
    run_body(&sandbox, "").await;
    let [worker] = sandbox.idle_workers()[..] else { panic!("one worker, for one run at a time") };
    kill(Pid::from_raw(worker.try_into().unwrap()), Signal::SIGSTOP).unwrap();
    let failure = run_body(&sandbox, "return 1").await.failure.unwrap();
    assert!(failure.may_pass(), "it is not the script's fault: {}", failure.message);
    assert_eq!(run_body(&sandbox, "return 1").await.returns, [1]);
}

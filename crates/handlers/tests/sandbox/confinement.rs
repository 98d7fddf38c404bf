//! What a worker has of its parent: nothing.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::*;

/// Descriptors and where they lead to.
fn open_files(process: u32) -> BTreeMap<u32, String> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            (number, fs::read_link(&path).unwrap().to_str().unwrap().to_owned())
        })
        .collect()
}

async fn a_worker(sandbox: &Sandbox) -> u32 {
    run_body(sandbox, "").await;
    let [worker] = sandbox.idle_workers()[..] else { panic!("one worker, for one run at a time") };
    worker
}

#[tokio::test]
async fn a_worker_holds_nothing_of_its_parents() {
    // A file that every child inherits, whatever Rust does for those that it opens itself.
    let secret = File::open("/etc/hostname").unwrap();
    fcntl(&secret, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    assert!(std::env::vars_os().next().is_some(), "the parent has an environment");

    let sandbox = one_worker_at_a_time();
    let worker = a_worker(&sandbox).await;

    assert_eq!(fs::read(format!("/proc/{worker}/environ")).unwrap(), b"", "environment");
    let files = open_files(worker);
    assert_eq!(files.keys().copied().collect::<Vec<_>>(), [0, 1, 2], "{files:?}");
    assert!(files[&0].starts_with("pipe:") && files[&1].starts_with("pipe:"), "{files:?}");
    assert_eq!(files[&2], "/dev/null");
    assert_eq!(fs::read_link(format!("/proc/{worker}/cwd")).unwrap(), Path::new("/"));
    let arguments = fs::read_to_string(format!("/proc/{worker}/cmdline")).unwrap();
    assert_eq!(arguments, "event-hooks-lua-worker\0--event-hooks-lua-worker\0");
}

#[tokio::test]
async fn a_worker_can_get_nothing_either() {
    let sandbox = one_worker_at_a_time();
    let worker = a_worker(&sandbox).await;
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|it| it.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(limit("Max open files"), "3");
    assert_eq!(limit("Max file size"), "0");
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max processes"), "0");
    assert!(limit("Max address space").parse::<u64>().unwrap() < 1 << 30);

    let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    assert!(status.contains("Seccomp:\t2"), "system calls pass a filter");
    assert!(status.contains("Threads:\t1"));
}

#[tokio::test]
async fn a_worker_is_small() {
    let sandbox = one_worker_at_a_time();
    let worker = a_worker(&sandbox).await;
    for _ in 0..50 {
        run_body(&sandbox, "local t = {} for i = 1, 1e4 do t[i] = {i} end").await;
    }
    let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 40 << 10, "{kib} KiB");
}

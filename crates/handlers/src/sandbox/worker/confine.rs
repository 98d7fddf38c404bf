//! What a worker gives up before it meets the first script.
//!
//! Files and sockets are closed, and none can be opened again; memory, processor time, output and
//! processes are limited; system calls pass a filter, where the system allows one. What is left
//! when a script breaks out of Lua is a process that can compute, and talk to its parent.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        time::TimeValLike,
    },
    time::{ClockId, clock_gettime},
    unistd,
};

use crate::sandbox::{limits::Limits, protocol::Setup};

/// Address space beside what the program has at its start and the heap of Lua: messages on their
/// way, and the compiler, which takes some 80 bytes for each byte of source.
const ROOM: u64 = 96 << 20;

type BoxError = Box<dyn Error>;

/// Gives up what is not needed. Tells whether system calls are filtered from now on.
pub(super) fn confine(setup: &Setup) -> Result<bool, BoxError> {
    std::env::set_current_dir("/")?;
    let space = address_space();
    close_files();

    let heap = u64::try_from(setup.limits.memory)?;
    lower(Resource::RLIMIT_AS, space + heap + ROOM)?;
    lower(Resource::RLIMIT_NOFILE, 3)?;
    lower(Resource::RLIMIT_FSIZE, 0)?;
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_NPROC, 0)?;
    Ok(setup.seccomp && filter_system_calls().is_ok())
}

/// The limit of processor time. It ends a worker that cannot be stopped when its parent is gone,
/// and cannot kill it any more.
pub(super) struct CpuLimit {
    most: Duration,
    set: Instant,
}

impl CpuLimit {
    /// How much more than a run a worker may use.
    const ROOM: Duration = Duration::from_secs(4);

    pub(super) fn new(limits: &Limits) -> Result<Self, BoxError> {
        let limit = Self { most: limits.most_cpu() + Self::ROOM, set: Instant::now() };
        limit.set()?;
        Ok(limit)
    }

    /// Allows for one more run. The processor cannot have been used for longer than the time that
    /// went by.
    pub(super) fn renew(&mut self) -> Result<(), BoxError> {
        if self.set.elapsed() < Self::ROOM / 2 {
            return Ok(());
        }
        self.set = Instant::now();
        self.set()
    }

    fn set(&self) -> Result<(), BoxError> {
        let used = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.num_seconds();
        let (_, hard) = getrlimit(Resource::RLIMIT_CPU)?;
        let soft = u64::try_from(used)? + self.most.as_secs();
        setrlimit(Resource::RLIMIT_CPU, soft.min(hard), hard)?;
        Ok(())
    }
}

fn lower(resource: Resource, limit: u64) -> Result<(), BoxError> {
    let (_, hard) = getrlimit(resource)?;
    let limit = limit.min(hard);
    setrlimit(resource, limit, limit)?;
    Ok(())
}

/// How much address space the program has taken by now.
fn address_space() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split(' ').next()?.parse::<u64>().ok());
    // 4 KiB is the smallest page there is; where pages are larger, RLIMIT_AS is just as generous.
    pages.map_or(512 << 20, |pages| pages * page_size())
}

fn page_size() -> u64 {
    let size = unistd::sysconf(unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|it| u64::try_from(it).ok()).unwrap_or(4096)
}

/// Closes everything but the two pipes and `/dev/null` at 2. Descriptors that the parent's own
/// parent left open are inherited by all, whatever the parent does.
fn close_files() {
    let open = fs::read_dir("/proc/self/fd").map(|entries| {
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect::<Vec<i32>>()
    });
    for file in open.unwrap_or_else(|_| (3..1024).collect()) {
        if file > 2 {
            // One of them was the directory itself, which is closed by now.
            let _closed_already = unistd::close(file);
        }
    }
}

#[cfg(target_os = "linux")]
fn filter_system_calls() -> Result<(), BoxError> {
    use nix::libc::{self, c_long};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op,
        SeccompCondition as Condition, SeccompFilter, SeccompRule,
    };

    // Memory, time, the two pipes, the own limits, and an orderly death.
    let free: [c_long; 19] = [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        free.into_iter().map(|call| (call, Vec::new())).collect();

    // No memory that is code.
    let executable = u64::try_from(libc::PROT_EXEC)?;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let is_data = Condition::new(2, Len::Dword, Op::MaskedEq(executable), 0)?;
        rules.insert(call, vec![SeccompRule::new(vec![is_data])?]);
    }
    // Nobody's limits but its own, nobody's death but its own.
    let own_limits = Condition::new(0, Len::Dword, Op::Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![own_limits])?]);
    let own_death = Condition::new(0, Len::Dword, Op::Eq, u64::from(std::process::id()))?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own_death])?]);

    let refused = SeccompAction::Errno(u32::try_from(libc::EPERM)?);
    let filter = SeccompFilter::new(
        rules,
        refused,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn filter_system_calls() -> Result<(), BoxError> {
    Err("filters of system calls are Linux's".into())
}

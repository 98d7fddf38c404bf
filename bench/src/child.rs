//! A process that was started to be measured, or to measure by. It ends with this value.

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
    process::{self, Command, Stdio},
    time::Duration,
};

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

use crate::failure::Result;

/// How long a process may take until it listens.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that listens.
pub(crate) struct Child {
    guard: process::Child,
    /// Which process it is.
    pub(crate) id: u32,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

/// How a process is started.
pub(crate) struct Program<'a> {
    /// What is run.
    pub(crate) file: &'a OsStr,
    /// With what.
    pub(crate) arguments: Vec<String>,
    /// Its environment, all of it.
    pub(crate) environment: Vec<(String, String)>,
    /// Is what it logs shown? Else it is written, and thrown away.
    pub(crate) shows_log: bool,
}

impl Program<'_> {
    /// Starts it and waits until it says where it listens.
    pub(crate) async fn start(self) -> Result<Child> {
        let log = if self.shows_log { Stdio::inherit() } else { Stdio::null() };
        let mut guard = Command::new(std::env::current_exe()?)
            .arg("guard")
            .arg(self.file)
            .args(self.arguments)
            .env_clear()
            .envs(self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let said = guard.stdout.take().ok_or("a pipe was asked for")?;
        let said = tokio::process::ChildStdout::from_std(said)?;
        let mut lines = BufReader::new(said).lines();
        let started = tokio::time::timeout(PATIENCE, listening(&mut lines)).await;
        let ended = |it| {
            let mut guard: process::Child = it;
            drop(guard.stdin.take());
            guard.wait()
        };
        match started {
            Ok(Ok((id, address))) => {
                // Whoever says more must not wait for a reader.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                Ok(Child { guard, id, address })
            }
            Ok(Err(failure)) => {
                ended(guard)?;
                Err(failure)
            }
            Err(_) => {
                ended(guard)?;
                Err(format!("{} does not listen", self.file.display()).into())
            }
        }
    }
}

async fn listening(
    lines: &mut Lines<BufReader<tokio::process::ChildStdout>>,
) -> Result<(u32, SocketAddr)> {
    // The guard and its own say both at once.
    let (mut id, mut address) = (None, None);
    while let Some(line) = lines.next_line().await? {
        if let Some(process) = line.strip_prefix("process ") {
            id = Some(process.parse()?);
        }
        if let Some((_, listens)) = line.split_once("listens on http://") {
            address = Some(listens.parse()?);
        }
        if let Some(both) = id.zip(address) {
            return Ok(both);
        }
    }
    Err("it ended before it listened".into())
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Processor time, of the process and the system for it.
    pub(crate) cpu: Duration,
    /// Resident memory, in KiB.
    pub(crate) resident: u64,
    /// The most that it ever was.
    pub(crate) peak: u64,
}

impl Child {
    /// What it has used so far.
    pub(crate) fn usage(&self) -> Result<Usage> {
        usage(self.id)
    }
}

/// What this process has used so far.
pub(crate) fn usage(id: u32) -> Result<Usage> {
    /// The unit of processor time in `/proc`, which Linux fixes for all machines.
    const TICK: Duration = Duration::from_millis(10);

    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // After the name, which may hold anything: the state is the first, utime the twelfth.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<std::result::Result<_, _>>()?;
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let kib = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|it| it.strip_prefix(name));
        let number = line.and_then(|it| it.split_whitespace().next());
        Ok(number.ok_or("no such line in /proc/status")?.parse()?)
    };
    Ok(Usage { cpu: TICK * ticks, resident: kib("VmRSS:")?, peak: kib("VmHWM:")? })
}

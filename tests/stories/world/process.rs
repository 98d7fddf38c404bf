//! A process of the binary.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use testkit::binary;

use super::PATIENCE;

/// A process of ours. It is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// What it prints for people, line by line.
    pub(crate) said: Receiver<String>,
    /// What it logs.
    pub(crate) logged: Arc<Mutex<String>>,
}

impl Process {
    pub(super) fn serve(program: Command, data: &Path, settings: &[(String, String)]) -> Self {
        let environment = settings
            .iter()
            .map(|(name, value)| (format!("EVENT_HOOKS_{name}"), value.clone()))
            .chain([("EVENT_HOOKS_DATA".to_owned(), data.display().to_string())]);
        let listen = settings.iter().all(|(name, _)| name != "LISTEN");
        let address = listen.then_some(["--listen", "127.0.0.1:0"]).into_iter().flatten();
        Self::start_as(program, address, environment)
    }

    /// Starts the binary.
    pub(crate) fn start(
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        Self::start_as(Command::new(binary::event_hooks()), arguments, environment)
    }

    fn start_as(
        mut program: Command,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut child = program
            .args(arguments)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (say, said) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|it| say.send(it)));
        let logged = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&logged);
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                log.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { child, said, logged }
    }

    /// The next line for people, without keeping receivers of this story from answering.
    pub(crate) async fn line(&self) -> String {
        let began = Instant::now();
        loop {
            if let Ok(line) = self.said.try_recv() {
                return line;
            }
            let logged = || self.logged.lock().unwrap().clone();
            assert!(began.elapsed() < PATIENCE, "it said nothing, and logged: {}", logged());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Dies at once, as in a power cut of one process.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Is asked to stop.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last is on its way through the pipe.
                thread::sleep(Duration::from_millis(100));
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "still running after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What the operating system shows of a process to others.
#[cfg(target_os = "linux")]
impl Process {
    /// How large a file may be that it writes to, from now on: `0` lets it write nothing any more,
    /// `unlimited` everything again.
    pub(crate) fn limit_writing(&self, bytes: &str) {
        let pid = self.child.id().to_string();
        let limit = format!("--fsize={bytes}:unlimited");
        let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(limited.unwrap().success(), "prlimit {limit}");
    }

    /// Does it still run?
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The environments of the processes that it has started and that still run.
    pub(crate) fn environments_of_children(&self) -> Vec<String> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap_or_default()
        };
        let children = threads.map(of_thread).collect::<String>();
        let environment = |pid| std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        children.split_whitespace().map(environment).map(text).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

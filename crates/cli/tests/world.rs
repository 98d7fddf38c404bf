//! A server with an empty folder, and somebody who types commands.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use testkit::binary::event_hooks;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A process of ours. It is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// The first line that it printed.
    pub(crate) banner: String,
}

/// A running server, and a folder for the files of its user.
pub(crate) struct World {
    /// Where it listens.
    pub(crate) url: String,
    /// Where commands are typed.
    pub(crate) folder: TempDir,
    _server: Process,
    _data: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A server with these variables in its environment.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new(event_hooks());
        command.args(["--listen", "127.0.0.1:0"]).env("EVENT_HOOKS_DATA", data.path());
        command.envs(settings.iter().copied());
        let server = Process::start(command);
        let url = server.banner.rsplit(' ').next().unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{}", server.banner);
        Self { url, folder: tempfile::tempdir().unwrap(), _server: server, _data: data }
    }

    /// Runs a command, its words separated by blanks.
    pub(crate) fn run(&self, words: &str) -> Ran {
        self.run_all(&words.split_whitespace().collect::<Vec<_>>(), "")
    }

    /// Runs a command with this on standard input.
    pub(crate) fn feed(&self, words: &str, input: &str) -> Ran {
        self.run_all(&words.split_whitespace().collect::<Vec<_>>(), input)
    }

    pub(crate) fn run_all(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = client(arguments);
        command.env("EVENT_HOOKS_URL", &self.url).current_dir(self.folder.path());
        run(command, input)
    }

    /// Runs a command that must end well, and answers what it printed.
    pub(crate) fn well(&self, words: &str) -> String {
        let ran = self.run(words);
        assert_eq!(ran.code, 0, "{words}: {ran:?}");
        ran.out
    }

    /// The same, for a command that prints JSON.
    pub(crate) fn json(&self, words: &str) -> Value {
        serde_json::from_str(&self.well(&format!("{words} -o json"))).unwrap()
    }

    /// Writes a file that commands can name.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// What a command prints as JSON, as soon as `enough` says so.
    pub(crate) fn eventually(&self, words: &str, enough: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let found = self.json(words);
            if enough(&found) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{words}: not enough: {found:#}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Process {
    /// Starts something, and waits for its first line.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let banner = lines.next().expect("a first line").unwrap();
        // What it prints later is read, so that it never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        Self { child, banner }
    }

    /// Somebody who receives webhooks, and where that is.
    pub(crate) fn receiver(arguments: &[&str]) -> (Self, String) {
        let mut command = Command::new(event_hooks());
        command.args(["listen", "--listen", "127.0.0.1:0"]).args(arguments);
        let receiver = Self::start(command);
        let address = receiver.banner.trim_start_matches("listening on ");
        let address = address.split(',').next().unwrap().to_owned();
        (receiver, address)
    }

    /// Asks it to stop, as Ctrl-C does.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The client, without what this machine's user has in the environment.
pub(crate) fn client(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventhooks"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().to_ascii_uppercase();
        if name.starts_with("EVENT_HOOKS_") || name.ends_with("_PROXY") || name.contains("COLOR") {
            command.env_remove(&name).env_remove(name.to_ascii_lowercase());
        }
    }
    command.args(arguments);
    command
}

/// Runs a command whose output nobody reads to its end: its code, and what it complains of.
pub(crate) fn unheard(mut command: Command) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // It may end without reading all of it.
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

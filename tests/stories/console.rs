//! The console blocks of a page, as its readers type them: every command is run, and every answer
//! compared with the one that is printed there.
//!
//! What differs from run to run is not compared. But an id on the page stands for the one that the
//! server gave in its place: later commands may use it, and it is the same wherever it is shown.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use regex::Regex;

use crate::{
    repository,
    world::{PATIENCE, Process, World},
};

/// An id, or a token: neither is the same twice, and both are used later on.
const ID: &str = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|eh_[A-Za-z0-9_-]{43}";

/// A command, and what the page says that it prints.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    printed: String,
}

/// A receiver that a page has its readers start.
pub(crate) struct Listener {
    pub(crate) process: Process,
    /// What it says when it starts.
    pub(crate) banner: String,
}

/// Is there what the commands are made of?
pub(crate) fn has_curl() -> bool {
    Command::new("curl").arg("--version").output().is_ok()
}

/// Runs the commands of a page that ask the server, and answers how many there were. Those that
/// start something are what the test has done itself: `receivers` are where that is, by what the
/// page says.
pub(crate) async fn follow(page: &str, world: &World, receivers: &[(&str, &str)]) -> usize {
    let server = ("localhost:8001", world.url().trim_start_matches("http://"));
    let mut ids = HashMap::<String, String>::new();
    let steps = steps(page);
    for step in &steps {
        let of_ids = ids.iter().map(|(on_page, here)| (&**on_page, &**here));
        let (command, printed) =
            typed(&step.command, receivers.iter().copied().chain([server]).chain(of_ids));
        assert_eq!(without_chance(printed.trim_end()), without_chance(&step.printed), "{command}");
        learn(&mut ids, &step.printed, &printed);
        settled(world).await;
    }
    steps.len()
}

/// Types a command into a shell, with what is here in place of what the page says, and answers what
/// that was and what it printed.
pub(crate) fn typed<'a>(
    command: &str,
    here: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> (String, String) {
    let replace = |command: String, (on_page, here): (&str, &str)| command.replace(on_page, here);
    let command = here.into_iter().fold(command.to_owned(), replace);
    let mut shell = Command::new("sh");
    shell.args(["-c", &command]).stdin(Stdio::null()).stdout(Stdio::piped());
    let child = shell.spawn().unwrap();
    // Some of them wait for something, which may never be.
    let (end, ended) = mpsc::channel();
    thread::spawn(move || end.send(child.wait_with_output()));
    let ran = ended.recv_timeout(3 * PATIENCE).unwrap_or_else(|_| panic!("no end: {command}"));
    (command, String::from_utf8(ran.unwrap().stdout).unwrap())
}

/// The commands that ask the server.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in repository::code_blocks(page).into_iter().filter(|it| it.language == "console") {
        let mut continues = false;
        for line in block.lines {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), printed: String::new() });
            } else if let Some(step) = steps.last_mut() {
                let text = if continues { &mut step.command } else { &mut step.printed };
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(line);
            }
            continues = line.ends_with('\\');
        }
    }
    steps.retain(|step| step.command.contains("curl "));
    steps
}

/// What differs from run to run, made equal.
pub(crate) fn without_chance(text: &str) -> String {
    let chance = [
        (ID, "ID"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT", "DATE"),
        (r"\b\d{10}\b", "SECONDS"),
        (r#""took_ms":\d+"#, "TOOK"),
        (r"(localhost|127\.0\.0\.1):\d+", "ADDRESS"),
        (r"sha1=[0-9a-f]{40}", "SHA1"),
        (r"v1,[A-Za-z0-9+/]{43}=", "V1"),
    ];
    chance.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

/// Notes which ids stand for which: each for one, and no two for the same. Both texts have as many,
/// in the same places.
fn learn(ids: &mut HashMap<String, String>, on_page: &str, here: &str) {
    let id = Regex::new(ID).unwrap();
    for (on_page, here) in id.find_iter(on_page).zip(id.find_iter(here)) {
        let (on_page, here) = (on_page.as_str(), here.as_str());
        let known = ids.entry(on_page.to_owned()).or_insert_with(|| here.to_owned());
        assert_eq!(known, here, "{on_page} is something else above");
        let names = ids.values().filter(|it| *it == here).count();
        assert_eq!(names, 1, "what {on_page} stands for has another id above");
    }
}

/// Waits until every event that was accepted has been dispatched.
async fn settled(world: &World) {
    let began = Instant::now();
    while world.get("/status").await.json()["queue_depth"]["events"] != 0 {
        assert!(began.elapsed() < PATIENCE, "events wait for longer than {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl Listener {
    /// Starts a receiver with these arguments, at an address that is free.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let arguments = ["listen", "--listen", "127.0.0.1:0"].iter().chain(arguments);
        let process = Process::start(arguments, []);
        let banner = process.line().await;
        Self { process, banner }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        let after = self.banner.trim_start_matches("listening on http://");
        after.split(',').next().expect("text before the first comma, if any")
    }
}

#[test]
fn a_command_goes_on_after_a_backslash_and_prints_what_follows() {
    let page = "```console\n$ cargo run\nup\n$ curl -s a \\\n    b\n1\n2\n```\n```sh\n$ curl c\n```\n\
                ```console\n$ echo d | curl -s e\n```\n";
    let step =
        |command: &str, printed: &str| Step { command: command.into(), printed: printed.into() };
    assert_eq!(steps(page), [step("curl -s a \\\n    b", "1\n2"), step("echo d | curl -s e", "")]);
}

//! docs/cli.md, as its readers type it: every command is run, and what it prints compared.
//!
//! What differs from run to run is not compared. Files are written as the page shows them: a block
//! of YAML begins with a comment that names it.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use regex::Regex;

use crate::world::{PATIENCE, Process, World, client, run};

const ID: &str = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/// A command of the page, and what the page says that it prints.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    printed: String,
}

/// What a page shows, in order.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    Step(Step),
    File { name: String, text: String },
}

#[test]
fn the_page_shows_what_its_readers_see() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let page = std::fs::read_to_string(path).unwrap();
    let world = World::new();
    let (_receiver, receiver) = Process::receiver(&["--secret", "s3cr3t"]);
    let receiver = receiver.trim_end_matches('/');
    let here = |text: &str| {
        text.replace("http://localhost:8001", &world.url).replace("http://localhost:9000", receiver)
    };

    let mut commands = 0;
    for shown in shown(&page) {
        match shown {
            Shown::File { name, text } => world.write(&name, &here(&text)),
            Shown::Step(Step { command, printed }) => {
                let ran = typed(&world, &here(&command));
                assert_eq!(without_chance(&ran), without_chance(&here(&printed)), "{command}");
                settled(&world);
                commands += 1;
            }
        }
    }
    assert!(commands >= 25, "only {commands} commands found");
}

#[test]
fn the_page_names_every_command() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let page = std::fs::read_to_string(path).unwrap();
    for command in commands(&[]) {
        assert!(page.contains(&command), "docs/cli.md does not mention '{command}'");
    }
}

/// Every command that the help lists, with those above it.
fn commands(above: &[String]) -> Vec<String> {
    let words: Vec<_> = above.iter().map(String::as_str).chain(["--help"]).collect();
    let help = run(client(&words), "").out;
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let names = listed.lines().take_while(|it| it.starts_with("  "));
    let names = names.filter_map(|it| it.split_whitespace().next()).filter(|it| *it != "help");
    let of_name = |name: &str| {
        let whole = [above, &[name.to_owned()]].concat();
        let below = commands(&whole);
        if below.is_empty() { vec![whole.join(" ")] } else { below }
    };
    names.flat_map(of_name).collect()
}

/// What a shell prints on both its outputs for a command.
fn typed(world: &World, command: &str) -> String {
    let client = client(&[]);
    let folder = Path::new(client.get_program()).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{{ {command}\n}} 2>&1")]).current_dir(world.folder.path());
    for (name, value) in client.get_envs() {
        assert!(value.is_none(), "{}", name.display());
        shell.env_remove(name);
    }
    shell.env("PATH", path).env("EVENT_HOOKS_URL", &world.url);
    run(shell, "").out
}

/// Waits until every event that was accepted has been dispatched.
fn settled(world: &World) {
    let began = Instant::now();
    loop {
        let status = world.json("status");
        if status["queue_depth"]["events"] == 0 && status["queue_depth"]["retries"] == 0 {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "events wait for longer than {PATIENCE:?}: {status}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The files and the commands of a page. Blocks of `sh` are not run.
fn shown(page: &str) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let mut block = || lines.by_ref().take_while(|it| *it != "```").collect::<Vec<_>>();
        match line.strip_prefix("```") {
            Some("console") => steps(&mut shown, &block()),
            Some("yaml") => {
                let block = block();
                if let Some(name) = block.first().and_then(|it| it.strip_prefix("# ")) {
                    let text = block[1..].join("\n") + "\n";
                    shown.push(Shown::File { name: name.to_owned(), text });
                }
            }
            Some(_) => drop(block()),
            None => {}
        }
    }
    shown
}

fn steps(shown: &mut Vec<Shown>, lines: &[&str]) {
    let mut continues = false;
    for line in lines {
        if let Some(command) = line.strip_prefix("$ ") {
            shown.push(Shown::Step(Step { command: command.to_owned(), printed: String::new() }));
        } else if let Some(Shown::Step(step)) = shown.last_mut() {
            let text = if continues { &mut step.command } else { &mut step.printed };
            let ends = if continues { ["\n", line] } else { [line, "\n"] };
            text.extend(ends);
        }
        continues = line.ends_with('\\');
    }
}

/// What differs from run to run, made equal. Columns of tables are as wide as what is in them.
fn without_chance(text: &str) -> String {
    let chance = [
        (ID, "ID"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT", "DATE"),
        (r"\b1[789]\d{8}\b", "SECONDS"),
        (r"http://127\.0\.0\.1:\d+", "ADDRESS"),
        (r"(?m)^(TIME +\d+ +\d+ +)\d+", "${1}TOOK"),
        (r" {2,}", "  "),
    ];
    chance.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

#[test]
fn a_page_has_files_and_commands() {
    let page = "```yaml\n# a.yaml\na: 1\n```\n```yaml\nb: 2\n```\n```sh\neventhooks c\n```\n\
                ```console\n$ eventhooks a \\\n    b\n1\n  2\n$ eventhooks d\n```\n";
    let step = |command: &str, printed: &str| {
        Shown::Step(Step { command: command.into(), printed: printed.into() })
    };
    let file = Shown::File { name: "a.yaml".into(), text: "a: 1\n".into() };
    assert_eq!(
        shown(page),
        [file, step("eventhooks a \\\n    b", "1\n  2\n"), step("eventhooks d", "")]
    );
}

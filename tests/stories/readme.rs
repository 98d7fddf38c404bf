//! The tour of README.md, as a newcomer types it: every command is run, and every answer compared
//! with the one that is printed there.

use std::process::Command;

use regex::Regex;

use crate::{
    repository,
    world::{PATIENCE, Process, World},
};

/// A command of the tour, and what the page says that it prints.
struct Step {
    command: String,
    printed: String,
}

/// The commands that ask the server. Those that start something are what the test does itself.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in repository::code_blocks(page).into_iter().filter(|it| it.language == "console") {
        let mut continues = false;
        for line in block.lines {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), printed: String::new() });
            } else if continues {
                let step = steps.last_mut().expect("a command is continued");
                step.command.push('\n');
                step.command.push_str(line);
            } else if let Some(step) = steps.last_mut() {
                step.printed.push_str(line);
            }
            continues = line.ends_with('\\');
        }
    }
    steps.retain(|step| step.command.starts_with("curl "));
    steps
}

/// What differs from run to run, made equal.
fn without_chance(text: &str) -> String {
    let chance = [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
        (r"\b\d{10}\b", "SECONDS"),
        (r"(localhost|127\.0\.0\.1):\d+", "ADDRESS"),
        (r"sha1=[0-9a-f]{40}", "SHA1"),
        (r"v1,[A-Za-z0-9+/]{43}=", "V1"),
    ];
    chance.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_is_what_a_newcomer_sees() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: README.md, for there is no curl");
        return;
    }
    let page = repository::read("README.md");
    let world = World::new().await;
    let listener = Process::start(["listen", "--listen", "127.0.0.1:0", "--secret", "s3cr3t"], []);
    let banner = listener.said.recv_timeout(PATIENCE).unwrap();
    assert!(page_shows(&page, &banner), "the listener says: {banner}");
    let listens = banner.trim_start_matches("listening on http://").split(',').next().unwrap();

    let steps = steps(&page);
    assert!(steps.len() >= 8, "only {} commands found", steps.len());
    let mut received = String::new();
    for step in &steps {
        let command = step
            .command
            .replace("localhost:8001", world.url().trim_start_matches("http://"))
            .replace("localhost:9000", listens);
        let ran = Command::new("sh").args(["-c", &command]).output().unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        assert_eq!(without_chance(printed.trim_end()), without_chance(&step.printed), "{command}");
        // Give a delivery the time to arrive before the next command changes something.
        while let Ok(line) = listener.said.recv_timeout(std::time::Duration::from_millis(300)) {
            received.push_str(&(line + "\n"));
        }
    }

    let shown =
        repository::code_blocks(&page).into_iter().find(|it| it.language == "text").unwrap();
    let shown = without_chance(&shown.lines.join("\n"));
    let received = without_chance(&received);
    assert!(received.contains(&shown), "not as shown:\n{shown}\nbut:\n{received}");
    assert!(
        received.contains("#3 ") && !received.contains("#4 "),
        "one of two was held: {received}"
    );
}

fn page_shows(page: &str, line: &str) -> bool {
    without_chance(page).contains(&without_chance(line))
}

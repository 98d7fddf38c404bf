//! Every command of the reference documents, as it is printed there, against this server: only the
//! host is another.

use std::process::Command;

use serde_json::Value;
use testkit::receiver::Receiver;

use crate::{repository, world::World};

/// What a hook of this kind is answered with. The programmable handlers are decoded and judged, and
/// are not part of this release.
fn expected(handler: &str) -> u16 {
    match handler {
        "webhook" | "log" => 201,
        "webhook-custom" | "lambda" => 501,
        other => panic!("the reference has no handler '{other}'"),
    }
}

#[tokio::test]
async fn commands_of_the_reference_work_with_another_host() {
    let cases: Value =
        serde_json::from_str(&repository::read("tests/conformance/reference-commands.json"))
            .unwrap();
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("lambda.lua"), cases["lambda.lua"].as_str().unwrap()).unwrap();
    let address = world.url().trim_start_matches("http://");

    for case in cases["commands"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let Some(tool) = tool(case["tool"].as_str().unwrap()) else {
            println!("skipped: '{name}', for there is no {}", case["tool"]);
            continue;
        };
        let command = case["command"]
            .as_str()
            .unwrap()
            .replace("{HOSTNAME}:8001", address)
            .replace("localhost:31001", address)
            .replace(" :8001", &format!(" http://{address}"))
            .replace("{WEBHOOK_URL}", &receiver.url());
        // HTTPie prints as curl does when nobody looks: the body alone.
        let run = tokio::process::Command::from(shell(&format!("{tool}{}", after_tool(&command))))
            .env("HOME", home.path())
            .output()
            .await
            .unwrap();
        let printed = String::from_utf8_lossy(&run.stdout);
        let body = printed.rsplit("\r\n\r\n").next().unwrap();
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| {
            panic!("{name}: {printed}{}", String::from_utf8_lossy(&run.stderr))
        });
        match expected(case["handler"].as_str().unwrap()) {
            201 => assert_eq!(answer["handler"], case["handler"], "{name}: {answer}"),
            _ => assert!(
                answer["message"].as_str().unwrap().contains("not available"),
                "{name}: {answer}"
            ),
        }
    }
    assert!(world.get("/event-hooks/sources/").await.json()["data"]["balancer"].is_object());
    assert!(world.get("/event-hooks/sources/dao:crud/").await.json()["data"]["create"].is_object());
}

/// How a tool is called here, if it is.
fn tool(name: &str) -> Option<String> {
    let venv = repository::root().join(".venv/bin").join(name);
    let call = if venv.exists() { venv.display().to_string() } else { name.to_owned() };
    let is_there =
        Command::new(&call).arg("--version").output().is_ok_and(|it| it.status.success());
    // HTTPie reads a body from standard input where that is no terminal, unless it is told not to.
    is_there.then(|| {
        if name == "http" { format!("{call} --ignore-stdin") } else { format!("{call} -s") }
    })
}

fn after_tool(command: &str) -> &str {
    &command[command.find(' ').expect("a command has arguments")..]
}

fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

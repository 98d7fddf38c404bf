//! Every command of the reference documents, as it is printed there, against this server: only the
//! hosts are others. Then what the document says happens next, and what it shows of that.

use std::process::Command;

use serde_json::{Value, json};
use testkit::receiver::Receiver;

use crate::{repository, world::World};

/// Whose machine it is, where a document shows that.
const USER: &str = "ubuntu";

/// The hooks of the documents, and a place to make them in.
struct Documents {
    cases: Value,
    world: World,
    receiver: Receiver,
    home: tempfile::TempDir,
}

#[tokio::test]
async fn commands_of_the_reference_make_their_hooks_and_end_where_it_shows() {
    let documents = Documents::open().await;
    for case in documents.cases["commands"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let Some(hook) = documents.make(case).await else {
            println!("skipped: '{name}', for there is no {}", case["tool"]);
            continue;
        };
        assert_eq!(hook["handler"], case["handler"], "{name}: {hook}");
        assert_eq!(documents.ends_in(&hook, &case["event"]).await, case["ends_in"], "{name}");
        let hook = format!("/event-hooks/{}", hook["id"].as_str().unwrap());
        assert_eq!(documents.world.send("DELETE", &hook, &Value::Null).await.status, 204, "{name}");
    }
}

#[tokio::test]
async fn a_lambda_answers_its_test_with_all_that_came_of_it() {
    let documents = Documents::open().await;
    let script = &documents.cases["lambda.lua"];
    let hook = json!({
        "source": "crud", "event": "consumers", "handler": "lambda",
        "config": {"functions": [script]},
    });
    let hook = documents.world.hook(&hook).await;
    let data = json!({"entity": {"username": "Lois Lane"}});
    let tested = documents.world.post(&format!("/event-hooks/{hook}/test"), &data).await;
    let error = "[string \"return function (data, event, source, pid)...\"]:3: \
                 Event hook on consumer Lois Lane";
    assert_eq!(
        (tested.status.as_u16(), tested.json()),
        (
            200,
            json!({
                "data": {
                    "source": "crud", "event": "consumers", "entity": {"username": "Lois Lane"},
                },
                "result": {"returns": [], "logs": [{"level": "error", "text": error}]},
                "error": error,
            })
        )
    );
}

#[tokio::test]
async fn the_catalog_is_found_where_the_reference_looks_for_it() {
    let world = World::new().await;
    assert!(world.get("/event-hooks/sources/").await.json()["data"]["balancer"].is_object());
    assert!(world.get("/event-hooks/sources/dao:crud/").await.json()["data"]["create"].is_object());
}

impl Documents {
    async fn open() -> Self {
        let cases = repository::read("tests/conformance/reference-commands.json");
        let cases: Value = serde_json::from_str(&cases).unwrap();
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("lambda.lua"), cases["lambda.lua"].as_str().unwrap())
            .unwrap();
        Self { cases, world: World::new().await, receiver: Receiver::http().await, home }
    }

    /// The hook that a command makes, where its tool is installed.
    async fn make(&self, case: &Value) -> Option<Value> {
        let tool = tool(case["tool"].as_str().unwrap())?;
        let address = self.world.url().trim_start_matches("http://");
        let command = case["command"]
            .as_str()
            .unwrap()
            .replace("{HOSTNAME}:8001", address)
            .replace("localhost:31001", address)
            .replace(" :8001", &format!(" http://{address}"))
            .replace("{WEBHOOK_URL}", &self.receiver.url())
            .replace("https://hooks.slack.com/", &self.receiver.url());
        // HTTPie prints as curl does when nobody looks: the body alone.
        let run = tokio::process::Command::from(shell(&format!("{tool}{}", after_tool(&command))))
            .env("HOME", self.home.path())
            .env("USER", USER)
            .output()
            .await
            .unwrap();
        let printed = String::from_utf8_lossy(&run.stdout);
        let body = printed.rsplit("\r\n\r\n").next().unwrap();
        let failed = |_| panic!("{command}: {printed}{}", String::from_utf8_lossy(&run.stderr));
        Some(serde_json::from_str(body).unwrap_or_else(failed))
    }

    /// What comes of an event, as the documents show it: the body that the receiver gets, the log
    /// record, or the error of the script.
    async fn ends_in(&self, hook: &Value, event: &Value) -> Value {
        let (world, id) = (&self.world, hook["id"].as_str().unwrap());
        if hook["handler"] == "webhook" {
            let ping: Value = serde_json::from_slice(&self.receiver.next().await.body).unwrap();
            assert_eq!(ping["event"], "ping");
        }
        world.publish(event).await;
        match hook["handler"].as_str().unwrap() {
            "webhook" | "webhook-custom" => {
                serde_json::from_slice(&self.receiver.next().await.body).unwrap()
            }
            "log" => {
                // There are two such hooks in the documents, and each logs an event of its own.
                let logged = world.log_with(&format!("\"pid\":{}", event["pid"])).await;
                let record = logged.lines().rfind(|line| line.contains("log callback")).unwrap();
                serde_json::from_str(record).unwrap()
            }
            "lambda" => {
                let delivery = world.newest_that_is(id, "exhausted").await;
                let attempt = &delivery["attempts"][0];
                assert_eq!(delivery["reason"], "script-error");
                assert_eq!(attempt["logs"][0]["text"], attempt["error"], "it is logged");
                world.log_with("Event hook on consumer Lois Lane").await;
                attempt["error"].clone()
            }
            other => panic!("the reference has no handler '{other}'"),
        }
    }
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

//! docs/deploy.md and docs/operate.md, as somebody types them who has just deployed. Each runs while
//! no other story does: what they make is seen by all.

use std::env;

use serde_json::{Value, json};
use testkit::receiver::Receiver;
use tokio::process::Command;

use super::{deployed, poison_with, until};
use crate::{
    repository,
    world::{PATIENCE, Stack},
};

const DEPLOY: &str = "docs/deploy.md";
const OPERATE: &str = "docs/operate.md";

/// What removes the page's hook.
const DELETE: &str = r#"curl -s -X DELETE "$API/event-hooks/$HOOK" -H "Kong-Admin-Token:$TOKEN""#;

/// Somebody with a shell, who has typed what docs/deploy.md begins with.
pub(super) struct Reader {
    /// The variables and functions that came of it.
    knows: String,
    /// What stands on the pages, and what it is here.
    here: Vec<(&'static str, String)>,
}

impl Reader {
    pub(super) async fn of(stack: &Stack) -> Self {
        let page = repository::read(DEPLOY);
        let block = block(&page, "API=$(output ApiUrl)");
        let beginning = block.split("\n\n").next().unwrap();
        let here = vec![("event-hooks-dev", stack.name().to_owned())];
        let reader = Self { knows: String::new(), here };
        let shown = format!("{beginning}\ndeclare -p STACK API TOKEN HOOK\ndeclare -f output");
        Self { knows: reader.runs("", &shown).await.unwrap(), ..reader }
    }

    fn who_receives_at(mut self, receiver: &Receiver) -> Self {
        self.here.push(("https://example.com/hook", receiver.url()));
        self
    }

    /// Types the block of the page that this is in, and answers what was printed. An answer of
    /// 400 or above is a failure.
    pub(super) async fn types(&self, page: &str, part: &str) -> Result<String, String> {
        self.types_of("", page, part).await
    }

    /// The same, of one thing.
    async fn types_of(&self, id: &str, page: &str, part: &str) -> Result<String, String> {
        let block = block(&repository::read(page), part);
        self.runs(id, &block).await
    }

    async fn runs(&self, id: &str, commands: &str) -> Result<String, String> {
        let here = |typed: String, (page, here): &(&str, String)| typed.replace(page, here);
        let typed = self.here.iter().fold(commands.to_owned(), here);
        let tools = repository::root().join(".venv/bin");
        let path = format!("{}:{}", tools.display(), env::var("PATH").unwrap());
        let fails = "curl() { command curl --show-error --fail-with-body \"$@\"; }";
        let ran = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &format!("{}\n{fails}\n{typed}", self.knows)])
            .envs([("PATH", path.as_str()), ("ID", id)])
            .output()
            .await
            .unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        if ran.status.success() { Ok(printed) } else { Err(format!("{typed}\n{printed}{said}")) }
    }
}

/// The commands of a page that this is in.
fn block(page: &str, part: &str) -> String {
    let mut blocks = repository::code_blocks(page).into_iter().map(|it| it.lines.join("\n"));
    blocks.find(|it| it.contains(part)).unwrap_or_else(|| panic!("no block with {part}"))
}

/// The last answer of those that were printed, one after the other.
fn last(printed: &str) -> Value {
    let answers = serde_json::Deserializer::from_str(printed).into_iter();
    let answers = answers.collect::<Result<Vec<_>, _>>();
    answers.unwrap_or_else(|error| panic!("{error}: {printed}")).pop().expect("an answer")
}

async fn received(receiver: &Receiver) -> Value {
    serde_json::from_slice(&receiver.next_within(PATIENCE).await.body).unwrap()
}

#[tokio::test]
async fn a_stack_is_seen_to_work_and_looked_after() {
    let Some((_, receiver)) = deployed("the commands of docs/deploy.md").await else { return };
    let reader = Reader::of(&Stack::deployed().unwrap()).await.who_receives_at(&receiver);

    // A story that failed may have left it.
    let _ = reader.runs("", DELETE).await;

    let printed = reader.types(DEPLOY, "$API/status").await.unwrap();
    assert!(
        printed.contains(r#""status":"ok""#) && printed.contains(r#"{"accepted":1,"#),
        "{printed}"
    );
    // They are tasks of their own, and either may be quicker.
    let mut came = [received(&receiver).await, received(&receiver).await];
    came.sort_by_key(|it| it["event"] != "ping");
    assert_eq!(came[0]["event"], "ping");
    assert_eq!(came[1]["entity"]["username"], "Ada Lovelace");
    until("delivered, on the page", PATIENCE, async || {
        let printed = reader.types(DEPLOY, "$HOOK/deliveries").await.unwrap();
        (printed.matches(r#""status":"delivered""#).count() == 2).then_some(())
    })
    .await;

    let again = reader.types(OPERATE, "$HOOK/recover").await.unwrap();
    assert!(last(&again)["id"].is_string(), "{again}");

    for (page, part) in [(DEPLOY, "$API/tokens"), (OPERATE, "gateway-2")] {
        let token = last(&reader.types(page, part).await.unwrap());
        assert_eq!(token["role"], "emitter");
        let id = token["id"].as_str().unwrap();
        reader.types_of(id, OPERATE, "$API/tokens/$ID").await.unwrap();
        let gone = reader.types_of(id, OPERATE, "$API/tokens/$ID").await.unwrap_err();
        assert!(gone.contains("404"), "{gone}");
    }
    reader.runs("", DELETE).await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_processed_is_looked_at_and_dropped() {
    let Some((world, _)) = deployed("the commands about poison").await else { return };
    let stack = Stack::deployed().unwrap();
    let reader = Reader::of(&stack).await;
    let text = format!("no task, but {:016x}", fastrand::u64(..));
    let sent = json!({"QueueUrl": stack.output("EventsQueueUrl"), "MessageBody": text});
    stack.ask("sqs", "send_message", sent).await;
    let poison = poison_with(&world, &text).await;
    let id = poison["id"].as_str().unwrap();

    let listed = reader.types(OPERATE, "$API/poison\"").await.unwrap();
    assert!(listed.contains(id), "{listed}");
    let shown = reader.types_of(id, OPERATE, "with its text").await.unwrap();
    assert_eq!(last(&shown)["body"], text);
    let refused = reader.types_of(id, OPERATE, "$ID/redeliver").await.unwrap_err();
    assert!(refused.contains("409"), "{refused}");
    reader.types_of(id, OPERATE, "-X DELETE \"$API/poison").await.unwrap();
    let gone = reader.types_of(id, OPERATE, "with its text").await.unwrap_err();
    assert!(gone.contains("404"), "{gone}");
}

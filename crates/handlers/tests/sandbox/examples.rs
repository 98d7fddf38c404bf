//! The examples of docs/lua.md do what stands below them.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use handlers::sandbox::{LuaAnswer, LuaHttp, LuaRequest};

use super::*;

const PAGE: &str = include_str!("../../../../docs/lua.md");

/// A block of code of the page: its language and text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut blocks = Vec::new();
    let mut rest = PAGE;
    while let Some((_, block)) = rest.split_once("\n```") {
        let (language, block) = block.split_once('\n').unwrap();
        let (text, after) = block.split_once("```\n").unwrap();
        blocks.push((language, text));
        rest = after;
    }
    blocks
}

/// Says `ok` to everything, and remembers what was asked.
#[derive(Default)]
struct Receiver(Mutex<Vec<LuaRequest>>);

#[async_trait]
impl LuaHttp for Receiver {
    async fn request(&self, request: LuaRequest) -> Result<LuaAnswer, String> {
        self.0.lock().unwrap().push(request);
        let reason = "OK".into();
        Ok(LuaAnswer { status: 200, reason, headers: Vec::new(), body: b"ok".into() })
    }
}

/// A request as the page shows it, its body as JSON, whose members are in any order.
fn shown(text: &str) -> (String, Value) {
    let (head, body) = text.split_once("\n\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

fn made(request: &LuaRequest) -> (String, Value) {
    let lines = request.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let first = format!("{} {}", request.method, request.url);
    let head = std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n");
    (head, serde_json::from_slice(request.body.as_ref().unwrap()).unwrap())
}

/// As `POST …/test` answers it.
fn answer(ran: &Ran) -> Value {
    let mut answer = json!({"returns": ran.returns, "logs": ran.logs});
    if let Some(failure) = &ran.failure {
        answer["error"] = json!(failure.message);
    }
    answer
}

#[tokio::test]
async fn every_example_of_the_page_does_what_the_page_says() {
    let receiver = Arc::new(Receiver::default());
    let http = Some(Arc::clone(&receiver) as Arc<dyn LuaHttp>);
    let sandbox = Sandbox::new(SandboxConfig { http, ..config() });
    let blocks = blocks();
    let [("json", event), examples @ ..] = &blocks[..] else { panic!("the event comes first") };
    let event: Value = serde_json::from_str(event).unwrap();

    let mut run = 0;
    let mut examples = examples.iter().peekable();
    while let Some((language, source)) = examples.next() {
        if *language != "lua" {
            assert_eq!(*language, "console", "a block that belongs to no example");
            continue;
        }
        let sources = [(*source).trim_end().to_owned()];
        let job = Job::Functions {
            sources: (&sources[..]).into(),
            data: &event,
            event: Some("consumers".into()),
            source: "crud".into(),
            pid: 114,
        };
        assert_eq!(refusal(&sandbox, source).await, None, "{source}");
        let ran = sandbox.run(OWNER, job).await.unwrap();
        let requests: Vec<_> = receiver.0.lock().unwrap().drain(..).collect();
        match examples.next_if(|(language, _)| *language == "http") {
            Some((_, text)) => {
                assert_eq!(requests.iter().map(made).collect::<Vec<_>>(), [shown(text)]);
            }
            None => assert!(requests.is_empty(), "{source}"),
        }
        let Some(("json", expected)) = examples.next() else { panic!("no answer to {source}") };
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(answer(&ran), expected, "{source}");
        run += 1;
    }
    assert_eq!(run, 6, "examples");
}

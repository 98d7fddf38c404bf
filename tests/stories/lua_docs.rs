//! docs/lua.md, as somebody reads it who tries every function.

use regex::Regex;
use serde_json::{Value, json};
use testkit::receiver::{Answer, Received, Receiver};

use crate::{
    repository::{self, CodeBlock},
    world::World,
};

#[tokio::test]
async fn every_function_on_the_page_does_what_stands_below_it() {
    let world = World::with([("LUA_HTTP", "on")]).await;
    let receiver = Receiver::http().await;
    receiver.always(Answer::status(200).body("ok"));
    let hosts = Regex::new("https://[a-z0-9.]+/").unwrap();

    let page = repository::read("docs/lua.md");
    let blocks = repository::code_blocks(&page).into_iter();
    let mut blocks = blocks.filter(|it| it.language != "console").peekable();
    let data = json_of(&blocks.next().expect("the event comes first"));
    let mut functions = 0;
    while let Some(block) = blocks.next() {
        assert_eq!(block.language, "lua", "what belongs to no function: {:?}", block.lines);
        let function = block.lines.join("\n");
        let here = hosts.replace_all(&function, receiver.url());
        let requests_before = receiver.requests().len();
        let tested = test(&world, &here, &data).await;

        let shown = blocks.next_if(|it| it.language == "http");
        let made = &receiver.requests()[requests_before..];
        assert_eq!(made.len(), usize::from(shown.is_some()), "{function}");
        for (request, shown) in made.iter().zip(shown) {
            assert_is(request, &hosts.replace(&shown.lines.join("\n"), "/"));
        }
        let mut result = json_of(&blocks.next().expect("its result"));
        let error = result.as_object_mut().unwrap().remove("error");
        assert_eq!(
            (&tested["result"], tested.get("error")),
            (&result, error.as_ref()),
            "{function}"
        );
        functions += 1;
    }
    assert_eq!(functions, 6);
}

/// What comes of this function.
async fn test(world: &World, function: &str, data: &Value) -> Value {
    let hook = world
        .hook(&json!({
            "source": "crud", "event": "consumers", "handler": "lambda",
            "config": {"functions": [function]},
        }))
        .await;
    world.post(&format!("/event-hooks/{hook}/test"), data).await.json()
}

fn json_of(block: &CodeBlock<'_>) -> Value {
    assert_eq!(block.language, "json");
    serde_json::from_str(&block.lines.join("\n")).unwrap()
}

/// Asserts that this is the request that the page shows: the members of its body in any order.
fn assert_is(request: &Received, shown: &str) {
    let (head, body) = shown.split_once("\n\n").expect("an empty line");
    let mut head = head.lines();
    let query = request.query.as_ref().map(|it| format!("?{it}")).unwrap_or_default();
    let first = format!("{} {}{query}", request.method, request.path);
    assert_eq!(Some(&*first), head.next());
    for header in head {
        let (name, value) = header.split_once(": ").unwrap();
        assert_eq!(request.header(&name.to_lowercase()), Some(value), "{first}");
    }
    let [body, sent] = [body, request.text()].map(|it| serde_json::from_str::<Value>(it).unwrap());
    assert_eq!(sent, body, "{first}");
}

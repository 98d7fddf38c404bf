//! docs/migrate-from-kong.md, as somebody reads it who moves: the hooks that Kong lists, as its
//! reference shows them, are the hooks that are here in the end.

use std::process::Command;

use serde_json::{Value, json};
use testkit::receiver::{Answer, Receiver};

use crate::{
    console::{self, Listener},
    repository,
    world::{World, answer},
};

/// Who may do everything, at Kong and here.
const KONGS: &str = "k0ng";
const OURS: &str = "t0ken";

#[tokio::test(flavor = "multi_thread")]
async fn what_kong_lists_is_what_is_here_in_the_end() {
    if let Some(missing) = missing() {
        println!("skipped: the commands of docs/migrate-from-kong.md, for there is no {missing}");
        return;
    }
    let page = repository::read("docs/migrate-from-kong.md");
    let receiver = Listener::start(&["--secret", "s3cr3t"]).await;
    let hooks = as_kong_lists_them(&format!("http://{}", receiver.address()));
    let kong = kong_with(&hooks).await;
    let world = World::with([("ADMIN_TOKEN", OURS)]).await;
    let folder = tempfile::tempdir().unwrap();

    let address = kong.address().to_string();
    let file = folder.path().join("hooks.json").display().to_string();
    let here = [
        ("kong.example.com:8001", &*address),
        ("$KONG_TOKEN", KONGS),
        ("$TOKEN", OURS),
        ("hooks.json", &*file),
    ];
    let commands = console::follow(&page, &world, &here).await;
    assert!(commands >= 5, "only {commands} commands found");

    let mut listed = answer(world.request_with(Some(OURS), "GET", "/event-hooks")).await.json();
    for hook in listed["data"].as_array_mut().unwrap() {
        hook.as_object_mut().unwrap().remove("updated_at").expect("always there");
    }
    assert_eq!(listed, hooks);
    let deleted = kong.requests().into_iter().filter(|it| it.method == "DELETE").count();
    assert_eq!(deleted, 3, "Kong has none of them any more");
}

#[tokio::test]
async fn times_as_the_description_of_kongs_api_has_them_are_taken() {
    let world = World::new().await;
    let mut hook = as_kong_lists_them("http://localhost:9")["data"][2].take();
    hook["created_at"] = json!(1_627_595_513.0);
    let made = world.post("/event-hooks", &hook).await;
    assert_eq!((made.status.as_u16(), &made.json()["created_at"]), (201, &json!(1_627_595_513)));
}

/// The program that is not installed, if there is one.
fn missing() -> Option<&'static str> {
    let is_there = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    ["curl", "jq"].into_iter().find(|it| !is_there(it))
}

/// The answer to `GET /event-hooks` of Kong's reference, with receivers that can be reached here.
fn as_kong_lists_them(receiver: &str) -> Value {
    json!({
        "data": [
            {
                "config": {
                    "body": null,
                    "body_format": true,
                    "headers": {"content-type": "application/json"},
                    "headers_format": false,
                    "method": "POST",
                    "payload": {
                        "text": "Admin account `{{ entity.username }}` {{ operation }}d; \
                                 email address set to `{{ entity.email }}`",
                    },
                    "payload_format": true,
                    "secret": null,
                    "ssl_verify": false,
                    "url": format!("{receiver}/services/foo/bar/baz"),
                },
                "created_at": 1_627_588_552,
                "event": "admins",
                "handler": "webhook-custom",
                "id": "937df175-3db2-4e6d-8aa1-d95c94a76089",
                "on_change": null,
                "snooze": null,
                "source": "crud",
            },
            {
                "config": {
                    "headers": {},
                    "secret": null,
                    "ssl_verify": false,
                    "url": format!("{receiver}/a1b2c3-d4e5-g6h7-i8j9-k1l2m3n4o5p6"),
                },
                "created_at": 1_627_581_575,
                "event": "consumers",
                "handler": "webhook",
                "id": "c57340ab-9fed-40fd-bb7e-1cef8d37c2df",
                "on_change": null,
                "snooze": null,
                "source": "crud",
            },
            {
                "config": {
                    "functions": [
                        "return function (data, event, source, pid)\n  \
                         local user = data.entity.username\n  \
                         error(\"Event hook on consumer \" .. user .. \"\")\nend\n",
                    ],
                },
                "created_at": 1_627_595_513,
                "event": "consumers",
                "handler": "lambda",
                "id": "c9fdd58d-5416-4d3a-9467-51e5cfe4ca0e",
                "on_change": null,
                "snooze": null,
                "source": "crud",
            },
        ],
        "next": null,
    })
}

/// Somebody who answers as Kong's Admin API does, to who shows its token.
async fn kong_with(hooks: &Value) -> Receiver {
    let (kong, listed) = (Receiver::http().await, hooks.to_string());
    kong.judge(move |request| {
        if request.header("kong-admin-token") != Some(KONGS) {
            return Answer::status(401);
        }
        match (&*request.method, &*request.path) {
            ("GET", "/event-hooks") => Answer::status(200).body(listed.clone()),
            ("DELETE", path) if path.starts_with("/event-hooks/") => Answer::status(204),
            _ => Answer::status(404),
        }
    });
    kong
}

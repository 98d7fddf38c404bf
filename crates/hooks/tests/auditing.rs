//! Who changed what, as the log says it.

use std::{
    fmt::Display,
    io,
    sync::{Arc, Mutex},
};

use hooks::{
    access::{By, Role, Who},
    delivery::Status,
    handler::Handler,
    hook::Draft,
    id::{PoisonId, TokenId},
    manage::ManageError,
    name::Scope,
    poison::Poisons,
    ports::Poison,
    publish::{Sources, Withdrawn},
    replay::Range,
    secret::{Secret, Signing},
    target_url::TargetUrl,
    task::{Queue, Task},
    time::Timestamp,
    tokens::{NewToken, Tokens},
};
use serde_json::{Value, json};
use testkit::{
    builders::{at, draft, event, named, published, source, workspace},
    fakes::Script,
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};
use uuid::Uuid;

use crate::world::{World, a_webhook, change};

/// What is logged under `audit` from now on, in this thread, until it is dropped.
struct Audit {
    lines: Lines,
    _heard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Audit {
    fn new() -> Self {
        let lines = Lines::default();
        let log = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_env_filter(EnvFilter::new("audit=info"))
            .with_writer(lines.clone())
            .finish();
        Self { lines, _heard: tracing::subscriber::set_default(log) }
    }

    /// What was logged since the last time, without what every record has.
    fn records(&self) -> Vec<Value> {
        let bytes = std::mem::take(&mut *self.lines.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("hush"), "no secrets: {text}");
        let record = |line: &str| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&record["level"], &record["message"]), (&json!("INFO"), &json!("change")));
            assert_eq!((&record["target"], &record["by"]), (&json!("audit"), &json!("token")));
            for (member, expected) in
                [("token_id", TOKEN), ("token_name", "ci"), ("address", "192.0.2.1")]
            {
                assert_eq!(record[member], expected, "{member}");
            }
            for (member, value) in record.as_object_mut().unwrap() {
                if ["before", "after"].contains(&member.as_str()) {
                    *value = serde_json::from_str(value.as_str().unwrap()).unwrap();
                }
            }
            record
        };
        text.lines().map(record).collect()
    }

    /// The only thing that was done since the last time.
    fn record(&self, action: &str, what: &dyn Display) -> Value {
        let mut records = self.records();
        assert_eq!(records.len(), 1, "{records:#?}");
        let record = records.remove(0);
        assert_eq!((&record["action"], &record["result"]), (&json!(action), &json!("made")));
        assert_eq!(record["what"], what.to_string(), "{action}");
        record
    }
}

const TOKEN: &str = "7b1d2c1e-0000-4000-8000-000000000007";

fn ci() -> By {
    let id: TokenId = TOKEN.parse().unwrap();
    let who = Who::Holder { id, name: "ci".to_owned() };
    By { who, address: Some([192, 0, 2, 1].into()) }
}

/// A webhook with a secret wherever one can be.
fn a_secretive_webhook(secret: &str) -> Draft {
    let mut draft = a_webhook();
    if let Handler::Webhook(webhook) = &mut draft.handler {
        webhook.signing = Signing::with(Some(Secret::new(secret)));
        webhook.headers.insert("authorization".to_owned(), "Bearer hush".to_owned());
        webhook.url = TargetUrl::parse("https://me:hush@example.com/in?token=hush").unwrap();
    }
    draft
}

#[tokio::test]
async fn each_change_of_a_hook_is_written_down_once() {
    let (world, audit) = (World::new(), Audit::new());
    let team = workspace("team");
    let draft = a_secretive_webhook("hush");
    let hook = world.hooks.create(&ci(), &team, None, draft, None).await.unwrap().id;
    let made = audit.record("hook.create", &hook);
    assert_eq!((&made["workspace"], made.get("before")), (&json!("team"), None));
    assert_eq!(made["after"]["config"]["headers"], json!({"authorization": "***"}));
    assert_eq!(made["after"]["config"]["url"], "https://example.com/in?***");

    let scope = Scope::Only(team.clone());
    let patch = async |change: fn(Draft) -> Draft| {
        world.hooks.patch(&ci(), &scope, hook, |it| Ok(change(it.draft.clone()))).await.unwrap();
    };
    patch(|it| Draft { event: None, on_change: Some(true), ..it }).await;
    let updated = audit.record("hook.update", &hook);
    assert_eq!(updated["changed"], "event,on_change");
    assert_eq!(
        (&updated["before"]["on_change"], &updated["after"]["on_change"]),
        (&Value::Null, &json!(true))
    );

    patch(|it| Draft { handler: a_secretive_webhook("hush, hush").handler, ..it }).await;
    let renewed = audit.record("hook.update", &hook);
    assert_eq!(renewed["changed"], "config.secret", "that is said, and no more");
    assert_eq!(renewed["before"]["config"], renewed["after"]["config"]);

    patch(|it| Draft { enabled: Some(false), ..it }).await;
    assert_eq!(audit.record("hook.disable", &hook)["changed"], "enabled");
    patch(|it| Draft { enabled: None, ..it }).await;
    audit.record("hook.enable", &hook);

    let put = world.hooks.put(&ci(), &team, hook, testkit::builders::draft(), None).await;
    assert!(!put.unwrap().1);
    audit.record("hook.update", &hook);

    world.hooks.delete(&ci(), &scope, hook).await.unwrap();
    let deleted = audit.record("hook.delete", &hook);
    assert_eq!((&deleted["before"]["id"], deleted.get("after")), (&json!(hook), None));

    let (_, is_new) = world.hooks.put(&ci(), &team, hook, a_webhook(), None).await.unwrap();
    assert!(is_new);
    audit.record("hook.create", &hook);
}

#[tokio::test]
async fn what_was_not_changed_is_not_written_down_and_what_may_be_is() {
    let (world, audit) = (World::new(), Audit::new());
    let hook = world.hook(draft()).await;
    audit.lines.0.lock().unwrap().clear();

    let here = workspace("here");
    let taken = world.hooks.create(&ci(), &here, Some(hook), draft(), None).await;
    assert!(matches!(taken, Err(ManageError::Taken(_))));
    let elsewhere = world.hooks.delete(&ci(), &Scope::Only(here.clone()), hook).await;
    assert!(matches!(elsewhere, Err(ManageError::NotFound(_))));
    assert_eq!(audit.records(), [] as [Value; 0]);

    world.store.fail_next();
    assert!(world.hooks.create(&ci(), &here, None, draft(), None).await.is_err());
    let perhaps = audit.records();
    assert_eq!(perhaps.len(), 1);
    assert_eq!(perhaps[0]["result"], "unknown", "the answer may be what was lost");
}

#[tokio::test]
async fn sources_and_tokens_are_written_down() {
    let (world, audit) = (World::new(), Audit::new());
    let sources = Sources::new(Arc::new(world.store.clone()));
    let entry = published("plugin", "log");
    sources.publish(&ci(), &entry).await.unwrap();
    let record = audit.record("source.publish", &"plugin/log");
    assert_eq!((record.get("before"), &record["after"]), (None, &json!(entry.spec)));
    sources.publish(&ci(), &entry).await.unwrap();
    assert_eq!(audit.records().len(), 0, "gateways say the same whenever they start");
    sources.withdraw(&ci(), &entry.source, &entry.event).await.unwrap();
    let record = audit.record("source.withdraw", &"plugin/log");
    assert_eq!((&record["before"], record.get("after")), (&json!(entry.spec), None));
    let built_in = sources.withdraw(&ci(), &source("crud"), &named("consumers")).await.unwrap();
    assert_eq!((built_in, audit.records().len()), (Withdrawn::BuiltIn, 0));

    let tokens = Tokens::new(Arc::new(world.store.clone()), Arc::new(world.clock.clone()));
    let workspaces = vec![workspace("team")];
    let wanted = NewToken { name: "new".to_owned(), role: Role::ReadOnly, workspaces };
    let (token, text) = tokens.add(&ci(), wanted).await.unwrap();
    let record = audit.record("token.add", &token.id);
    let shown = json!({"id": token.id, "name": "new", "role": "read-only", "workspaces": ["team"]});
    assert_eq!(record["after"], shown);
    for secret in [text.expose(), token.hash.as_str()] {
        assert!(!record.to_string().contains(secret));
    }
    tokens.remove(&ci(), token.id).await.unwrap();
    assert_eq!(audit.record("token.remove", &token.id)["before"], shown);
    assert!(!tokens.remove(&ci(), token.id).await.unwrap());
    assert_eq!(audit.records().len(), 0);
}

#[tokio::test]
async fn what_is_sent_again_or_dropped_is_written_down() {
    let (world, audit) = (World::new(), Audit::new());
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [Script::FAIL]);
    let event_id = world.publish(change()).await;
    let delivery = world.delivery(hook, event_id).await;
    audit.lines.0.lock().unwrap().clear();

    world.replays.redeliver(&ci(), &Scope::All, hook, delivery).await.unwrap();
    let record = audit.record("delivery.redeliver", &hook);
    assert_eq!(record["after"], json!({"delivery": delivery, "run": 1}));

    let range =
        Range { since: Timestamp::from_seconds(0), until: None, statuses: vec![Status::Exhausted] };
    let begun = world.replays.recover(&ci(), &Scope::All, hook, range).await.unwrap();
    let record = audit.record("hook.recover", &hook);
    assert_eq!(record["after"]["recovery"], json!(begun.id));
    assert_eq!(record["after"]["since"], "1970-01-01T00:00:00.000Z");

    let put_aside = |number: u128, body: String| {
        let id: PoisonId = Uuid::from_u128(number).into();
        let (receives, reason) = (50, "it never ends".to_owned());
        let (sent, buried) = (at(0), at(60));
        world.ledger.put_aside(Poison {
            id,
            queue: Queue::Events,
            receives,
            sent,
            buried,
            reason,
            body,
        });
        id
    };
    let poisons = Poisons::new(
        Arc::new(world.ledger.clone()),
        Arc::new(world.queue.clone()),
        Arc::new(world.clock.clone()),
    );
    let shown = json!({"queue": "events", "reason": "it never ends", "receives": 50});
    let task = Task::Dispatch { events: vec![event()], again: false };
    let (good, bad) = (put_aside(1, task.encode()), put_aside(2, "hush".to_owned()));
    poisons.redeliver(&ci(), good).await.unwrap();
    assert_eq!(audit.record("poison.redeliver", &good)["before"], shown);
    assert!(poisons.redeliver(&ci(), bad).await.is_err());
    assert_eq!(audit.records().len(), 0, "it cannot be sent again");
    assert!(poisons.drop_it(&ci(), bad).await.unwrap());
    assert_eq!(audit.record("poison.drop", &bad)["before"], shown);
    assert!(!poisons.drop_it(&ci(), bad).await.unwrap());
    assert_eq!(audit.records().len(), 0);
}

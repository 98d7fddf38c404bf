//! A file that an older release left behind is still read.

use std::path::Path;

use hooks::{
    delivery::Status,
    digest::Digest,
    event::EventKey,
    gate::GateKey,
    handler::Handler,
    id::{DeliveryId, HookId, OccurrenceId, PoisonId},
    name::Scope,
    ports::{
        CatalogStore, Claim, DeliveryQuery, HookStore, KeptHealth, Ledger, PageRequest, Poison,
        TokenStore,
    },
    secret::Secret,
    task::{Queue, Task},
};
use rusqlite::Connection;
use testkit::{
    builders::{
        START, at, attempt_step, claim, event, failing, hook, memory, published, recovery, token,
    },
    fakes::HandClock,
};

use crate::{folder, open};

const FIRST_RELEASE: &str = include_str!("recorded/0001.sql");

fn lay_down(recorded: &str, folder: &Path) {
    let database = Connection::open(folder.join("event-hooks.db")).expect("a new file");
    database.execute_batch(recorded).expect("it was dumped from a database");
}

#[tokio::test]
async fn a_recorded_store_is_still_read() {
    let (folder, clock) = (folder(), HandClock::default());
    lay_down(FIRST_RELEASE, folder.path());
    let store = open(folder.path(), &clock);

    let page = PageRequest { size: 10, after: None };
    let hooks = store.hooks(&Scope::All, page).await.unwrap().items;
    let Handler::Webhook(webhook) = &hooks[0].draft.handler else { panic!("a webhook") };
    let secrets: Vec<_> = webhook.signing.in_force(START).map(Secret::expose).collect();
    assert_eq!(secrets, ["new", "old"]);
    assert_eq!(hooks[1].draft.handler, Handler::Log {});

    assert_eq!(store.published().await.unwrap(), [published("my-plugin", "my-event")]);
    assert!(store.token(&token("shown").hash).await.unwrap().is_some());

    let group = Digest::of_texts(["a group"]);
    let gate = GateKey { hook: hooks[0].id, generation: hooks[0].generation, group };
    assert_eq!(store.recall(&[gate]).await.unwrap()[0].as_ref().map(|it| it.version), Some(1));
    store.remember(&gate, &memory(1, "b"), 1, None).await.unwrap();

    let owner: OccurrenceId = "019aa5e2-7a80-7000-8000-000000000001".parse().unwrap();
    let key = EventKey::Id("mine".into());
    let claims = [claim("mine"), Claim { owner, key, ..claim("mine") }];
    assert_eq!(store.claim(&claims).await.unwrap(), [false, true]);
}

#[tokio::test]
async fn recorded_deliveries_are_still_read() {
    let (folder, clock) = (folder(), HandClock::default());
    lay_down(FIRST_RELEASE, folder.path());
    let store = open(folder.path(), &clock);
    let id: DeliveryId = "dc9027a0-598b-5461-92f0-05f455d578ac".parse().unwrap();
    let hook: HookId = "11111111-1111-4111-8111-111111111111".parse().unwrap();

    let delivery = store.delivery(id, START).await.unwrap().unwrap();
    assert_eq!(delivery.delivery.event.data, event().data);
    let steps: Vec<_> = delivery.attempts.iter().map(|it| it.step).collect();
    assert_eq!(steps, [attempt_step(1), attempt_step(2)]);

    let page = PageRequest { size: 10, after: None };
    let query = DeliveryQuery { hook, status: None, since: None, until: None, page };
    assert_eq!(store.deliveries(&query, START).await.unwrap().items[0].id, id);
    for (status, expected) in [(None, 1), (Some(Status::Delivered), 1), (Some(Status::Parked), 0)] {
        let query = DeliveryQuery { status, ..query.clone() };
        assert_eq!(store.count(&query, START).await.unwrap(), expected, "{status:?}");
    }
}

#[tokio::test]
async fn what_the_first_release_did_not_keep_can_be_kept_beside_it() {
    let (folder, clock) = (folder(), HandClock::default());
    lay_down(FIRST_RELEASE, folder.path());
    let store = open(folder.path(), &clock);

    let (hook, recovery) = (hook(), recovery());
    store.keep_health(hook.id, hook.generation, &failing(3), 0, at(60)).await.unwrap();
    let health = store.health(hook.id, hook.generation, START).await.unwrap();
    assert_eq!(health, Some(KeptHealth { health: failing(3), version: 1 }));
    store.keep_recovery(&recovery, at(60)).await.unwrap();
    assert_eq!(store.recovery(recovery.id, START).await.unwrap(), Some(recovery));
}

#[tokio::test]
async fn a_recorded_dead_letter_is_poison() {
    let (folder, clock) = (folder(), HandClock::default());
    lay_down(FIRST_RELEASE, folder.path());
    let store = open(folder.path(), &clock);

    let page = PageRequest { size: 10, after: None };
    let listed = store.poisons(page).await.unwrap().items;
    let id: PoisonId = "00000000-0000-0000-0000-000000000003".parse().unwrap();
    let poison = store.poison(id).await.unwrap().unwrap();
    assert_eq!(listed, [Poison { body: String::new(), ..poison.clone() }]);
    assert_eq!((poison.queue, poison.receives, poison.sent), (Queue::Events, 1, START));
    assert_eq!((poison.buried, &*poison.reason), (START, "not a task"));
    assert!(matches!(Task::decode(&poison.body), Ok(Task::Dispatch { .. })));
    assert!(store.drop_poison(id).await.unwrap());
    assert_eq!(store.depth().await.unwrap().dead, 0);
}

#[tokio::test]
async fn recorded_tasks_are_still_handed_out() {
    let (folder, clock) = (folder(), HandClock::default());
    lay_down(FIRST_RELEASE, folder.path());
    let store = open(folder.path(), &clock);
    clock.advance(std::time::Duration::from_secs(5));

    let events = store.receive(Queue::Events, 10).await.unwrap();
    assert_eq!(events.iter().map(|it| it.receives).collect::<Vec<_>>(), [2], "it was in hand");
    assert!(matches!(Task::decode(&events[0].body), Ok(Task::Dispatch { .. })));
    let retries = store.receive(Queue::Retries, 10).await.unwrap();
    assert!(matches!(Task::decode(&retries[0].body), Ok(Task::Retry(_))));
    assert_eq!(store.depth().await.unwrap().dead, 1);
}

/// What these are made by, in alphabetical order.
fn made_by(kinds: &str, folder: &Path) -> Vec<String> {
    let database = Connection::open(folder.join("event-hooks.db")).expect("it is there");
    let sql =
        format!("SELECT sql FROM sqlite_schema WHERE sql <> '' AND type IN ({kinds}) ORDER BY 1");
    let mut statements = database.prepare(&sql).expect("SQL");
    let rows = statements.query_map([], |row| row.get::<_, String>(0)).expect("a table of its own");
    rows.map(|it| it.expect("text")).collect()
}

#[test]
fn a_script_that_was_released_is_not_edited() {
    let [recorded, fresh] = [folder(), folder()];
    lay_down(FIRST_RELEASE, recorded.path());
    drop(open(recorded.path(), &HandClock::default()));
    drop(open(fresh.path(), &HandClock::default()));
    let all = |folder: &Path| made_by("'table', 'index'", folder);
    assert_eq!(all(recorded.path()), all(fresh.path()));
}

#[test]
fn the_first_release_finds_each_of_its_tables_as_it_left_it() {
    let folder = folder();
    lay_down(FIRST_RELEASE, folder.path());
    let left = made_by("'table'", folder.path());
    drop(open(folder.path(), &HandClock::default()));
    let found = made_by("'table'", folder.path());
    assert!(found.len() > left.len(), "it was brought up");
    for table in left {
        assert!(found.contains(&table), "{table}");
    }
    for kind in ["'trigger'", "'view'"] {
        assert_eq!(made_by(kind, folder.path()), [""; 0], "nothing gets in its way");
    }
}

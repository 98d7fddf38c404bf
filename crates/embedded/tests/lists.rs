//! What keeps a page small.

use hooks::{
    delivery::{Delivery, State},
    event::{Event, EventKey},
    handler::{Handler, Lambda},
    hook::{Draft, EventHook},
    name::Scope,
    ports::{DeliveryQuery, HookStore, Ledger, PageRequest, PortError, ShelfKey},
};
use testkit::{
    builders::{START, at, attempt_step, draft, event_at, hook, record_of},
    fakes::HandClock,
};

use crate::{folder, open};

const MEGABYTE: usize = 1024 * 1024;

#[tokio::test]
async fn a_page_of_hooks_ends_at_a_megabyte() {
    let folder = folder();
    let store = open(folder.path(), &HandClock::default());
    let large = || {
        let handler = Handler::Lambda(Lambda { functions: vec!["x".repeat(100 * 1024)] });
        EventHook { draft: Draft { handler, ..draft() }, ..hook() }
    };
    let mut ids = Vec::new();
    for _ in 0..25 {
        let hook = large();
        store.insert(&hook).await.unwrap();
        ids.push(hook.id);
    }
    ids.sort_unstable();

    let (mut pages, mut listed, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.hooks(&Scope::All, PageRequest { size: 1_000, after }).await.unwrap();
        pages.push(page.items.len());
        listed.extend(page.items.into_iter().map(|it| it.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [11, 11, 3], "each ends with the hook that fills it");
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_hook_that_cannot_be_read_hides_no_other() {
    let folder = folder();
    let store = open(folder.path(), &HandClock::default());
    let mut hooks: Vec<_> = (0..5).map(|_| hook()).collect();
    for hook in &hooks {
        store.insert(hook).await.unwrap();
    }
    drop(store);
    hooks.sort_by_key(|it| it.id);
    let (first, last) = (hooks.remove(0), hooks.remove(3));
    let database = rusqlite::Connection::open(folder.path().join("event-hooks.db")).unwrap();
    for (id, body) in [(first.id, r#"{"handler":"of the next release"}"#), (last.id, "no JSON")] {
        let sql = "UPDATE hook SET body = ?2 WHERE id = ?1";
        assert_eq!(database.execute(sql, (id.as_uuid(), body)).unwrap(), 1);
    }
    drop(database);

    let store = open(folder.path(), &HandClock::default());
    let key = ShelfKey { workspace: first.workspace.clone(), source: first.draft.source.clone() };
    let mut shelf = store.shelf(&key).await.unwrap();
    shelf.hooks.sort_by_key(|it| it.id);
    assert_eq!((shelf.version, &shelf.hooks), (5, &hooks));
    for scope in [Scope::All, Scope::Only(first.workspace.clone())] {
        for size in [1, 2, 3, 4, 5, 10] {
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let page = store.hooks(&scope, PageRequest { size, after }).await.unwrap();
                listed.extend(page.items);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(listed, hooks, "in pages of {size}");
        }
    }
    for id in [first.id, last.id] {
        let error = store.hook(id).await.unwrap_err();
        assert!(matches!(error, PortError::Corrupt { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_page_of_deliveries_ends_at_a_megabyte() {
    let folder = folder();
    let store = open(folder.path(), &HandClock::default());
    let hook = hook();
    for second in 0..30 {
        let key = Some(EventKey::Id("x".repeat(60 * 1024)));
        let delivery = Delivery::first(&hook, Event { key, ..event_at(second) });
        let record = record_of(delivery, attempt_step(1), State::Delivered);
        store.record(&record, at(60)).await.unwrap();
    }
    let page = PageRequest { size: 1_000, after: None };
    let mut query = DeliveryQuery { hook: hook.id, status: None, since: None, until: None, page };
    let first = store.deliveries(&query, START).await.unwrap();
    assert!((MEGABYTE / (61 * 1024)..=18).contains(&first.items.len()), "{}", first.items.len());
    query.page.after = first.next;
    let second = store.deliveries(&query, START).await.unwrap();
    assert_eq!(first.items.len() + second.items.len(), 30);
    assert_eq!(second.next, None);
}

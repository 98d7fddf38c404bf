//! The suites of the stores, and what only `DynamoDB` makes hard: items, requests and pages have
//! their limits, and what is read together was not written together.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use hooks::{
    catalog::Published,
    handler::{Handler, Lambda, WebhookCustom},
    hook::{Draft, EventHook},
    name::{EventName, Scope, SourceName, Workspace},
    ports::{CatalogStore, HookStore, PageRequest, PortError, Shelf, ShelfKey, TokenStore},
    secret::{Secret, Signing},
    target_url::TargetUrl,
};
use serde_json::{Value, json};
use testkit::{
    builders::{START, at, draft, hook, published, source, token, workspace},
    fakes::HandClock,
    flaky::{Asked, Halving, Trouble},
    suites,
};

use crate::world::{self, Troubled};

#[tokio::test(flavor = "multi_thread")]
async fn hook_store() {
    world::with(async |world| {
        suites::hook_store::run(async |clock| {
            let dynamo = Arc::new(world.dynamo(&clock).await);
            suites::hook_store::Subject { store: dynamo.clone(), ledger: dynamo }
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_store() {
    world::with(async |world| {
        let clock = HandClock::default();
        suites::catalog_store::run(async || Arc::new(world.dynamo(&clock).await) as _).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_store() {
    world::with(async |world| {
        let clock = HandClock::default();
        suites::token_store::run(async || Arc::new(world.dynamo(&clock).await) as _).await;
    })
    .await;
}

fn shelf_of(hook: &EventHook) -> ShelfKey {
    ShelfKey { workspace: hook.workspace.clone(), source: hook.draft.source.clone() }
}

fn lambda(bytes: usize) -> EventHook {
    let handler = Handler::Lambda(Lambda { functions: vec!["x".repeat(bytes)] });
    EventHook { draft: Draft { handler, ..draft() }, ..hook() }
}

/// As large as the admin API lets a hook become, and somewhat larger: 300 KiB of configuration,
/// secrets that JSON writes at six times their length, and names of the longest.
fn largest() -> EventHook {
    let secret = || Some(Secret::new("\u{1}".repeat(1_024)));
    let signing = Signing::with(secret()).rotated(secret(), at(0)).rotated(secret(), at(1));
    let handler = Handler::WebhookCustom(Box::new(WebhookCustom {
        url: TargetUrl::parse("https://example.com/").unwrap(),
        method: "PUT".into(),
        headers: std::collections::BTreeMap::new(),
        headers_format: false,
        payload: None,
        payload_format: true,
        body: Some("я".repeat(150 * 1_024)),
        body_format: true,
        signing,
        ssl_verify: true,
        template_engine: None,
    }));
    let draft = Draft {
        source: source(&"ü".repeat(127)),
        event: Some(EventName::parse(&"#".repeat(255)).unwrap()),
        handler,
        group_by: Some(vec!["\u{2}".repeat(255); 16]),
        ..draft()
    };
    EventHook { workspace: workspace(&"~".repeat(255)), draft, ..hook() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_hook_fits_whatever_becomes_of_it() {
    world::with(async |world| {
        let store = world.dynamo(&HandClock::default()).await;
        let first = largest();
        store.insert(&first).await.unwrap();
        let moved = Draft { source: source(&"x".repeat(255)), ..first.draft.clone() };
        let second = first.changed(moved, at(60));
        store.replace(&second, first.version).await.unwrap();
        assert_eq!(store.hook(second.id).await.unwrap().as_ref(), Some(&second));
        let shelf = store.shelf(&shelf_of(&second)).await.unwrap();
        assert_eq!(shelf, Shelf { version: 1, hooks: vec![second.clone()] });
        store.remove(&second).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_no_item_holds_is_refused_and_changes_nothing() {
    world::with(async |world| {
        let store = world.dynamo(&HandClock::default()).await;
        let hook = lambda(410 * 1_000);
        let error = store.insert(&hook).await.unwrap_err();
        assert!(matches!(error, PortError::Corrupt { .. }), "{error:?}");
        assert_eq!(store.hook(hook.id).await.unwrap(), None);
        assert_eq!(store.shelf(&shelf_of(&hook)).await.unwrap(), Shelf::default());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_hooks_ends_at_a_megabyte_and_a_shelf_does_not() {
    world::with(async |world| {
        let store = world.dynamo(&HandClock::default()).await;
        let mut ids = Vec::new();
        for _ in 0..25 {
            let hook = lambda(100 * 1_024);
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

        let shelf = store.shelf(&shelf_of(&hook())).await.unwrap();
        let mut on_shelf: Vec<_> = shelf.hooks.iter().map(|it| it.id).collect();
        on_shelf.sort_unstable();
        assert_eq!((shelf.version, on_shelf), (25, ids));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_hides_nothing_else_and_can_be_taken_away() {
    world::with(async |world| {
        let (clock, tables) = (HandClock::default(), world.tables().await);
        let store = dynamodb::Dynamo::new(world.client(), tables.clone(), Arc::new(clock));
        let (kept, lost) = (hook(), hook());
        let (kept_token, lost_token) = (token("kept"), token("lost"));
        let lost_entry = published("lost", "happened");
        store.insert(&kept).await.unwrap();
        store.insert(&lost).await.unwrap();
        store.add_token(&kept_token).await.unwrap();
        store.add_token(&lost_token).await.unwrap();
        store.publish(&published("kept", "happened")).await.unwrap();
        store.publish(&lost_entry).await.unwrap();
        let lost_id = lost.id.to_string();
        let shelf = shelf_of(&lost);
        for (table, pk, sk) in [
            (&tables.hooks, format!("hook#{lost_id}"), "hook".to_owned()),
            (&tables.hooks, "shelf#default#crud".to_owned(), format!("hook#{lost_id}")),
            (&tables.tokens, "tokens".to_owned(), lost_token.id.to_string()),
            (&tables.catalog, "catalog".to_owned(), "4#lost#happened".to_owned()),
        ] {
            let spoilt = world
                .client()
                .update_item()
                .table_name(table)
                .key("pk", AttributeValue::S(pk))
                .key("sk", AttributeValue::S(sk))
                .condition_expression("attribute_exists(pk)")
                .update_expression("SET body = :body")
                .expression_attribute_values(":body", AttributeValue::S("{\"of\": 1}".into()));
            spoilt.send().await.unwrap();
        }

        let page = PageRequest { size: 1, after: None };
        let mut listed = store.hooks(&Scope::All, page).await.unwrap();
        let next = PageRequest { size: 1, after: listed.next };
        listed.items.extend(store.hooks(&Scope::All, next).await.unwrap().items);
        assert_eq!(listed.items, std::slice::from_ref(&kept));
        let read = store.shelf(&shelf).await.unwrap();
        assert_eq!(read, Shelf { version: 2, hooks: vec![kept] });
        let error = store.hook(lost.id).await.unwrap_err();
        assert!(matches!(error, PortError::Corrupt { .. }), "{error:?}");
        let tokens = store.tokens(PageRequest { size: 10, after: None }).await.unwrap();
        assert_eq!(tokens.items, [kept_token]);
        assert_eq!(store.published().await.unwrap(), [published("kept", "happened")]);

        let mended = lost.changed(draft(), at(60));
        store.replace(&mended, lost.version).await.unwrap();
        assert_eq!(store.hook(lost.id).await.unwrap(), Some(mended));
        assert!(store.remove_token(lost_token.id).await.unwrap());
        assert_eq!(store.token(&lost_token.hash).await.unwrap(), None, "it opens no door any more");
        assert!(store.withdraw(&lost_entry.source, &lost_entry.event).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_any_characters_and_lengths_keep_to_themselves() {
    world::with(async |world| {
        let store = world.dynamo(&HandClock::default()).await;
        let long = "界".repeat(85);
        let pairs = [
            ("a", "b#c"),
            ("a#b", "c"),
            ("1#a", "b"),
            ("1", "a#b"),
            ("0", "hook#x"),
            (&long, &long),
            (" ", "\"'{}|\\/%00"),
            ("\u{10ffff}", "\u{202e}"),
        ];
        let entries: Vec<Published> = pairs.map(|(a, b)| published(a, b)).into();
        for entry in &entries {
            store.publish(entry).await.unwrap();
        }
        let names = |it: &Published| (it.source.clone(), it.event.clone());
        let mut found: Vec<_> = store.published().await.unwrap().iter().map(names).collect();
        found.sort();
        let mut expected: Vec<_> = entries.iter().map(names).collect();
        expected.sort();
        assert_eq!(found, expected);

        for (name, _) in pairs {
            let named = SourceName::parse(name).unwrap();
            let hook = EventHook { draft: Draft { source: named, ..draft() }, ..hook() };
            store.insert(&hook).await.unwrap();
            let shelf = store.shelf(&shelf_of(&hook)).await.unwrap();
            assert_eq!(shelf, Shelf { version: 1, hooks: vec![hook] }, "{name}");
        }
        for entry in &entries {
            assert!(store.withdraw(&entry.source, &entry.event).await.unwrap(), "{entry:?}");
        }
        assert_eq!(store.published().await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_versions_are_asked_for_than_go_into_a_request() {
    world::with(async |world| {
        let store = world.dynamo(&HandClock::default()).await;
        let hook = hook();
        store.insert(&hook).await.unwrap();
        let key = |it: usize| ShelfKey {
            workspace: Workspace::default_workspace(),
            source: if it % 50 == 7 { hook.draft.source.clone() } else { source(&it.to_string()) },
        };
        let keys: Vec<_> = (0..330).map(key).collect();
        let expected: Vec<_> = (0..330).map(|it| u64::from(it % 50 == 7)).collect();
        assert_eq!(store.versions(&keys).await.unwrap(), expected);
    })
    .await;
}

/// Takes away what is written of hooks that have this name in them, as if that were still on its
/// way: the version stays.
const ON_ITS_WAY: Halving = Halving {
    request: |_| Value::Null,
    answer: |answer, _| {
        let items = answer["Items"].as_array_mut().unwrap();
        items.retain(|it| !it["body"].to_string().contains("on-its-way"));
        answer["Count"] = json!(items.len());
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_shelf_that_is_met_half_way_is_read_again_or_not_remembered() {
    world::with(async |world| {
        let Troubled { direct, troubled, flaky } = world.troubled(&HandClock::default()).await;
        let there = hook();
        let named = Some(EventName::parse("on-its-way").unwrap());
        let late = EventHook { draft: Draft { event: named, ..draft() }, ..hook() };
        direct.insert(&there).await.unwrap();
        direct.insert(&late).await.unwrap();
        let key = shelf_of(&there);
        let whole = direct.shelf(&key).await.unwrap();
        assert_eq!((whole.version, whole.hooks.len()), (2, 2));

        flaky.next([Trouble::Halved(ON_ITS_WAY), Trouble::Halved(ON_ITS_WAY)]);
        assert_eq!(troubled.shelf(&key).await.unwrap(), whole);
        assert_eq!(flaky.asked().len(), 3, "until it was whole");

        flaky.always(Trouble::Halved(ON_ITS_WAY));
        let half = troubled.shelf(&key).await.unwrap();
        assert_eq!(half.hooks, [there]);
        assert_ne!(half.version, whole.version, "who remembers it has to ask again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelf_is_read_once_and_versions_are_one_request() {
    world::with(async |world| {
        let Troubled { troubled, flaky, .. } = world.troubled(&HandClock::default()).await;
        let mut hooks: Vec<_> = (0..10).map(|_| hook()).collect();
        for hook in &hooks {
            troubled.insert(hook).await.unwrap();
        }
        for hook in &mut hooks[..5] {
            let next = hook.changed(Draft { source: source("b"), ..draft() }, START);
            troubled.replace(&next, hook.version).await.unwrap();
            *hook = next;
        }
        troubled.remove(&hooks[0]).await.unwrap();
        troubled.remove(&hooks[9]).await.unwrap();
        let keys = [&hooks[1], &hooks[5]].map(shelf_of);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&asked);
        flaky.rule(move |it: &Asked| {
            note.lock().unwrap().push(it.operation.clone());
            None
        });
        assert_eq!(troubled.versions(&keys).await.unwrap(), [6, 16]);
        assert_eq!(troubled.shelf(&keys[0]).await.unwrap().hooks.len(), 4);
        assert_eq!(troubled.shelf(&keys[1]).await.unwrap().hooks.len(), 4);
        assert_eq!(*asked.lock().unwrap(), ["BatchGetItem", "Query", "Query"]);
    })
    .await;
}

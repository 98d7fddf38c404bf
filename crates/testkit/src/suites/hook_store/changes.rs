//! One hook, from its beginning to its end.

use std::{collections::BTreeMap, sync::Arc};

use hooks::{
    handler::{Dialect, Format, Handler, Lambda, Webhook, WebhookCustom},
    hook::{Draft, EventHook, Snooze},
    id::{Generation, HookId},
    name::Scope,
    ports::{PortResult, Shelf},
    secret::{Secret, Signing},
    target_url::TargetUrl,
};
use serde_json::json;

use super::{Subject, changed, on_source, shelf_of};
use crate::{
    builders::{at, draft, hook, source, webhook, workspace},
    suites::races,
};

pub(super) async fn nothing_is_there_at_first(subject: &Subject) -> PortResult<()> {
    assert_eq!(subject.store.hook(HookId::random()).await?, None);
    assert_eq!(subject.listed(&Scope::All, 10).await?, []);
    assert_eq!(subject.store.shelf(&shelf_of(&hook())).await?, Shelf::default());
    assert_eq!(subject.store.versions(&[]).await?, [0; 0]);
    Ok(())
}

/// Every handler, with everything that it can have.
fn all_handlers() -> Vec<Handler> {
    let signing = Signing::with(Some(Secret::new("old"))).rotated(Some(Secret::new("new")), at(0));
    let headers = BTreeMap::from([("x-one".to_owned(), "\"quoted\", für Ü".to_owned())]);
    let url = TargetUrl::parse("HTTPS://example.com/päth?q={{ a }}").expect("a URL");
    let payload = json!({"text": "{{ entity.username }}", "deep": [1, 2.5, null, true]});
    vec![
        Handler::Webhook(Webhook {
            url: url.clone(),
            headers: headers.clone(),
            signing: signing.clone(),
            ssl_verify: true,
            format: Some(Format::CloudEvents),
        }),
        Handler::WebhookCustom(Box::new(WebhookCustom {
            url,
            method: "PUT".into(),
            headers,
            headers_format: true,
            payload: payload.as_object().cloned(),
            payload_format: true,
            body: Some("line\nbreak".into()),
            body_format: false,
            signing,
            ssl_verify: false,
            template_engine: Some(Dialect::Handlebars),
        })),
        Handler::Log {},
        Handler::Lambda(Lambda { functions: vec!["return function() end".into(); 2] }),
    ]
}

pub(super) async fn a_hook_is_read_back_whole_from_everywhere(subject: &Subject) -> PortResult<()> {
    for handler in all_handlers() {
        let draft = Draft {
            source: source("dao:crud"),
            event: None,
            handler,
            on_change: Some(true),
            snooze: Some(Snooze::seconds(0)),
            enabled: Some(false),
            group_by: Some(vec!["a".into(), "b".into()]),
            filter: r#"{"operation":[{"anything-but":"update"},null]}"#.parse().ok(),
        };
        let hook = EventHook { workspace: workspace("team-a"), draft, ..hook() };
        subject.store.insert(&hook).await?;
        subject.assert_only(&hook).await?;
        subject.store.remove(&hook).await?;
    }
    Ok(())
}

pub(super) async fn an_id_is_taken_in_whatever_workspace(subject: &Subject) -> PortResult<()> {
    let first = hook();
    subject.store.insert(&first).await?;
    let same_id = EventHook { id: first.id, workspace: workspace("elsewhere"), ..hook() };
    assert!(races::is_conflict(&subject.store.insert(&first).await), "the same hook");
    assert!(races::is_conflict(&subject.store.insert(&same_id).await), "another workspace");
    assert_eq!(subject.version(&shelf_of(&same_id)).await?, 0, "its shelf was not touched");
    subject.assert_only(&first).await
}

pub(super) async fn a_replaced_hook_is_seen_everywhere(subject: &Subject) -> PortResult<()> {
    let before = hook();
    subject.store.insert(&before).await?;
    let after = changed(&before, Draft { handler: webhook("https://example.com/"), ..draft() });
    subject.store.replace(&after, before.version).await?;
    subject.assert_only(&after).await
}

pub(super) async fn a_stale_writer_changes_nothing(subject: &Subject) -> PortResult<()> {
    let first = hook();
    let present = changed(&first, draft());
    subject.store.insert(&first).await?;
    subject.store.replace(&present, first.version).await?;
    let shelf = shelf_of(&present);
    let version = subject.version(&shelf).await?;

    let next = changed(&present, on_source("elsewhere"));
    let other_life = EventHook { generation: Generation::random(), ..next.clone() };
    let nobody = EventHook { id: HookId::random(), ..next.clone() };
    let store = &subject.store;
    for (name, result) in [
        ("replace: an older version", store.replace(&next, first.version).await),
        ("replace: a version to come", store.replace(&next, next.version).await),
        ("replace: another generation", store.replace(&other_life, present.version).await),
        ("replace: a hook that is not there", store.replace(&nobody, present.version).await),
        ("remove: an older version", store.remove(&first).await),
        ("remove: a version to come", store.remove(&next).await),
        ("remove: another generation", {
            store.remove(&EventHook { version: present.version, ..other_life }).await
        }),
        ("remove: a hook that is not there", {
            store.remove(&EventHook { version: present.version, ..nobody }).await
        }),
    ] {
        assert!(races::is_conflict(&result), "{name}: {result:?}");
    }
    assert_eq!(subject.version(&shelf).await?, version, "no shelf was touched");
    assert_eq!(subject.version(&shelf_of(&next)).await?, 0, "no shelf was touched");
    subject.assert_only(&present).await
}

pub(super) async fn a_removed_hook_is_gone_from_everywhere(subject: &Subject) -> PortResult<()> {
    let (kept, gone) = (hook(), hook());
    subject.insert_all(&[kept.clone(), gone.clone()]).await?;
    subject.store.remove(&gone).await?;
    assert_eq!(subject.store.hook(gone.id).await?, None);
    assert!(races::is_conflict(&subject.store.remove(&gone).await), "it was there once");
    let late = changed(&gone, draft());
    assert!(races::is_conflict(&subject.store.replace(&late, gone.version).await));
    subject.assert_only(&kept).await
}

pub(super) async fn a_removed_hook_leaves_its_id_free(subject: &Subject) -> PortResult<()> {
    let first_life = hook();
    subject.store.insert(&first_life).await?;
    subject.store.remove(&first_life).await?;
    let second_life = EventHook { id: first_life.id, ..hook() };
    subject.store.insert(&second_life).await?;
    assert!(races::is_conflict(&subject.store.remove(&first_life).await), "it is another hook");
    subject.assert_only(&second_life).await
}

pub(super) async fn of_two_hooks_with_one_id_exactly_one_is_added(
    subject: &Subject,
) -> PortResult<()> {
    let id = HookId::random();
    let hooks: Vec<_> = (0..8).map(|_| EventHook { id, ..hook() }).collect();
    let racers = hooks.clone().into_iter().map(|hook| {
        let store = Arc::clone(&subject.store);
        async move { store.insert(&hook).await }
    });
    let winner = races::only_winner(&races::run(racers).await);
    subject.assert_only(&hooks[winner]).await
}

pub(super) async fn of_two_writers_that_saw_the_same_exactly_one_wins(
    subject: &Subject,
) -> PortResult<()> {
    let seen = hook();
    subject.store.insert(&seen).await?;
    let change = |it: u32| changed(&seen, Draft { snooze: Some(Snooze::seconds(it)), ..draft() });
    let changes: Vec<_> = (0..8).map(change).collect();
    let racers = changes.clone().into_iter().map(|hook| {
        let store = Arc::clone(&subject.store);
        async move { store.replace(&hook, 1).await }
    });
    let winner = races::only_winner(&races::run(racers).await);
    subject.assert_only(&changes[winner]).await
}

pub(super) async fn of_a_change_and_a_removal_exactly_one_wins(
    subject: &Subject,
) -> PortResult<()> {
    let seen = hook();
    let next = changed(&seen, draft());
    subject.store.insert(&seen).await?;
    let racers = [true, false].map(|is_change| {
        let (store, seen, next) = (Arc::clone(&subject.store), seen.clone(), next.clone());
        async move {
            if is_change {
                store.replace(&next, seen.version).await
            } else {
                store.remove(&seen).await
            }
        }
    });
    let winner = races::only_winner(&races::run(racers).await);
    assert_eq!(subject.store.hook(seen.id).await?, (winner == 0).then_some(next));
    Ok(())
}

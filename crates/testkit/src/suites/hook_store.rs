//! [`HookStore`]: a change that was answered is seen by every later call, and moves the version of
//! its shelf.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hooks::{
    handler::{Handler, Lambda, Webhook, WebhookCustom},
    hook::{Draft, EventHook, Snooze},
    id::{Generation, HookId},
    name::Scope,
    ports::{HookStore, Ledger, PortResult, Remembered, Shelf, ShelfKey},
    secret::{Secret, Signing},
    target_url::TargetUrl,
};
use serde_json::json;

use super::{check_each, pages, races};
use crate::{
    builders::{at, draft, event, hook, memory, record_of, source, webhook, workspace},
    fakes::HandClock,
};

/// A store, and the ledger beside it, whose gate memories go with their hooks.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn HookStore>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
}

/// Holds a hook store to its promise. `fresh` makes an empty one, and its ledger, that go by this
/// clock.
pub async fn run(fresh: impl AsyncFn(HandClock) -> Subject) {
    check_each!(fresh(HandClock::default()).await =>
        nothing_is_there_at_first,
        a_hook_is_read_back_whole_from_everywhere,
        an_id_is_taken_in_whatever_workspace,
        a_replaced_hook_is_seen_everywhere,
        a_stale_writer_changes_nothing,
        a_removed_hook_is_gone_from_everywhere,
        a_removed_hook_leaves_its_id_free,
        hooks_are_listed_by_id_within_their_scope_whatever_the_page,
        pages_stay_in_place_while_hooks_are_added_and_removed,
        a_shelf_holds_the_hooks_of_its_workspace_and_source,
    );
    check_each!(fresh(HandClock::default()).await =>
        every_change_moves_the_version_of_its_shelf_and_of_no_other,
        a_change_of_source_moves_both_shelves,
        a_version_never_goes_back,
        versions_are_answered_in_order,
        removal_drops_what_the_gates_of_the_hook_remember_and_of_no_other,
        a_change_leaves_what_gates_remember,
        deliveries_of_a_removed_hook_stay_readable_by_id,
        of_two_hooks_with_one_id_exactly_one_is_added,
        of_two_writers_that_saw_the_same_exactly_one_wins,
        of_a_change_and_a_removal_exactly_one_wins,
        changes_at_once_each_move_the_version,
    );
}

/// The next version of a hook, as somebody left it.
fn changed(hook: &EventHook, draft: Draft) -> EventHook {
    hook.changed(draft, at(60))
}

fn shelf_of(hook: &EventHook) -> ShelfKey {
    ShelfKey { workspace: hook.workspace.clone(), source: hook.draft.source.clone() }
}

fn on_source(name: &str) -> Draft {
    Draft { source: source(name), ..draft() }
}

impl Subject {
    async fn insert_all(&self, hooks: &[EventHook]) -> PortResult<()> {
        for hook in hooks {
            self.store.insert(hook).await?;
        }
        Ok(())
    }

    async fn listed(&self, scope: &Scope, size: usize) -> PortResult<Vec<EventHook>> {
        let fetch = async |page| self.store.hooks(scope, page).await;
        pages::all(size, fetch, pages::quietly).await
    }

    async fn version(&self, key: &ShelfKey) -> PortResult<u64> {
        let versions = self.store.versions(std::slice::from_ref(key)).await?;
        let shelf = self.store.shelf(key).await?;
        assert_eq!(versions, [shelf.version], "both ways to ask agree");
        Ok(shelf.version)
    }

    /// Holds everything that can be read against this being the only hook.
    async fn assert_only(&self, hook: &EventHook) -> PortResult<()> {
        assert_eq!(self.store.hook(hook.id).await?.as_ref(), Some(hook));
        assert_eq!(self.listed(&Scope::All, 10).await?, [hook.clone()]);
        assert_eq!(self.store.shelf(&shelf_of(hook)).await?.hooks, [hook.clone()]);
        Ok(())
    }
}

async fn nothing_is_there_at_first(subject: &Subject) -> PortResult<()> {
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
        })),
        Handler::Log {},
        Handler::Lambda(Lambda { functions: vec!["return function() end".into(); 2] }),
    ]
}

async fn a_hook_is_read_back_whole_from_everywhere(subject: &Subject) -> PortResult<()> {
    for handler in all_handlers() {
        let draft = Draft {
            source: source("dao:crud"),
            event: None,
            handler,
            on_change: Some(true),
            snooze: Some(Snooze::seconds(0)),
            enabled: Some(false),
            group_by: Some(vec!["a".into(), "b".into()]),
        };
        let hook = EventHook { workspace: workspace("team-a"), draft, ..hook() };
        subject.store.insert(&hook).await?;
        subject.assert_only(&hook).await?;
        subject.store.remove(&hook).await?;
    }
    Ok(())
}

async fn an_id_is_taken_in_whatever_workspace(subject: &Subject) -> PortResult<()> {
    let first = hook();
    subject.store.insert(&first).await?;
    let same_id = EventHook { id: first.id, workspace: workspace("elsewhere"), ..hook() };
    assert!(races::is_conflict(&subject.store.insert(&first).await), "the same hook");
    assert!(races::is_conflict(&subject.store.insert(&same_id).await), "another workspace");
    assert_eq!(subject.version(&shelf_of(&same_id)).await?, 0, "its shelf was not touched");
    subject.assert_only(&first).await
}

async fn a_replaced_hook_is_seen_everywhere(subject: &Subject) -> PortResult<()> {
    let before = hook();
    subject.store.insert(&before).await?;
    let after = changed(&before, Draft { handler: webhook("https://example.com/"), ..draft() });
    subject.store.replace(&after, before.version).await?;
    subject.assert_only(&after).await
}

async fn a_stale_writer_changes_nothing(subject: &Subject) -> PortResult<()> {
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

async fn a_removed_hook_is_gone_from_everywhere(subject: &Subject) -> PortResult<()> {
    let (kept, gone) = (hook(), hook());
    subject.insert_all(&[kept.clone(), gone.clone()]).await?;
    subject.store.remove(&gone).await?;
    assert_eq!(subject.store.hook(gone.id).await?, None);
    assert!(races::is_conflict(&subject.store.remove(&gone).await), "it was there once");
    let late = changed(&gone, draft());
    assert!(races::is_conflict(&subject.store.replace(&late, gone.version).await));
    subject.assert_only(&kept).await
}

async fn a_removed_hook_leaves_its_id_free(subject: &Subject) -> PortResult<()> {
    let first_life = hook();
    subject.store.insert(&first_life).await?;
    subject.store.remove(&first_life).await?;
    let second_life = EventHook { id: first_life.id, ..hook() };
    subject.store.insert(&second_life).await?;
    assert!(races::is_conflict(&subject.store.remove(&first_life).await), "it is another hook");
    subject.assert_only(&second_life).await
}

async fn hooks_are_listed_by_id_within_their_scope_whatever_the_page(
    subject: &Subject,
) -> PortResult<()> {
    let names = ["default", "a", "b"];
    let place = |it: usize| EventHook { workspace: workspace(names[it % 3]), ..hook() };
    let mut hooks: Vec<_> = (0..21).map(place).collect();
    subject.insert_all(&hooks).await?;
    hooks.sort_by_key(|it| it.id);

    let scopes = names.map(|name| Scope::Only(workspace(name)));
    for scope in [Scope::All, Scope::Only(workspace("nobody"))].iter().chain(&scopes) {
        let expected: Vec<_> =
            hooks.iter().filter(|it| scope.includes(&it.workspace)).cloned().collect();
        for size in [1, 2, 7, 21, 22, 1_000] {
            assert_eq!(subject.listed(scope, size).await?, expected, "{scope:?} by {size}");
        }
    }
    Ok(())
}

async fn pages_stay_in_place_while_hooks_are_added_and_removed(
    subject: &Subject,
) -> PortResult<()> {
    let mut there_all_along: Vec<_> = (0..10).map(|_| hook()).collect();
    subject.insert_all(&there_all_along).await?;
    there_all_along.sort_by_key(|it| it.id);

    let fetch = async |page| subject.store.hooks(&Scope::All, page).await;
    let between = async || {
        let passing = hook();
        subject.insert_all(&[passing.clone(), hook()]).await?;
        subject.store.remove(&passing).await
    };
    let listed = pages::all(3, fetch, between).await?;
    assert!(listed.is_sorted_by(|a, b| a.id < b.id), "by id, none twice");
    let seen: Vec<_> = listed.into_iter().filter(|it| there_all_along.contains(it)).collect();
    assert_eq!(seen, there_all_along, "none left out");
    Ok(())
}

async fn a_shelf_holds_the_hooks_of_its_workspace_and_source(subject: &Subject) -> PortResult<()> {
    let wanted = [hook(), hook()];
    let other_source = EventHook { draft: on_source("balancer"), ..hook() };
    let other_workspace = EventHook { workspace: workspace("a"), ..hook() };
    subject.insert_all(&wanted).await?;
    subject.insert_all(&[other_source, other_workspace]).await?;

    let mut shelf = subject.store.shelf(&shelf_of(&wanted[0])).await?.hooks;
    shelf.sort_by_key(|it| it.id != wanted[0].id);
    assert_eq!(shelf, wanted);
    Ok(())
}

async fn every_change_moves_the_version_of_its_shelf_and_of_no_other(
    subject: &Subject,
) -> PortResult<()> {
    let hook = hook();
    let shelf = shelf_of(&hook);
    let other_source = ShelfKey { source: source("other"), ..shelf.clone() };
    let other_workspace = ShelfKey { workspace: workspace("other"), ..shelf.clone() };

    let mut versions = vec![subject.version(&shelf).await?];
    subject.store.insert(&hook).await?;
    versions.push(subject.version(&shelf).await?);
    let next = changed(&hook, draft());
    subject.store.replace(&next, hook.version).await?;
    versions.push(subject.version(&shelf).await?);
    subject.store.remove(&next).await?;
    versions.push(subject.version(&shelf).await?);

    assert_eq!(versions[0], 0, "there never was a hook");
    assert!(versions.is_sorted_by(|a, b| a < b), "each change moves it: {versions:?}");
    assert_eq!(subject.version(&other_source).await?, 0);
    assert_eq!(subject.version(&other_workspace).await?, 0);
    Ok(())
}

async fn a_change_of_source_moves_both_shelves(subject: &Subject) -> PortResult<()> {
    let before = hook();
    let after = changed(&before, on_source("balancer"));
    subject.store.insert(&before).await?;
    let left = subject.version(&shelf_of(&before)).await?;
    subject.store.replace(&after, before.version).await?;

    assert!(subject.version(&shelf_of(&before)).await? > left, "the one that it left");
    assert!(subject.version(&shelf_of(&after)).await? > 0, "the one that it came to");
    assert_eq!(subject.store.shelf(&shelf_of(&before)).await?.hooks, []);
    subject.assert_only(&after).await
}

async fn a_version_never_goes_back(subject: &Subject) -> PortResult<()> {
    let mut last = 0;
    for _ in 0..3 {
        let hook = hook();
        subject.store.insert(&hook).await?;
        subject.store.remove(&hook).await?;
        let version = subject.version(&shelf_of(&hook)).await?;
        assert!(version > last, "{version} after {last}, although the shelf was empty meanwhile");
        last = version;
    }
    Ok(())
}

async fn versions_are_answered_in_order(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    let (known, unknown) = (shelf_of(&hook), ShelfKey { source: source("x"), ..shelf_of(&hook) });
    subject.store.insert(&hook).await?;
    let version = subject.version(&known).await?;
    let asked = [unknown.clone(), known.clone(), unknown, known];
    assert_eq!(subject.store.versions(&asked).await?, [0, version, 0, version]);
    Ok(())
}

/// The key of a gate of this hook.
fn gate_of(hook: &EventHook, group: &str) -> hooks::gate::GateKey {
    hooks::gate::GateKey {
        hook: hook.id,
        generation: hook.generation,
        group: hooks::digest::Digest::of_texts([group]),
    }
}

async fn removal_drops_what_the_gates_of_the_hook_remember_and_of_no_other(
    subject: &Subject,
) -> PortResult<()> {
    let (gone, kept) = (hook(), hook());
    subject.insert_all(&[gone.clone(), kept.clone()]).await?;
    let gates = [gate_of(&gone, "a"), gate_of(&gone, "b"), gate_of(&kept, "a")];
    for gate in &gates {
        subject.ledger.remember(gate, &memory(0, "a"), 0, None).await?;
    }
    subject.store.remove(&gone).await?;
    let recalled = subject.ledger.recall(&gates).await?;
    assert_eq!(recalled.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true]);
    Ok(())
}

async fn a_change_leaves_what_gates_remember(subject: &Subject) -> PortResult<()> {
    let before = hook();
    let after = changed(&before, on_source("balancer"));
    subject.store.insert(&before).await?;
    let memory = memory(0, "a");
    subject.ledger.remember(&gate_of(&before, "a"), &memory, 0, None).await?;
    subject.store.replace(&after, before.version).await?;
    let recalled = subject.ledger.recall(&[gate_of(&after, "a")]).await?;
    assert_eq!(recalled, [Some(Remembered { memory, version: 1 })]);
    Ok(())
}

async fn deliveries_of_a_removed_hook_stay_readable_by_id(subject: &Subject) -> PortResult<()> {
    let hook = hook();
    subject.store.insert(&hook).await?;
    let delivery = hooks::delivery::Delivery::first(&hook, event());
    let step = crate::builders::attempt_step(1);
    let record = record_of(delivery, step, hooks::delivery::State::Delivered);
    subject.ledger.record(&record, at(0) + Duration::from_hours(24)).await?;
    subject.store.remove(&hook).await?;
    let entry = subject.ledger.delivery(record.delivery.id(), at(0)).await?;
    assert_eq!(entry.map(|it| it.delivery), Some(record.delivery));
    Ok(())
}

async fn of_two_hooks_with_one_id_exactly_one_is_added(subject: &Subject) -> PortResult<()> {
    let id = HookId::random();
    let hooks: Vec<_> = (0..8).map(|_| EventHook { id, ..hook() }).collect();
    let racers = hooks.clone().into_iter().map(|hook| {
        let store = Arc::clone(&subject.store);
        async move { store.insert(&hook).await }
    });
    let winner = races::only_winner(&races::run(racers).await);
    subject.assert_only(&hooks[winner]).await
}

async fn of_two_writers_that_saw_the_same_exactly_one_wins(subject: &Subject) -> PortResult<()> {
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

async fn of_a_change_and_a_removal_exactly_one_wins(subject: &Subject) -> PortResult<()> {
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

async fn changes_at_once_each_move_the_version(subject: &Subject) -> PortResult<()> {
    let racers = (0..20).map(|_| {
        let store = Arc::clone(&subject.store);
        async move { store.insert(&hook()).await }
    });
    races::run(racers).await.into_iter().collect::<PortResult<()>>()?;
    assert!(subject.version(&shelf_of(&hook())).await? >= 20, "no change hides another");
    assert_eq!(subject.listed(&Scope::All, 100).await?.len(), 20);
    Ok(())
}

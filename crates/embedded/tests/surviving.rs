//! What outlives the process that wrote it.

use std::{sync::Arc, time::Duration};

use hooks::{
    delivery::State,
    hook::EventHook,
    ports::{
        CatalogStore, Claim, Clock, HookStore, KeptHealth, Ledger, PageRequest, PortError,
        ShelfKey, TaskQueue, TokenStore,
    },
    task::{Queue, Task},
};
use testkit::{
    builders::{
        START, at, attempt_step, claim, delivery, dispatch, event, failing, gate_key, hook, memory,
        outgoing, published, record_of, recovery, token, workspace,
    },
    fakes::HandClock,
};

use crate::{folder, open};

/// How long the rest is kept.
const MONTH: Duration = Duration::from_hours(30 * 24);

#[tokio::test]
async fn everything_that_was_answered_is_there_after_reopening() {
    let (folder, clock) = (folder(), HandClock::default());
    let hook = EventHook { workspace: workspace("a"), ..hook() };
    let shelf = ShelfKey { workspace: hook.workspace.clone(), source: hook.draft.source.clone() };
    let (entry, token, gate, mine) = (published("p", "e"), token("t"), gate_key(), claim("a"));
    let record = record_of(delivery(), attempt_step(1), State::Delivered);
    let task = dispatch(event());
    let (recovery, given_up) = (recovery(), dispatch(event()));

    let store = open(folder.path(), &clock);
    store.insert(&hook).await.unwrap();
    store.publish(&entry).await.unwrap();
    store.add_token(&token).await.unwrap();
    store.remember(&gate, &memory(0, "a"), 0, None).await.unwrap();
    store.claim(std::slice::from_ref(&mine)).await.unwrap();
    store.record(&record, at(60)).await.unwrap();
    store.keep_health(hook.id, hook.generation, &failing(3), 0, at(60)).await.unwrap();
    store.keep_recovery(&recovery, at(60)).await.unwrap();
    store.send(vec![outgoing(given_up.clone())]).await.unwrap();
    let message = store.receive(Queue::Events, 1).await.unwrap().remove(0);
    store.bury(message.id, "a test wants it dead").await.unwrap();
    store.send(vec![outgoing(task.clone())]).await.unwrap();
    let kept_shelf = store.shelf(&shelf).await.unwrap();
    drop(store);

    let store = open(folder.path(), &clock);
    let health = store.health(hook.id, hook.generation, START).await.unwrap();
    assert_eq!(health, Some(KeptHealth { health: failing(3), version: 1 }));
    assert_eq!(store.recovery(recovery.id, START).await.unwrap(), Some(recovery));
    assert_eq!(store.hook(hook.id).await.unwrap(), Some(hook));
    assert_eq!(store.shelf(&shelf).await.unwrap(), kept_shelf);
    assert_eq!(store.published().await.unwrap(), [entry]);
    assert_eq!(store.token(&token.hash).await.unwrap(), Some(token));
    let late = store.remember(&gate, &memory(1, "b"), 0, None).await;
    assert!(matches!(late, Err(PortError::Conflict)), "the memory is there: {late:?}");
    assert_eq!(store.claim(&[mine]).await.unwrap(), [true], "still its owner's");
    let kept = store.delivery(record.delivery.id(), START).await.unwrap().unwrap();
    assert_eq!((kept.delivery, kept.attempts.len()), (record.delivery, 1));
    let messages = store.receive(Queue::Events, 10).await.unwrap();
    assert_eq!(Task::decode(&messages[0].body).unwrap(), task);
    let page = PageRequest { size: 10, after: None };
    let listed = store.poisons(page).await.unwrap().items;
    let poison = store.poison(listed[0].id).await.unwrap().unwrap();
    assert_eq!(Task::decode(&poison.body).unwrap(), given_up);
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_is_handed_out_again_and_counted() {
    let (folder, clock) = (folder(), HandClock::default());
    let store = open(folder.path(), &clock);
    store.send(vec![outgoing(dispatch(event())), outgoing(dispatch(event()))]).await.unwrap();
    let first = store.receive(Queue::Events, 10).await.unwrap();
    assert_eq!(first.iter().map(|it| it.receives).collect::<Vec<_>>(), [1, 1]);
    store.acknowledge(&[first[0].id]).await.unwrap();
    drop(store);

    let store = open(folder.path(), &clock);
    let again = store.receive(Queue::Events, 10).await.unwrap();
    assert_eq!(again.len(), 1, "what was acknowledged stays away");
    assert_eq!((&again[0].body, again[0].receives), (&first[1].body, 2));
}

#[tokio::test]
async fn an_id_is_not_given_again_while_anybody_may_know_it() {
    let (folder, clock) = (folder(), HandClock::default());
    let store = open(folder.path(), &clock);
    store.send(vec![outgoing(dispatch(event()))]).await.unwrap();
    let first = store.receive(Queue::Events, 1).await.unwrap();
    store.acknowledge(&[first[0].id]).await.unwrap();
    store.send(vec![outgoing(dispatch(event()))]).await.unwrap();
    let second = store.receive(Queue::Events, 1).await.unwrap();
    assert_ne!(first[0].id, second[0].id);
    store.bury(second[0].id, "a test wants it dead").await.unwrap();
    drop(store);

    let store = open(folder.path(), &clock);
    store.send(vec![outgoing(dispatch(event())), outgoing(dispatch(event()))]).await.unwrap();
    for message in store.receive(Queue::Events, 10).await.unwrap() {
        assert_ne!(message.id, second[0].id, "that one is a dead letter's");
        store.bury(message.id, "these too").await.unwrap();
    }
    assert_eq!(store.depth().await.unwrap().dead, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_store_finishes_what_was_asked() {
    let (folder, clock) = (folder(), HandClock::default());
    let store = open(folder.path(), &clock);
    let hooks: Vec<_> = (0..50).map(|_| hook()).collect();
    for hook in hooks.clone() {
        let store = store.clone();
        // Asked for, and not waited for.
        let mut asking = Box::pin(async move { store.insert(&hook).await });
        let asked = std::future::poll_fn(|context| {
            let _ = asking.as_mut().poll(context);
            std::task::Poll::Ready(())
        });
        asked.await;
    }
    drop(store);

    let store = open(folder.path(), &clock);
    for hook in hooks {
        assert!(store.hook(hook.id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_has_expired_is_swept_in_slices_and_nothing_else() {
    let (folder, clock) = (folder(), HandClock::default());
    let store = open(folder.path(), &clock);
    let kept = record_of(delivery(), attempt_step(1), State::Delivered);
    let kept_gate = gate_key();
    store.record(&kept, START + MONTH).await.unwrap();
    store.remember(&kept_gate, &memory(0, "a"), 0, None).await.unwrap();
    let (kept_hook, kept_recovery) = (hook(), recovery());
    let keep_health = async |hook: &EventHook, expires| {
        store.keep_health(hook.id, hook.generation, &failing(1), 0, expires).await.unwrap();
    };
    keep_health(&kept_hook, START + MONTH).await;
    store.keep_recovery(&kept_recovery, START + MONTH).await.unwrap();
    for number in 0..5 {
        keep_health(&hook(), at(10)).await;
        store.keep_recovery(&recovery(), at(10)).await.unwrap();
        let gone = record_of(delivery(), attempt_step(1), State::Delivered);
        store.record(&gone, at(10)).await.unwrap();
        store.remember(&gate_key(), &memory(0, "a"), 0, Some(at(10))).await.unwrap();
        let mut claim = claim(&number.to_string());
        claim.until = at(10);
        store.claim(&[claim]).await.unwrap();
    }
    assert_eq!(store.sweep(100).await.unwrap(), 0, "nothing has expired");
    clock.advance(Duration::from_secs(10));
    let sweep_all = async || {
        let mut swept = Vec::new();
        while swept.last() != Some(&0) {
            swept.push(store.sweep(2).await.unwrap());
        }
        swept
    };
    assert_eq!(sweep_all().await, [8, 8, 4, 0], "two of each kind at a time");
    clock.set(at(10) + Claim::KEPT_BEYOND_ITS_END - Duration::from_millis(1));
    assert_eq!(sweep_all().await, [0], "claims may still be asked for");
    clock.advance(Duration::from_millis(1));
    assert_eq!(sweep_all().await, [2, 2, 1, 0], "two claims at a time");
    let entry = store.delivery(kept.delivery.id(), clock.now()).await.unwrap();
    assert_eq!(entry.map(|it| it.attempts.len()), Some(1));
    assert!(store.recall(&[kept_gate]).await.unwrap()[0].is_some());

    drop(store);
    let database = rusqlite::Connection::open(folder.path().join("event-hooks.db")).unwrap();
    let rows = "SELECT (SELECT count(*) FROM delivery), (SELECT count(*) FROM attempt),
                       (SELECT count(*) FROM gate), (SELECT count(*) FROM health),
                       (SELECT count(*) FROM recovery), (SELECT count(*) FROM claim)";
    let counts: Vec<i64> =
        database.query_row(rows, [], |row| (0..6).map(|column| row.get(column)).collect()).unwrap();
    assert_eq!(counts, [1, 1, 1, 1, 1, 0], "nothing is left of the others");
}

#[tokio::test]
async fn a_store_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let folder = folder();
    shared(&Arc::new(open(folder.path(), &HandClock::default())));
}

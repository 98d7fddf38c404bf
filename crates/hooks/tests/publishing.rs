//! What becomes of a `POST /events` before and after its 202.

use hooks::access::By;
use hooks::publish::{NewEvent, PublishError};
use testkit::builders::{draft, named, published, source};

use crate::world::{World, change};

#[tokio::test]
async fn accepted_means_on_the_queue() {
    let world = World::new();
    let ids = world.accept(vec![change(), change()]).await;
    assert_eq!(ids.len(), 2);
    assert_eq!(world.queue.depth(), 1, "both in one message");
}

#[tokio::test]
async fn a_request_is_taken_whole_or_not_at_all() {
    let world = World::new();
    let unknown = NewEvent { event: named("pigs"), ..change() };
    let refused = world.try_accept(vec![change(), unknown], None).await;

    let Err(PublishError::Unknown(unknown)) = refused else { panic!("{refused:?}") };
    assert_eq!(unknown.iter().map(|it| it.index).collect::<Vec<_>>(), [1]);
    assert!(unknown[0].message.contains("'pigs'"), "{}", unknown[0].message);
    assert_eq!(world.queue.depth(), 0);
}

#[tokio::test]
async fn what_was_just_published_is_accepted() {
    let world = World::new();
    let new = NewEvent { source: source("plugin"), event: named("log"), ..change() };
    assert!(world.try_accept(vec![new.clone()], None).await.is_err());

    let sources = hooks::publish::Sources::new(std::sync::Arc::new(world.store.clone()));
    sources.publish(&By::default(), &published("plugin", "log")).await.unwrap();
    assert!(world.try_accept(vec![new], None).await.is_ok());
}

#[tokio::test]
async fn what_was_withdrawn_is_refused_within_ten_seconds() {
    let world = World::new();
    let new = NewEvent { source: source("plugin"), event: named("log"), ..change() };
    let sources = hooks::publish::Sources::new(std::sync::Arc::new(world.store.clone()));
    sources.publish(&By::default(), &published("plugin", "log")).await.unwrap();
    world.accept(vec![new.clone()]).await;
    sources.withdraw(&By::default(), &new.source, &new.event).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(10));
    assert!(world.try_accept(vec![new], None).await.is_err());
}

#[tokio::test]
async fn what_is_accepted_later_is_never_older() {
    let world = World::new();
    world.accept(vec![change()]).await;
    world.clock.set(testkit::builders::at(-60));
    world.accept(vec![change()]).await;
    let order = |sent: testkit::fakes::Sent| match sent.outgoing.task {
        hooks::task::Task::Dispatch { events, .. } => events[0].order,
        other => panic!("{other:?}"),
    };
    let orders: Vec<_> = world.queue.sent().into_iter().map(order).collect();
    assert!(orders[0] < orders[1], "{orders:?}");
}

#[tokio::test]
async fn a_queue_out_of_reach_is_no_202() {
    let world = World::new();
    world.queue.fail_next();
    assert!(matches!(world.try_accept(vec![change()], None).await, Err(PublishError::Port(_))));
}

#[tokio::test]
async fn an_event_with_an_id_is_dispatched_once_in_24_hours() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    let mine = || NewEvent { id: Some("mine".to_owned()), ..change() };
    let elsewhere = NewEvent { source: source("dao:crud"), event: named("create"), ..mine() };

    world.accept(vec![mine(), mine()]).await;
    world.publish(mine()).await;
    assert_eq!(world.handlers.hooks_run(), [hook], "twice in a request, and in another");

    let data = testkit::builders::data(serde_json::json!({"schema": "consumers"}));
    world.publish(NewEvent { data, ..elsewhere }).await;
    assert_eq!(world.handlers.runs().len(), 2, "the id of another source");

    world.advance(std::time::Duration::from_hours(24)).await;
    world.publish(mine()).await;
    assert_eq!(world.handlers.runs().len(), 3, "a day later");
}

#[tokio::test]
async fn a_repeated_request_with_a_key_is_dispatched_once() {
    let world = World::new();
    world.hook(draft()).await;
    for _ in 0..2 {
        world.try_accept(vec![change(), change()], Some("key")).await.unwrap();
        world.run().await;
    }
    assert_eq!(world.handlers.runs().len(), 2, "one for each event of the request");
}

#[tokio::test]
async fn a_crash_after_the_claim_finds_its_own_claim() {
    let world = World::new();
    let hook = world.hook(draft()).await;
    world.handlers.next(hook, [testkit::fakes::Script::Hang]);
    world.accept(vec![NewEvent { id: Some("mine".to_owned()), ..change() }]).await;

    world.run_and_crash().await;
    world.run().await;

    assert_eq!(world.handlers.hooks_run(), [hook, hook]);
    assert_eq!(world.queue.depth(), 0);
}

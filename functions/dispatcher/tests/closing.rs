//! An invocation is back before its deadline, and what it did not begin is on the queue.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use awskit::{
    events::{Message, given_back},
    servers::with,
};
use hooks::{delivery::Delivery, task::Task};
use testkit::receiver::{Answer, Receiver};

use crate::world::{dispatcher, fresh, invoked, keep, message, owed, seen, to, work};

/// Twelve hundred deliveries are owed, five hundred are attempted at a time, and each takes a second
/// and a half: in an invocation of ten, nothing is begun after a quarter of that.
#[tokio::test]
async fn what_there_is_no_time_for_is_sent_on() {
    with(async |servers| {
        let receiver = Receiver::http().await;
        receiver.always(Answer::status(200).after(Duration::from_millis(1_500)));
        let events: Vec<_> = (0..60).map(|_| fresh()).collect();
        let mut expected = BTreeSet::new();
        for _ in 0..20 {
            let hook = keep(servers, to(&receiver)).await;
            let owed = events.iter().map(|it| Delivery::first(&hook, it.clone()).id().to_string());
            expected.extend(owed);
        }
        let messages: Vec<_> = events.chunks(10).map(|it| message(servers, it.to_vec())).collect();
        let dispatcher = dispatcher(servers, &[("EVENT_HOOKS_TIMEOUT", "3")]).await.unwrap();
        let time = Duration::from_secs(10);
        let began = Instant::now();
        let answer = invoked(&dispatcher, &messages, time).await.answer();
        assert!(began.elapsed() < time, "it took {:?}", began.elapsed());
        assert_eq!(given_back(&answer), Vec::<String>::new());

        let attempted = seen(&receiver);
        assert!(!attempted.is_empty(), "there was time for some");
        let waiting = servers.take_all().await;
        let is_continued =
            |it: &Message| matches!(Task::decode(&it.body), Ok(Task::Deliver { .. }));
        assert!(waiting.iter().any(is_continued), "there was no time for all");
        let waiting: BTreeSet<_> = waiting.iter().flat_map(owed).collect();
        let lost: Vec<_> = expected
            .iter()
            .filter(|it| !attempted.contains(*it) && !waiting.contains(*it))
            .collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    })
    .await;
}

/// With the tables out of reach nothing can be done, and nothing may be lost or killed.
#[tokio::test]
async fn what_cannot_be_begun_is_given_back_in_time() {
    with(async |servers| {
        // Nobody answers there.
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let nowhere = format!("http://{}", silent.local_addr().unwrap());
        let dispatcher =
            dispatcher(servers, &[("AWS_ENDPOINT_URL_DYNAMODB", &nowhere)]).await.unwrap();
        let messages = [message(servers, vec![fresh()]), message(servers, vec![fresh()])];
        let time = Duration::from_secs(4);
        let answer = invoked(&dispatcher, &messages, time).await.answer();
        let ids: Vec<_> = messages.iter().map(|it| it.id.clone()).collect();
        assert_eq!(given_back(&answer), ids);
        assert_eq!(dispatcher.starts(), 1, "it was not killed for it");
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_is_down_gives_no_message_back() {
    with(async |servers| {
        let receiver = Receiver::http().await;
        receiver.always(Answer::status(503));
        keep(servers, to(&receiver)).await;
        let dispatcher = dispatcher(servers, &[]).await.unwrap();
        let back = work(&dispatcher, &[message(servers, vec![fresh()])]).await;
        assert_eq!(back, Vec::<String>::new());
        assert_eq!(seen(&receiver).len(), 1);
    })
    .await;
}

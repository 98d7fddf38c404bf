//! An invocation is back before its deadline, and what it did not begin is on the queue.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use awskit::{events::given_back, servers::with};
use hooks::delivery::Delivery;
use testkit::receiver::{Answer, Receiver};

use crate::world::{dispatcher, fresh, invoked, keep, message, owed, seen, to, work};

/// Three hundred deliveries are owed to receivers that take two seconds each, in an invocation of
/// fourteen: from the fourth second on nothing is begun.
#[tokio::test]
async fn what_there_is_no_time_for_is_sent_on() {
    with(async |servers| {
        let receiver = Receiver::http().await;
        receiver.always(Answer::status(200).after(Duration::from_secs(2)));
        let mut expected = BTreeSet::new();
        let events: Vec<_> = (0..60).map(|_| fresh()).collect();
        for _ in 0..5 {
            let hook = keep(servers, to(&receiver)).await;
            let owed = events.iter().map(|it| Delivery::first(&hook, it.clone()).id().to_string());
            expected.extend(owed);
        }
        let dispatcher = dispatcher(servers, &[("EVENT_HOOKS_TIMEOUT", "3")]).await.unwrap();
        let time = Duration::from_secs(14);
        let began = Instant::now();
        let answer = invoked(&dispatcher, &[message(servers, events)], time).await.answer();
        assert!(began.elapsed() < time, "it took {:?}", began.elapsed());
        assert_eq!(given_back(&answer), Vec::<String>::new());

        let attempted = seen(&receiver);
        assert!(!attempted.is_empty(), "there was time for some");
        // Those that wait for their slow receiver are put off for some seconds.
        let mut waiting = BTreeSet::new();
        let patience = Instant::now() + Duration::from_secs(30);
        while !expected.iter().all(|it| attempted.contains(it) || waiting.contains(it)) {
            assert!(Instant::now() < patience, "lost: {:?}", lost(&expected, &attempted, &waiting));
            waiting.extend(servers.take_all().await.iter().flat_map(owed));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert!(!waiting.is_empty(), "there was no time for all");
    })
    .await;
}

fn lost<'a>(
    expected: &'a BTreeSet<String>,
    attempted: &BTreeSet<String>,
    waiting: &BTreeSet<String>,
) -> Vec<&'a String> {
    expected.iter().filter(|it| !attempted.contains(*it) && !waiting.contains(*it)).collect()
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

//! An invocation is killed at any point, and its batch is handed over again: nothing is lost.

use std::{collections::BTreeSet, time::Duration};

use aws::SystemClock;
use awskit::{events::given_back, servers::with};
use hooks::{
    delivery::Delivery,
    event::Event,
    hook::{Draft, EventHook, Snooze},
    ports::Clock as _,
};
use testkit::{
    lambda_host::Invoked,
    receiver::{Answer, Receiver},
};

use crate::world::{TIME, accepted_at, dispatcher, invoked, keep, message, seen, to};

/// How many milliseconds after its beginning an invocation is killed: before anything is decided,
/// between gate and attempt, between attempts and their records.
const MOMENTS: [u64; 12] = [0, 3, 6, 10, 15, 22, 30, 45, 60, 90, 140, 250];

#[tokio::test]
async fn every_delivery_is_made_however_often_the_program_is_killed() {
    with(async |servers| {
        let receiver = Receiver::http().await;
        receiver.always(Answer::status(200).after(Duration::from_millis(5)));
        let all = keep(servers, to(&receiver)).await;
        let snooze = Some(Snooze::seconds(30));
        let snoozing = keep(servers, Draft { snooze, ..to(&receiver) }).await;
        let dispatcher = dispatcher(servers, &[]).await.unwrap();

        let mut killed = 0;
        let mut accepted = SystemClock.now() - Duration::from_hours(1);
        for moment in MOMENTS {
            accepted = accepted + Duration::from_secs(60);
            let events: Vec<_> = (0..20).map(|_| accepted_at(accepted)).collect();
            let mut batch: Vec<_> =
                events.chunks(5).map(|it| message(servers, it.to_vec())).collect();
            let (ended, ()) = tokio::join!(invoked(&dispatcher, &batch, TIME), async {
                tokio::time::sleep(Duration::from_millis(moment)).await;
                dispatcher.kill().await;
            });
            if let Invoked::Died(_) = ended {
                killed += 1;
                batch.iter_mut().for_each(|it| it.receives += 1);
                let answer = invoked(&dispatcher, &batch, TIME).await.answer();
                assert_eq!(given_back(&answer), Vec::<String>::new());
            }
            servers.drain(&dispatcher, TIME).await;

            let seen = seen(&receiver);
            let owed = deliveries(&all, &events);
            let lost: Vec<_> = owed.difference(&seen).collect();
            assert!(lost.is_empty(), "killed after {moment} ms: lost {lost:?}");
            // None of them was there before the snooze: one passes, and passes again.
            let passed = deliveries(&snoozing, &events).intersection(&seen).count();
            assert!(passed >= 1, "killed after {moment} ms: held by its own mark");
        }
        assert!(killed >= MOMENTS.len() / 2, "only {killed} were killed in the middle");
    })
    .await;
}

/// The ids of what is owed to a hook for these events.
fn deliveries(hook: &EventHook, events: &[Event]) -> BTreeSet<String> {
    events.iter().map(|it| Delivery::first(hook, it.clone()).id().to_string()).collect()
}

//! Everything goes wrong at once, by a seed: what was accepted is there.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::{Duration, Instant},
};

use hooks::{ports::TaskQueue, task::Task};
use sqs::SqsQueue;
use testkit::{
    builders::{dispatch, event, outgoing},
    flaky::{Flaky, Trouble},
};

use crate::{
    fake::{Fake, Said, queues},
    world::client,
};

const SEEDS: u64 = 12;
const ATTEMPT: Duration = Duration::from_millis(150);
const PATIENCE: Duration = Duration::from_secs(5);

/// What befalls a request.
fn trouble(random: &mut fastrand::Rng) -> Option<Trouble> {
    match random.u8(0..20) {
        0 => Some(Trouble::Refused(403, "RequestThrottled")),
        1 => Some(Trouble::BROKEN),
        2 => Some(Trouble::Dropped),
        3 => Some(Trouble::AnswerLost),
        4 => Some(Trouble::AnswerLate(ATTEMPT * 2)),
        5 => Some(Trouble::Late(ATTEMPT * 2)),
        _ => None,
    }
}

/// What is said of a task, which may be another thing when it is asked for again.
fn said(seed: u64, task: &Task, before: usize) -> Said {
    let mut hasher = DefaultHasher::new();
    (seed, task.encode(), before).hash(&mut hasher);
    match hasher.finish() % 10 {
        0 => Said::NotNow,
        1 => Said::Nothing,
        _ => Said::Taken,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_in_a_storm_is_there() {
    let mut accepted = 0;
    for seed in 0..SEEDS {
        let fake = Fake::saying(move |task, before| said(seed, task, before)).await;
        let flaky = Flaky::before(&fake.url()).await;
        let mut random = fastrand::Rng::with_seed(seed);
        flaky.rule(move |_| trouble(&mut random));
        let queue = SqsQueue::new(client(&flaky.url(), ATTEMPT), queues()).within(PATIENCE);
        let sendings = (0..4).map(|_| {
            let queue = queue.clone();
            let tasks: Vec<_> = (0..15).map(|_| dispatch(event())).collect();
            tokio::spawn(async move {
                let started = Instant::now();
                let sent = queue.send(tasks.iter().cloned().map(outgoing).collect()).await;
                (tasks, sent, started.elapsed())
            })
        });
        for sending in sendings.collect::<Vec<_>>() {
            let (tasks, sent, took) = sending.await.unwrap();
            assert!(took < PATIENCE * 2, "seed {seed}: {took:?}");
            if sent.is_ok() {
                accepted += 1;
                let kept = fake.tasks();
                assert!(tasks.iter().all(|it| kept.contains(it)), "seed {seed}: lost");
            }
        }
    }
    assert!(accepted > SEEDS * 2, "a storm in which little was accepted proves little: {accepted}");
}

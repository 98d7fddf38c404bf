//! What goes wrong between us and SQS: after `Ok` every task was taken, and nothing takes for ever.

use std::time::{Duration, Instant};

use hooks::{
    event::Event,
    ports::{LONGEST_DELAY, Outgoing, PortError, PortResult, TaskQueue},
    task::{Queue, Task},
};
use serde_json::json;
use sqs::SqsQueue;
use testkit::{
    builders::{data, dispatch, event, outgoing},
    flaky::{Flaky, Trouble},
};

use crate::{
    fake::{Fake, Said, queues},
    world::{ATTEMPT, ATTEMPTS, client},
};

const THROTTLED: Trouble = Trouble::Refused(403, "RequestThrottled");

/// Longer than a client waits for an answer.
const TOO_LATE: Duration = ATTEMPT.saturating_mul(2);

/// How long a sending may take in these tests, longer than its tries take.
const PATIENCE: Duration = Duration::from_secs(15);

fn tasks(count: usize) -> Vec<Task> {
    (0..count).map(numbered).collect()
}

/// A task that knows its number.
fn numbered(number: usize) -> Task {
    dispatch(Event { data: data(json!({"number": number})), ..event() })
}

fn number_of(task: &Task) -> u64 {
    let Task::Dispatch { events, .. } = task else { panic!("not one of these tasks: {task:?}") };
    events[0].data.get("number").and_then(serde_json::Value::as_u64).expect("a number")
}

fn queue(server: &str) -> SqsQueue {
    SqsQueue::new(client(server, ATTEMPT), queues()).within(PATIENCE)
}

async fn send(queue: &SqsQueue, tasks: &[Task]) -> PortResult<()> {
    queue.send(tasks.iter().cloned().map(outgoing).collect()).await
}

fn assert_holds(fake: &Fake, sent: &[Task], name: &str) {
    let kept = fake.tasks();
    let lost: Vec<_> = sent.iter().filter(|it| !kept.contains(it)).map(number_of).collect();
    assert!(lost.is_empty(), "{name}: lost {lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_for_a_while_loses_nothing() {
    let often = ATTEMPTS as usize + 1;
    for (name, troubles) in [
        ("nothing", vec![]),
        ("throttled", vec![THROTTLED]),
        ("throttled by the account", vec![Trouble::THROTTLED]),
        ("throttled more often than the client repeats itself", vec![THROTTLED; often]),
        ("an error of SQS", vec![Trouble::BROKEN]),
        ("an error of SQS for longer", vec![Trouble::BROKEN; often]),
        ("no service", vec![Trouble::Refused(503, "ServiceUnavailable"); often]),
        ("a connection that breaks on the way", vec![Trouble::Dropped; often]),
        ("an answer that is lost", vec![Trouble::AnswerLost; often]),
        ("an answer that is late", vec![Trouble::AnswerLate(TOO_LATE); often]),
        ("a request that is late", vec![Trouble::Late(TOO_LATE)]),
        (
            "one after the other",
            vec![THROTTLED, Trouble::Dropped, Trouble::BROKEN, Trouble::AnswerLost],
        ),
    ] {
        let fake = Fake::willing().await;
        let flaky = Flaky::before(&fake.url()).await;
        flaky.next(troubles);
        let sent = tasks(25);
        send(&queue(&flaky.url()), &sent).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_holds(&fake, &sent, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_for_ever_is_said() {
    for (name, trouble, expected) in [
        ("throttled", THROTTLED, "RequestThrottled"),
        ("an error of SQS", Trouble::BROKEN, "InternalServerError"),
        ("connections that break", Trouble::Dropped, "dispatch failure"),
        ("no answer", Trouble::Late(Duration::from_mins(1)), "timeout"),
        ("no permission", Trouble::Refused(403, "AccessDenied"), "403 AccessDenied: made up"),
        ("no permission for the key", Trouble::Refused(400, "KmsAccessDenied"), "KmsAccessDenied"),
        ("no such queue", Trouble::Refused(400, "QueueDoesNotExist"), "QueueDoesNotExist"),
    ] {
        let fake = Fake::willing().await;
        let flaky = Flaky::before(&fake.url()).await;
        flaky.always(trouble);
        let started = Instant::now();
        let error = send(&queue(&flaky.url()), &tasks(25)).await.unwrap_err();
        assert!(matches!(error, PortError::Unavailable { .. }), "{name}: {error}");
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(started.elapsed() < PATIENCE, "{name}: {:?}", started.elapsed());
        assert!(fake.tasks().is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_not_asked_again() {
    let fake = Fake::willing().await;
    let flaky = Flaky::before(&fake.url()).await;
    flaky.always(Trouble::Refused(403, "AccessDenied"));
    send(&queue(&flaky.url()), &tasks(10)).await.unwrap_err();
    assert_eq!(flaky.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sending_ends_with_its_patience() {
    let fake = Fake::willing().await;
    let flaky = Flaky::before(&fake.url()).await;
    flaky.always(Trouble::Late(Duration::from_mins(1)));
    let patience = Duration::from_millis(700);
    let started = Instant::now();
    let impatient = queue(&flaky.url()).within(patience);
    let error = send(&impatient, &tasks(200)).await.unwrap_err();
    assert_eq!(error.to_string(), "the queue is unavailable: no answer within 700ms");
    assert!(started.elapsed() < patience * 2, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_sqs_is_out_of_reach_no_more_is_begun() {
    let fake = Fake::willing().await;
    let flaky = Flaky::before(&fake.url()).await;
    flaky.always(Trouble::Refused(403, "AccessDenied"));
    send(&queue(&flaky.url()), &tasks(1_000)).await.unwrap_err();
    let asked = flaky.asked().len();
    assert!(asked < 50, "{asked} of 100 requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_is_sent_again_and_nothing_else() {
    for (name, said) in [("refused for now", Said::NotNow), ("not named", Said::Nothing)] {
        let fake = Fake::saying(
            move |task, before| {
                if number_of(task) < 3 && before < 2 { said } else { Said::Taken }
            },
        )
        .await;
        let sent = tasks(10);
        send(&queue(&fake.url()), &sent).await.unwrap();
        assert_eq!(fake.counts(), [10, 3, 3], "{name}");
        assert_holds(&fake, &sent, name);
        assert_eq!(fake.tasks().len(), 10, "{name}: each once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_task_that_is_not_taken_for_ever_keeps_back_no_other() {
    for (name, said, expected, requests) in [
        ("refused for now", Said::NotNow, "the queue is unavailable: InternalError: not now", 7),
        ("not named", Said::Nothing, "the queue is unavailable: not among what was taken", 7),
        (
            "refused for good",
            Said::Never,
            "a task for the queue is corrupt: \
             InvalidMessageContents: a character outside the allowed set",
            3,
        ),
    ] {
        let bad = 14;
        let fake =
            Fake::saying(move |task, _| if number_of(task) == bad { said } else { Said::Taken })
                .await;
        let sent = tasks(25);
        let error = send(&queue(&fake.url()), &sent).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{name}");
        assert_eq!(fake.counts().len(), requests, "{name}");
        let (bad, good): (Vec<_>, Vec<_>) = sent.into_iter().partition(|it| number_of(it) == bad);
        assert_holds(&fake, &good, name);
        assert!(!fake.tasks().contains(&bad[0]), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_kinds_of_refusal_in_one_answer_are_kept_apart() {
    let fake = Fake::saying(|task, before| match number_of(task) {
        2 if before == 0 => Said::NotNow,
        // Refused for good only when it is asked for again.
        3 if before == 0 => Said::Nothing,
        0 | 1 | 3 => Said::Never,
        _ => Said::Taken,
    })
    .await;
    let error = send(&queue(&fake.url()), &tasks(6)).await.unwrap_err();
    assert!(matches!(error, PortError::Corrupt { .. }), "{error}");
    assert_eq!(fake.counts(), [6, 2]);
    let mut taken: Vec<_> = fake.tasks().iter().map(number_of).collect();
    taken.sort_unstable();
    assert_eq!(taken, [2, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sqs_would_never_take_is_refused_before_anything_is_sent() {
    let large = data(json!({"filler": "x".repeat(1024 * 1024)}));
    let late = LONGEST_DELAY + Duration::from_nanos(1);
    for (name, bad, expected) in [
        (
            "too late",
            Outgoing { delay: late, ..outgoing(numbered(9)) },
            "a task for the queue is corrupt: a delay of 900.000000001s is longer than 900s",
        ),
        (
            "too large",
            outgoing(dispatch(Event { data: large, ..event() })),
            "is larger than 1048576",
        ),
    ] {
        let fake = Fake::willing().await;
        let tasks = tasks(20).into_iter().map(outgoing).chain([bad]).collect();
        let error = queue(&fake.url()).send(tasks).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(fake.counts().is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_arrives_in_its_queue_with_its_delay_and_group() {
    let fake = Fake::willing().await;
    let delay = Duration::from_millis(4_001);
    let hook = "0192d0c2-7d8e-7c3a-9f30-2b1f6a8f3c11".to_owned();
    let retry = Outgoing { queue: Queue::Retries, group: hook, delay, task: numbered(1) };
    queue(&fake.url()).send(vec![outgoing(numbered(0)), retry]).await.unwrap();
    let mut arrived: Vec<_> = fake
        .entries()
        .into_iter()
        .map(|it| json!([it["QueueUrl"], it["DelaySeconds"], it["MessageGroupId"]]))
        .collect();
    arrived.sort_by_key(ToString::to_string);
    assert_eq!(
        arrived,
        [
            json!([queues().events, 0, "default"]),
            json!([queues().retries, 5, "0192d0c2-7d8e-7c3a-9f30-2b1f6a8f3c11"]),
        ]
    );
}

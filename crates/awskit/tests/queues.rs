//! The two queues, without waiting: what was sent is there to be handed over when the test's clock
//! says so, and what Lambda asks of SQS for that is counted as AWS documents it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use awskit::meter::{Meter, QueueCosts};
use hooks::{dispatch::Message, ports::Clock as _, task::Queue, time::Timestamp};
use serde_json::{Value, json};
use sqs::{Queues, SqsQueue};
use testkit::{
    fakes::HandClock,
    receiver::{Answer, Receiver},
};

/// How many messages are handed over at once, as template.yaml says.
const MOST_OF_A_BATCH: usize = 10;

/// Takes what it is sent.
pub(crate) struct FakeQueues {
    receiver: Receiver,
    clock: HandClock,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

/// A message, and when it may be handed over.
struct Waiting {
    queue: Queue,
    due: Timestamp,
    body: String,
}

impl FakeQueues {
    /// Two empty queues.
    pub(crate) async fn start(clock: &HandClock) -> Self {
        let receiver = Receiver::http().await;
        let waiting: Arc<Mutex<Vec<Waiting>>> = Arc::default();
        let (taking, by) = (Arc::clone(&waiting), clock.clone());
        receiver.judge(move |request| {
            let request: Value = serde_json::from_slice(&request.body).expect("JSON");
            take(&mut locked(&taking), &request, by.now())
        });
        Self { receiver, clock: clock.clone(), waiting }
    }

    /// The sending half, as the functions have it, where what it costs is counted.
    pub(crate) fn metered(&self, meter: &Meter) -> SqsQueue {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(self.receiver.url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .interceptor(meter.clone());
        let url = |queue: Queue| format!("http://localhost/000000000000/{}", queue.as_str());
        let queues = Queues { events: url(Queue::Events), retries: url(Queue::Retries) };
        SqsQueue::new(Client::from_conf(config.build()), queues)
    }

    /// What Lambda hands over of a queue now, and what it asks SQS for: `ReceiveMessage`, and
    /// `DeleteMessageBatch` when all of it is done.
    pub(crate) fn hand_over(&self, queue: Queue) -> Option<(Vec<Message>, QueueCosts)> {
        let now = self.clock.now();
        let mut waiting = locked(&self.waiting);
        let is_due = |it: &Waiting| it.queue == queue && it.due <= now;
        let (mut due, mut others): (Vec<_>, Vec<_>) = waiting.drain(..).partition(is_due);
        if due.len() > MOST_OF_A_BATCH {
            others.extend(due.drain(MOST_OF_A_BATCH..));
        }
        *waiting = others;
        let bytes = due.iter().map(|it| it.body.len()).sum();
        let costs = QueueCosts::request(bytes) + QueueCosts::request(0);
        let messages = due.into_iter().map(|it| Message { body: it.body, receives: 1 }).collect();
        Some((messages, costs)).filter(|(messages, _): &(Vec<_>, _)| !messages.is_empty())
    }

    /// When the next message may be handed over, if there is one.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        locked(&self.waiting).iter().map(|it| it.due).min()
    }
}

fn take(waiting: &mut Vec<Waiting>, request: &Value, now: Timestamp) -> Answer {
    let url = request["QueueUrl"].as_str().expect("a URL");
    let mut queues = Queue::ALL.into_iter();
    let queue = queues.find(|it| url.ends_with(it.as_str())).expect("one of the two");
    let mut taken = Vec::new();
    for entry in request["Entries"].as_array().expect("a list") {
        let delay = entry["DelaySeconds"].as_i64().unwrap_or_default();
        let due = Timestamp::from_millis(now.as_millis() + delay * 1_000);
        let body = entry["MessageBody"].as_str().expect("a text").to_owned();
        waiting.push(Waiting { queue, due, body });
        taken.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "d"}));
    }
    let body = json!({"Successful": taken, "Failed": []}).to_string();
    Answer::status(200).header("content-type", "application/x-amz-json-1.0").body(body)
}

fn locked(waiting: &Mutex<Vec<Waiting>>) -> MutexGuard<'_, Vec<Waiting>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

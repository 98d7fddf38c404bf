//! A queue of the test's own: it takes what a rule lets it take, and keeps it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hooks::task::Task;
use serde_json::{Value, json};
use sqs::Queues;
use testkit::receiver::{Answer, Receiver};

/// What the queue says of one task of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// Taken.
    Taken,
    /// Not taken, through no fault of the sender.
    NotNow,
    /// Not taken, and never will be.
    Never,
    /// Nothing.
    Nothing,
}

/// A server that takes `SendMessageBatch`.
pub(crate) struct Fake {
    receiver: Receiver,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    kept: Vec<Value>,
    counts: Vec<usize>,
}

impl Fake {
    /// An empty one, which says of each task what this says: of the task, and of how many requests
    /// came before.
    pub(crate) async fn saying(rule: impl Fn(&Task, usize) -> Said + Send + 'static) -> Self {
        let receiver = Receiver::http().await;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let keeping = Arc::clone(&shared);
        receiver.judge(move |request| {
            let request: Value = serde_json::from_slice(&request.body).expect("JSON");
            locked(&keeping).answer(&request, &rule)
        });
        Self { receiver, shared }
    }

    /// An empty one that takes everything.
    pub(crate) async fn willing() -> Self {
        Self::saying(|_, _| Said::Taken).await
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        self.receiver.url()
    }

    /// The entries that it took, each with the URL of its queue.
    pub(crate) fn entries(&self) -> Vec<Value> {
        locked(&self.shared).kept.clone()
    }

    /// The tasks that it took, in the order in which it took them.
    pub(crate) fn tasks(&self) -> Vec<Task> {
        self.entries().iter().map(task).collect()
    }

    /// How many tasks were in each request that it answered.
    pub(crate) fn counts(&self) -> Vec<usize> {
        locked(&self.shared).counts.clone()
    }
}

/// URLs of the two queues. Which server they are in is said by the client.
pub(crate) fn queues() -> Queues {
    let url = |name| format!("http://localhost/123456789012/{name}");
    Queues { events: url("events"), retries: url("retries") }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn body(entry: &Value) -> &str {
    entry["MessageBody"].as_str().expect("a text")
}

fn task(entry: &Value) -> Task {
    Task::decode(body(entry)).expect("it was sent as a task")
}

impl Shared {
    fn answer(&mut self, request: &Value, rule: impl Fn(&Task, usize) -> Said) -> Answer {
        let entries = request["Entries"].as_array().expect("a list");
        let bytes: usize = entries.iter().map(|it| body(it).len()).sum();
        assert!((1..=10).contains(&entries.len()) && bytes <= 1024 * 1024, "AWS refuses this");
        let (mut taken, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            let id = &entry["Id"];
            let said = rule(&task(entry), self.counts.len());
            match said {
                Said::Taken => {
                    let mut kept = entry.clone();
                    kept["QueueUrl"] = request["QueueUrl"].clone();
                    self.kept.push(kept);
                    taken.push(json!({"Id": id, "MessageId": "m", "MD5OfMessageBody": "d"}));
                }
                Said::NotNow => failed.push(json!({
                    "Id": id, "SenderFault": false, "Code": "InternalError", "Message": "not now",
                })),
                Said::Never => failed.push(json!({
                    "Id": id, "SenderFault": true, "Code": "InvalidMessageContents",
                    "Message": "a character outside the allowed set",
                })),
                Said::Nothing => {}
            }
        }
        self.counts.push(entries.len());
        let body = json!({"Successful": taken, "Failed": failed}).to_string();
        Answer::status(200).header("content-type", "application/x-amz-json-1.0").body(body)
    }
}

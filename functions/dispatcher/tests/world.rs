//! The program between tables, queues and a receiver.

use std::{collections::BTreeSet, time::Duration};

use aws::SystemClock;
use awskit::{
    events::{self, Message, given_back},
    servers::Servers,
};
use hooks::{
    event::{Event, Order},
    hook::{Draft, EventHook},
    id::{OccurrenceId, RequestId},
    ports::{Clock as _, HookStore as _},
    task::{Queue, Task},
    time::Timestamp,
};
use serde_json::Value;
use testkit::{
    builders::{draft, event, webhook},
    lambda_host::{Invoked, LambdaHost, NotStarted},
    receiver::Receiver,
};

/// The time of an invocation that is not about that.
pub(crate) const TIME: Duration = Duration::from_secs(90);

/// The program with these settings, beside those that every test needs.
pub(crate) async fn dispatcher(
    servers: &Servers,
    more: &[(&str, &str)],
) -> Result<LambdaHost, NotStarted> {
    let own = [("EVENT_HOOKS_EGRESS_ALLOW", "127.0.0.0/8")];
    let own = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables = servers.variables().into_iter().chain(own);
    LambdaHost::start(env!("CARGO_BIN_EXE_dispatcher"), variables).await
}

/// Keeps a hook that says this, and answers it.
pub(crate) async fn keep(servers: &Servers, draft: Draft) -> EventHook {
    let hook = EventHook {
        created_at: SystemClock.now(),
        updated_at: SystemClock.now(),
        ..EventHook { draft, ..testkit::builders::hook() }
    };
    servers.dynamo().insert(&hook).await.unwrap();
    hook
}

/// A webhook to this receiver.
pub(crate) fn to(receiver: &Receiver) -> Draft {
    Draft { handler: webhook(&receiver.url()), ..draft() }
}

/// An event that was accepted now.
pub(crate) fn fresh() -> Event {
    accepted_at(SystemClock.now())
}

/// An event that was accepted then.
pub(crate) fn accepted_at(accepted: Timestamp) -> Event {
    let order = Order { accepted, request: RequestId::at(accepted), index: 0 };
    Event { id: OccurrenceId::at(accepted), order, ..event() }
}

/// A message of queue `events` with these events.
pub(crate) fn message(servers: &Servers, events: Vec<Event>) -> Message {
    let task = Task::Dispatch { events, again: false };
    Message::new(&servers.arn(Queue::Events), task.encode())
}

/// Has the program work on these messages, and answers the ids of those that it gives back.
pub(crate) async fn work(dispatcher: &LambdaHost, messages: &[Message]) -> Vec<String> {
    given_back(&invoked(dispatcher, messages, TIME).await.answer())
}

/// The same for an invocation that has so long.
pub(crate) async fn invoked(
    dispatcher: &LambdaHost,
    messages: &[Message],
    time: Duration,
) -> Invoked {
    dispatcher.invoke(&events::batch(messages), time).await
}

/// The ids of all deliveries that the receiver has seen an attempt of.
pub(crate) fn seen(receiver: &Receiver) -> BTreeSet<String> {
    let id = |it: &testkit::receiver::Received| it.header("webhook-id").unwrap().to_owned();
    receiver.requests().iter().map(id).collect()
}

/// The ids of the deliveries that a message still owes an attempt of.
pub(crate) fn owed(message: &Message) -> Vec<String> {
    let deliveries: Vec<_> = match Task::decode(&message.body).unwrap() {
        Task::Deliver { event, owed } => owed.iter().map(|it| it.delivery(&event)).collect(),
        Task::Retry(retry) => vec![retry.delivery],
        Task::Dispatch { .. } | Task::Record(_) | Task::Recover(_) => Vec::new(),
    };
    deliveries.iter().map(|it| it.id().to_string()).collect()
}

/// The lines that the program has said, when it has said this.
pub(crate) async fn lines(dispatcher: &LambdaHost, text: &str) -> Vec<Value> {
    let log = dispatcher.logged(text).await;
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

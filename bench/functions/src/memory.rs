//! How much memory has the dispatcher while as many deliveries are in flight as one instance makes?

use std::time::Duration;

use awskit::{
    events::{self, Message},
    fake::FakeAws,
    rows::Rows,
};
use hooks::{
    dispatch::Dispatcher,
    event::Event,
    hook::EventHook,
    id::{HookId, OccurrenceId},
    ports::HookStore as _,
    task::Task,
};
use serde_json::json;
use testkit::{
    builders,
    receiver::{Answer, Receiver},
};

use crate::{Result, programs::Programs, row::Row, usage};

/// Each of them is owed each of the events.
const HOOKS: usize = 10;
const EVENTS: usize = Dispatcher::MOST_IN_FLIGHT / HOOKS;
/// In so many messages.
const MESSAGES: usize = 10;

/// How long the receiver takes: so long that all are in flight before the first is answered.
const PATIENCE: Duration = Duration::from_millis(1_900);

const TIME: Duration = Duration::from_secs(90);

/// What is resident, over plain HTTP and over TLS.
pub(crate) async fn measure(programs: &Programs) -> Result<Vec<Row>> {
    Ok(vec![
        resident(programs, "plain HTTP", Receiver::http().await, 64.0).await?,
        resident(programs, "TLS", Receiver::https().await, 128.0).await?,
    ])
}

async fn resident(programs: &Programs, how: &str, receiver: Receiver, most: f64) -> Result<Row> {
    receiver.always(Answer::status(200).after(PATIENCE));
    let rows = Rows::default();
    let aws = FakeAws::keeping(Receiver::http().await, &rows);
    let store = aws.dynamo();
    for _ in 0..HOOKS {
        let handler = builders::webhook(&receiver.url());
        let draft = hooks::hook::Draft { handler, ..builders::draft() };
        store.insert(&EventHook { id: HookId::random(), draft, ..builders::hook() }).await?;
    }
    let dispatcher = programs.start("dispatcher", &aws.url(), &[]).await?;
    let idle = usage::peak(dispatcher.process_id())?;
    dispatcher.invoke(&events::batch(&messages()), TIME).await.answer();
    let (made, connections) = (receiver.requests().len(), receiver.connections());
    if connections < HOOKS * EVENTS {
        return Err(format!("{how}: {made} deliveries in {connections} connections").into());
    }
    let peak = usage::peak(dispatcher.process_id())?;
    let what = format!("dispatcher: memory with {made} deliveries in flight over {how}");
    let note = format!("{idle:.1} MB before; a connection each, events of 1 KB, {HOOKS} hooks");
    Ok(Row::new(what, vec![peak], "MB").at_most(most).note(note))
}

fn messages() -> Vec<Message> {
    let event = |_| {
        let id = OccurrenceId::at(builders::START);
        let data = builders::data(json!({"operation": "create", "entity": "x".repeat(1_000)}));
        Event { id, data, ..builders::event() }
    };
    let message = |_| {
        let events = (0..EVENTS / MESSAGES).map(event).collect();
        let task = Task::Dispatch { events, again: false };
        Message::new("arn:aws:sqs:us-east-1:000000000000:events", task.encode())
    };
    (0..MESSAGES).map(message).collect()
}

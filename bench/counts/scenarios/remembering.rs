//! What is written down, and read again.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region},
};
use dynamodb::{Dynamo, Tables};
use embedded::Store;
use hooks::{
    delivery::{Delivery, Record, State},
    hook::EventHook,
    ports::{Ledger, TaskQueue as _},
    task::{Queue, Task},
};
use testkit::{
    builders::{START, attempt_step, event_at, hook, outgoing, record_of},
    fakes::HandClock,
};

use super::{Deed, World};

fn store(world: &World) -> Store {
    Store::open(world.folder.path(), Arc::new(HandClock::default())).expect("an empty folder")
}

/// A task of ten events: sent, handed out, done.
pub(super) fn queue(world: &World) -> Deed {
    let store = store(world);
    let task = Task::Dispatch { events: vec![super::event(); 10], again: false };
    world.deed(move || {
        let (store, task) = (store.clone(), outgoing(task.clone()));
        async move {
            store.send(vec![task]).await.expect("room");
            let messages = store.receive(Queue::Events, 10).await.expect("a queue");
            let [message] = &messages[..] else { panic!("one message, not {}", messages.len()) };
            store.acknowledge(&[message.id]).await.expect("a queue");
        }
    })
}

pub(super) fn record(world: &World) -> Deed {
    recording(world, store(world))
}

pub(super) fn dynamo(world: &World) -> Deed {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(&world.aws)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let name = ToOwned::to_owned;
    let tables = Tables {
        hooks: name("hooks"),
        catalog: name("catalog"),
        tokens: name("tokens"),
        ledger: name("ledger"),
    };
    recording(world, Dynamo::new(Client::from_conf(config), tables, Arc::new(HandClock::default())))
}

/// The record of a delivery that succeeded at once, each time of another event.
fn recording(world: &World, ledger: impl Ledger + Clone + 'static) -> Deed {
    let (hook, mut second) = (hook(), 0);
    world.deed(move || {
        second += 1;
        let (ledger, record) = (ledger.clone(), delivered(&hook, second));
        async move {
            let expires = START + Duration::from_hours(24);
            ledger.record(&record, expires).await.expect("room");
        }
    })
}

fn delivered(hook: &EventHook, second: i64) -> Record {
    let event = hooks::event::Event { data: super::event().data, ..event_at(second) };
    record_of(Delivery::first(hook, event), attempt_step(1), State::Delivered)
}

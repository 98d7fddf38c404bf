//! What is counted: each part of the way of an event, done with the same values every time.

mod accepting;
mod deciding;
mod sending;
mod remembering;

use std::{error::Error, fs, process, rc::Rc};

use hooks::event::{Data, Event};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use testkit::builders;
use tokio::runtime::{Builder, Runtime};

/// Something that is done again and again.
pub(crate) type Deed = Box<dyn FnMut()>;

/// A part of the hot path.
pub(crate) struct Scenario {
    /// What it is called.
    pub(crate) name: &'static str,
    /// How often its deed is done: so often that what is not the deed's does not show.
    pub(crate) repeats: u32,
    prepare: fn(&World) -> Deed,
}

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { name: "accept one event", repeats: 200, prepare: accepting::one },
    Scenario { name: "accept a batch of 100", repeats: 10, prepare: accepting::hundred },
    Scenario { name: "write a task of 100 events", repeats: 20, prepare: accepting::encode },
    Scenario { name: "read a task of 100 events", repeats: 20, prepare: deciding::decode },
    Scenario { name: "find 100 hooks", repeats: 20, prepare: deciding::all_of_100 },
    Scenario { name: "find 1 hook of 100 by filters", repeats: 20, prepare: deciding::one_of_100 },
    Scenario { name: "decide 100 events at a gate", repeats: 100, prepare: deciding::gate },
    Scenario { name: "dispatch 100 events", repeats: 5, prepare: deciding::dispatch },
    Scenario { name: "sign a body", repeats: 200, prepare: sending::sign },
    Scenario { name: "render a payload", repeats: 500, prepare: sending::render },
    Scenario { name: "send a webhook", repeats: 50, prepare: sending::webhook },
    Scenario { name: "send a webhook-custom", repeats: 50, prepare: sending::custom },
    Scenario { name: "queue and fetch a task", repeats: 50, prepare: remembering::queue },
    Scenario { name: "record a delivery", repeats: 200, prepare: remembering::record },
    Scenario { name: "record a delivery in DynamoDB", repeats: 50, prepare: remembering::dynamo },
];

/// How often a deed is done before it counts: connections are open then, and caches full.
const WARMING: u32 = 2;

/// What scenarios need.
pub(crate) struct World {
    /// Of one thread, for as long as nobody starts others.
    runtime: Rc<Runtime>,
    /// Nobody else's, and empty.
    folder: TempDir,
    /// The URL of somebody who answers everything with 200.
    receiver: String,
    /// The URL of somebody who answers as AWS does.
    aws: String,
}

impl World {
    pub(crate) fn new(receiver: String, aws: String) -> Result<Self, Box<dyn Error>> {
        let runtime = Rc::new(Builder::new_current_thread().enable_all().build()?);
        Ok(Self { runtime, folder: TempDir::new()?, receiver, aws })
    }

    /// A deed on this runtime.
    fn deed<F: Future<Output = ()>>(&self, mut deed: impl FnMut() -> F + 'static) -> Deed {
        let runtime = Rc::clone(&self.runtime);
        Box::new(move || runtime.block_on(deed()))
    }
}

/// Prepares a scenario and does its deed so often.
pub(crate) fn run(name: &str, repeats: u32, world: &World) -> ! {
    let scenario = SCENARIOS.iter().find(|it| it.name == name).expect("a scenario of this name");
    let mut deed = (scenario.prepare)(world);
    for _ in 0..WARMING + repeats {
        deed();
    }
    drop(fs::remove_dir_all(world.folder.path()));
    // What was prepared is not given back: that is no part of the deed.
    process::exit(0)
}

/// Data of about 1 KiB.
fn data() -> Map<String, Value> {
    let Value::Object(data) = json!({
        "operation": "create", "schema": "consumers",
        "entity": {
            "id": "0fd2319f-13ea-4582-a448-8d11893026a8", "username": "Arya Stark",
            "email": "arya@gameofthrones.com", "created_at": 1_627_581_878, "type": 0,
            "tags": ["north", "faceless"], "note": "A girl has \"no name\". ".repeat(28),
        },
    }) else {
        unreachable!("it is written as an object")
    };
    data
}

/// An event with it, in the default workspace.
fn event() -> Event {
    Event { data: Data::from(data()), ..builders::event() }
}

//! From the request to the queue.

use std::{hint::black_box, sync::Arc};

use api::{Auth, Ingest};
use async_trait::async_trait;
use axum::body::Body;
use hooks::{
    access::TokenHash,
    ports::{Outgoing, PortResult, TaskQueue},
    publish::Publisher,
    task::Task,
};
use http::{Request, StatusCode, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};
use testkit::fakes::{HandClock, MemoryStore};
use tower::ServiceExt as _;

use super::{Deed, World};

const TOKEN: &str = "token";

/// Writes tasks as every queue must, and forgets them.
struct Writing;

#[async_trait]
impl TaskQueue for Writing {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        tasks.iter().for_each(|it| drop(black_box(it.task.encode())));
        Ok(())
    }
}

pub(super) fn one(world: &World) -> Deed {
    post(world, &Value::Object(posted()))
}

pub(super) fn hundred(world: &World) -> Deed {
    post(world, &json!(vec![posted(); 100]))
}

fn posted() -> Map<String, Value> {
    let names = json!({"source": "crud", "event": "consumers"});
    let names = names.as_object().expect("it is written as an object").clone();
    names.into_iter().chain(super::data()).collect()
}

/// `POST /events`, by somebody with a token.
fn post(world: &World, body: &Value) -> Deed {
    let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(HandClock::default()));
    let publisher = Publisher::new(store.clone(), Arc::new(Writing), clock.clone());
    let ingest = Ingest { publisher: Arc::new(publisher), explainer: None, intake: None };
    let auth = Auth::guarded(Arc::new(TokenHash::of(TOKEN)), store, clock);
    let router = api::ingest_router(ingest, auth);
    let body = axum::body::Bytes::from(body.to_string());
    world.deed(move || {
        let request = Request::post("/events")
            .header(CONTENT_TYPE, "application/json")
            .header("kong-admin-token", TOKEN)
            .body(Body::from(body.clone()))
            .expect("a request");
        let answer = router.clone().oneshot(request);
        async move {
            let status = answer.await.expect("routes do not fail").status();
            assert_eq!(status, StatusCode::ACCEPTED);
        }
    })
}

pub(super) fn encode(_: &World) -> Deed {
    let task = Task::Dispatch { events: vec![super::event(); 100], again: false };
    Box::new(move || drop(black_box(task.encode())))
}

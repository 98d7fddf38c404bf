//! [`Handlers`]: what holds for all of them, whatever they run.

use std::{sync::Arc, time::Duration};

use hooks::{
    delivery::{Delivery, Outcome, Report},
    hook::EventHook,
    ports::{Handlers, Run},
};

use super::races;
use crate::builders::{draft, event, hook};

/// Far more than a log record takes.
const LONG_ENOUGH: Duration = Duration::from_secs(30);

/// Holds handlers to their promise.
pub async fn run(handlers: Arc<dyn Handlers>) {
    a_log_hook_may_be_saved(&*handlers).await;
    a_log_hook_fires(&*handlers).await;
    runs_at_once_all_end(&handlers).await;
}

async fn fire(handlers: &dyn Handlers, hook: &EventHook) -> Report {
    let delivery = Delivery::first(hook, event());
    let at = delivery.event.order.accepted;
    let event = &delivery.event;
    let run = Run { hook, event, name: Some(&event.event), delivery: delivery.id(), at };
    tokio::time::timeout(LONG_ENOUGH, handlers.run(run)).await.expect("a run ends")
}

async fn a_log_hook_may_be_saved(handlers: &dyn Handlers) {
    assert!(handlers.check(&draft()).await.is_ok());
}

async fn a_log_hook_fires(handlers: &dyn Handlers) {
    assert_eq!(fire(handlers, &hook()).await.outcome, Outcome::Succeeded);
}

async fn runs_at_once_all_end(handlers: &Arc<dyn Handlers>) {
    let racers = (0..50).map(|_| {
        let handlers = Arc::clone(handlers);
        async move { fire(&*handlers, &hook()).await.outcome }
    });
    let outcomes = races::run(racers).await;
    assert!(outcomes.iter().all(|it| *it == Outcome::Succeeded), "{outcomes:?}");
}

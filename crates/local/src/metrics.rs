//! What is counted, as Prometheus reads it.

use std::time::Duration;

use embedded::Store;
use hooks::task::Queue;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the histograms' buckets, in seconds.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// How often what was recorded is added up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Counts from now on, and looks now and then how much is waiting in `store`.
pub(crate) fn start(store: Store, queue_limit: u64) -> Result<PrometheusHandle, String> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| format!("cannot count: {error}"))?;
    describe();
    note_limit(queue_limit);
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
            note_depth(&store).await;
        }
    });
    Ok(handle)
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats, and 2^53 tasks do not fit")]
async fn note_depth(store: &Store) {
    let Ok(depth) = store.depth().await else { return };
    for (queue, tasks) in
        [("events", depth.events), ("retries", depth.retries), ("dead", depth.dead)]
    {
        metrics::gauge!("event_hooks_queue_depth", "queue" => queue).set(tasks as f64);
    }
    for queue in Queue::ALL {
        let bytes = store.waiting(queue).bytes;
        metrics::gauge!("event_hooks_queue_bytes", "queue" => queue.as_str()).set(bytes as f64);
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats, and 2^53 bytes do not fit")]
fn note_limit(bytes: u64) {
    metrics::gauge!("event_hooks_queue_limit_bytes").set(bytes as f64);
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("event_hooks_accepted_total", "Events accepted by ingest");
    describe_counter!(
        "event_hooks_refused_total",
        "Requests with events that were answered 429, by reason: queue or memory"
    );
    describe_counter!(
        "event_hooks_repeated_total",
        "Events dropped because their id was posted before"
    );
    describe_counter!("event_hooks_matched_total", "Pairs of event and hook that matched");
    describe_counter!("event_hooks_filtered_total", "Matches that the hook's filter did not want");
    describe_counter!("event_hooks_fired_total", "Matches that passed their gate");
    describe_counter!("event_hooks_held_total", "Matches that a gate held, by reason");
    describe_counter!(
        "event_hooks_deliveries_total",
        "Ends of attempts, and of deliveries without one, by status"
    );
    describe_counter!("event_hooks_attempts_total", "Attempts, by outcome: succeeded or failed");
    describe_counter!("event_hooks_retried_total", "Attempts that were not the first of their run");
    describe_counter!("event_hooks_deferred_total", "Attempts put off, by reason: circuit or slow");
    describe_counter!(
        "event_hooks_circuit_total",
        "Circuits that turned, by turn: opened or closed"
    );
    describe_counter!("event_hooks_disabled_total", "Hooks disabled by their health, by reason");
    describe_counter!("event_hooks_poison_total", "Messages that could not be processed at all");
    describe_histogram!("event_hooks_attempt_seconds", "How long attempts took");
    describe_histogram!("event_hooks_delivery_latency_seconds", "From acceptance to delivery");
    describe_gauge!("event_hooks_queue_depth", "Tasks in the queue, by queue");
    describe_gauge!("event_hooks_queue_bytes", "What they take, by queue");
    describe_gauge!(
        "event_hooks_queue_limit_bytes",
        "What may wait in queue events before further ones are refused"
    );
}

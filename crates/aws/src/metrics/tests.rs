use std::io;

use super::*;
use crate::{clock::fixed::At, invocation::Counted};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        locked(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    /// The lines since this was asked last, without the invocation that they are of.
    fn lines(&self) -> Vec<Value> {
        let text = std::mem::take(&mut *locked(&self.0));
        let lines = std::str::from_utf8(&text).unwrap().lines();
        let read = |line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            line.as_object_mut()
                .unwrap()
                .retain(|name, _| !["request_id", "trace_id"].contains(&name.as_str()));
            line
        };
        lines.map(read).collect()
    }
}

fn counting() -> (Arc<Metrics>, Kept) {
    let kept = Kept::default();
    let writer = Box::new(kept.clone());
    (Arc::new(Metrics::new("dispatcher".into(), Arc::new(At(7)), writer)), kept)
}

#[test]
fn each_set_of_labels_is_a_line() {
    let (counted, kept) = counting();
    metrics::with_local_recorder(&counted, || {
        metrics::counter!("event_hooks_fired_total").increment(2);
        metrics::counter!("event_hooks_fired_total").increment(1);
        metrics::histogram!("event_hooks_attempt_seconds").record(0.25);
        metrics::histogram!("event_hooks_attempt_seconds").record(f64::NAN);
        metrics::counter!("event_hooks_deliveries_total", "status" => "parked").increment(1);
    });
    counted.flush();
    assert_eq!(
        kept.lines(),
        [
            json!({
                "_aws": {"Timestamp": 7, "CloudWatchMetrics": [{
                    "Namespace": "EventHooks",
                    "Dimensions": [["function"]],
                    "Metrics": [
                        {"Name": "event_hooks_attempt_seconds", "Unit": "Seconds"},
                        {"Name": "event_hooks_fired_total", "Unit": "Count"},
                    ],
                }]},
                "function": "dispatcher",
                "event_hooks_attempt_seconds": [0.25],
                "event_hooks_fired_total": 3,
            }),
            json!({
                "_aws": {"Timestamp": 7, "CloudWatchMetrics": [{
                    "Namespace": "EventHooks",
                    "Dimensions": [["function", "status"]],
                    "Metrics": [{"Name": "event_hooks_deliveries_total", "Unit": "Count"}],
                }]},
                "function": "dispatcher",
                "status": "parked",
                "event_hooks_deliveries_total": 1,
            }),
        ]
    );
}

#[test]
fn what_was_written_down_is_not_written_again() {
    let (counted, kept) = counting();
    let count = || metrics::counter!("a_total").increment(1);
    metrics::with_local_recorder(&counted, || {
        count();
        metrics::gauge!("b").set(2.0);
    });
    counted.flush();
    assert_eq!(kept.lines().len(), 1);
    counted.flush();
    assert_eq!(kept.lines(), Vec::<Value>::new(), "nothing was counted");
    metrics::with_local_recorder(&counted, count);
    counted.flush();
    let lines = kept.lines();
    assert_eq!((&lines[0]["a_total"], &lines[0]["b"]), (&json!(1), &Value::Null));
}

#[test]
fn a_line_has_no_more_values_than_cloudwatch_takes() {
    let (counted, kept) = counting();
    metrics::with_local_recorder(&counted, || {
        for value in 0..250 {
            metrics::histogram!("a_seconds").record(f64::from(value));
        }
    });
    counted.flush();
    let lines = kept.lines();
    let values = |line: &Value| line["a_seconds"].as_array().unwrap().clone();
    assert_eq!(lines.iter().map(|it| values(it).len()).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(lines.iter().flat_map(values).collect::<Vec<_>>().len(), 250);
}

#[test]
fn what_grows_without_end_is_not_counted_without_end() {
    let (counted, kept) = counting();
    metrics::with_local_recorder(&counted, || {
        for hook in 0..2 * MOST_METRICS {
            metrics::counter!("a_total", "hook" => hook.to_string()).increment(1);
        }
        for _ in 0..2 * MOST_KEPT {
            metrics::histogram!("b_seconds").record(1.0);
        }
        metrics::gauge!("a_total", "hook" => "1").set(5.0);
    });
    assert_eq!(locked(&counted.counted).len(), MOST_METRICS);
    counted.flush();
    let lines = kept.lines();
    assert!(lines.iter().all(|it| it["a_total"] != json!(5.0)), "a counter is no gauge");
}

#[tokio::test]
async fn what_was_counted_for_an_answer_is_written_down_before_it_goes_out() {
    let (counted, kept) = counting();
    let recorder = Arc::clone(&counted);
    let work = tower::service_fn(move |()| {
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("event_hooks_fired_total").increment(1);
        });
        std::future::ready(Ok::<_, std::convert::Infallible>(()))
    });
    tower::Service::call(&mut Counted::new(work, counted), ()).await.unwrap();
    assert_eq!(kept.lines()[0]["event_hooks_fired_total"], 1);
}

//! What is counted, as CloudWatch reads it from log lines: the embedded metric format, version 0.
//!
//! At the end of an invocation, what was counted in it is written down, in one line for each set of
//! labels. Labels are dimensions, beside the function's name, and every combination of them is a
//! metric that costs money: only labels of a few values are counted by.

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hooks::ports::Clock;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use serde_json::{Map, Value, json};

use crate::invocation;

const NAMESPACE: &str = "EventHooks";

/// The dimension that all metrics have.
const FUNCTION: &str = "function";

/// How many values of one metric a line may have.
const MOST_VALUES: usize = 100;

/// How many values of one metric an invocation keeps.
const MOST_KEPT: usize = 10_000;

/// How many metrics there may be, labels counted. What comes after them is not counted.
const MOST_METRICS: usize = 1_000;

/// Counts, and writes down what was counted.
pub(crate) struct Metrics {
    function: String,
    clock: Arc<dyn Clock>,
    writer: Mutex<Box<dyn Write + Send>>,
    counted: Mutex<HashMap<Key, Counted>>,
}

enum Counted {
    Sum(Arc<Sum>),
    Last(Arc<Last>),
    All(Arc<All>),
}

/// How often something happened since it was written down last.
#[derive(Default)]
struct Sum(AtomicU64);

/// How much of something there was at last; `None` where nobody looked since it was written down.
#[derive(Default)]
struct Last(Mutex<Option<f64>>);

/// Every value since they were written down last.
#[derive(Default)]
struct All(Mutex<Vec<f64>>);

impl Metrics {
    pub(crate) fn new(
        function: String,
        clock: Arc<dyn Clock>,
        writer: Box<dyn Write + Send>,
    ) -> Self {
        Self { function, clock, writer: Mutex::new(writer), counted: Mutex::default() }
    }

    /// Writes down what was counted since the last time.
    pub(crate) fn flush(&self) {
        let mut text = Vec::new();
        for (labels, values) in self.taken() {
            for values in lines(values) {
                text.extend_from_slice(self.line(&labels, values).to_string().as_bytes());
                text.push(b'\n');
            }
        }
        if !text.is_empty() {
            let mut writer = locked(&self.writer);
            // Where nobody reads, there is nobody to tell.
            let _ = writer.write_all(&text).and_then(|()| writer.flush());
        }
    }

    /// What was counted since the last time, by labels and name.
    fn taken(&self) -> BTreeMap<Vec<(String, String)>, BTreeMap<String, Taken>> {
        let mut taken: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (key, counted) in &*locked(&self.counted) {
            if let Some(values) = counted.take() {
                let label = |it: &metrics::Label| (it.key().to_owned(), it.value().to_owned());
                let labels: Vec<_> = key.labels().map(label).collect();
                taken.entry(labels).or_default().insert(key.name().to_owned(), values);
            }
        }
        taken
    }

    fn line(&self, labels: &[(String, String)], values: BTreeMap<String, Taken>) -> Value {
        let dimensions: Vec<_> =
            [FUNCTION].into_iter().chain(labels.iter().map(|(name, _)| name.as_str())).collect();
        let described: Vec<_> =
            values.iter().map(|(name, it)| json!({"Name": name, "Unit": it.unit(name)})).collect();
        let mut line = Map::new();
        line.insert(
            "_aws".into(),
            json!({
                "Timestamp": self.clock.now().as_millis(),
                "CloudWatchMetrics": [
                    {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": described},
                ],
            }),
        );
        line.extend(invocation::ids());
        line.insert(FUNCTION.into(), self.function.as_str().into());
        line.extend(labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
        line.extend(values.into_iter().map(|(name, it)| (name, it.value())));
        line.into()
    }

    fn of_key<T>(
        &self,
        key: &Key,
        new: fn() -> Counted,
        pick: fn(&Counted) -> Option<Arc<T>>,
    ) -> Option<Arc<T>> {
        let mut counted = locked(&self.counted);
        if counted.len() >= MOST_METRICS && !counted.contains_key(key) {
            return None;
        }
        pick(counted.entry(key.clone()).or_insert_with(new))
    }
}

/// What was counted of one metric.
enum Taken {
    Sum(u64),
    Last(f64),
    All(Vec<f64>),
}

impl Taken {
    fn unit(&self, name: &str) -> &'static str {
        match self {
            _ if name.ends_with("_seconds") => "Seconds",
            Self::Sum(_) => "Count",
            Self::Last(_) | Self::All(_) => "None",
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Sum(sum) => sum.into(),
            Self::Last(last) => last.into(),
            Self::All(all) => all.into(),
        }
    }
}

/// The values of one set of labels, cut to what lines may hold: the first has all but what is too
/// much of some metric.
fn lines(mut values: BTreeMap<String, Taken>) -> Vec<BTreeMap<String, Taken>> {
    let mut rest = Vec::new();
    for (name, it) in &mut values {
        let Taken::All(all) = it else { continue };
        let too_many = all.split_off(all.len().min(MOST_VALUES));
        let chunk = |it: &[f64]| BTreeMap::from([(name.clone(), Taken::All(it.to_vec()))]);
        rest.extend(too_many.chunks(MOST_VALUES).map(chunk));
    }
    [values].into_iter().chain(rest).collect()
}

impl Counted {
    fn take(&self) -> Option<Taken> {
        match self {
            Self::Sum(it) => {
                let sum = it.0.swap(0, Ordering::Relaxed);
                (sum > 0).then_some(Taken::Sum(sum))
            }
            Self::Last(it) => locked(&it.0).take().map(Taken::Last),
            Self::All(it) => {
                let all = std::mem::take(&mut *locked(&it.0));
                (!all.is_empty()).then_some(Taken::All(all))
            }
        }
    }
}

impl Recorder for Metrics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let sum = self.of_key(
            key,
            || Counted::Sum(Arc::default()),
            |it| if let Counted::Sum(it) = it { Some(Arc::clone(it)) } else { None },
        );
        sum.map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let last = self.of_key(
            key,
            || Counted::Last(Arc::default()),
            |it| if let Counted::Last(it) = it { Some(Arc::clone(it)) } else { None },
        );
        last.map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let all = self.of_key(
            key,
            || Counted::All(Arc::default()),
            |it| if let Counted::All(it) = it { Some(Arc::clone(it)) } else { None },
        );
        all.map_or_else(Histogram::noop, Histogram::from_arc)
    }
}

impl CounterFn for Sum {
    fn increment(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}

impl metrics::GaugeFn for Last {
    fn increment(&self, by: f64) {
        let mut last = locked(&self.0);
        *last = Some(last.unwrap_or_default() + by);
    }

    fn decrement(&self, by: f64) {
        self.increment(-by);
    }

    fn set(&self, value: f64) {
        *locked(&self.0) = Some(value);
    }
}

impl HistogramFn for All {
    fn record(&self, value: f64) {
        let mut all = locked(&self.0);
        // CloudWatch takes no others.
        if value.is_finite() && all.len() < MOST_KEPT {
            all.push(value);
        }
    }
}

fn locked<T: ?Sized>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::clock::fixed::At;

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
}

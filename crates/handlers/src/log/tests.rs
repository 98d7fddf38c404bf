use std::sync::{Mutex, mpsc};

use futures_util::future::join_all;
use hooks::{
    delivery::{Failure, FailureClass},
    event::Event,
};
use serde_json::json;
use testkit::builders::{START, data, delivery, event, hook};

use super::*;

/// Keeps apart what was written apart.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<String>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes what it is given once it is let.
struct Stuck {
    let_go: Receiver<()>,
    written: Written,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Its other end is dropped to let go for good.
        let _ = self.let_go.recv();
        self.written.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink whose writer is stuck until the sender is dropped, and what it writes then.
fn stuck(patience: Duration) -> (LogSink, mpsc::Sender<()>, Written) {
    let (hold, let_go) = mpsc::channel();
    let written = Written::default();
    let writer = Stuck { let_go, written: written.clone() };
    (LogSink { patience, ..LogSink::json(Box::new(writer)) }, hold, written)
}

async fn run_with(sink: &LogSink, event: &Event, name: Option<&EventName>) -> Report {
    run(Run { hook: &hook(), event, name, delivery: delivery().id(), at: START }, sink).await
}

/// Logs an event that a process of this number saw.
async fn log(sink: &LogSink, pid: i64) -> Outcome {
    run_with(sink, &Event { pid: Some(pid), ..event() }, None).await.outcome
}

fn failed(reason: &str) -> Outcome {
    let class = FailureClass::Transient { retry_after: None };
    Outcome::Failed(Failure { class, reason: reason.to_owned() })
}

/// The processes of what was written, in its order.
fn pids(written: &Written) -> Vec<i64> {
    let pid = |line: &String| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["pid"].as_i64().unwrap()
    };
    written.0.lock().unwrap().iter().map(pid).collect()
}

async fn written(sink: fn(Box<dyn Write + Send>) -> LogSink, event: &Event) -> Vec<String> {
    let written = Written::default();
    let report = run_with(&sink(Box::new(written.clone())), event, Some(&event.event)).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    assert_eq!(report.result, HandlerResult::Logged);
    let written = written.0.lock().unwrap();
    written.clone()
}

#[tokio::test]
async fn a_record_is_one_line_written_at_once() {
    let data = data(json!({"text": "two\nlines", "entity": {"username": "é"}}));
    let event = Event { data, pid: Some(68_854), ..event() };
    assert_eq!(
        written(LogSink::json, &event).await,
        [concat!(
            r#"{"level":"notice","message":"log callback","event":"consumers","source":"crud","#,
            r#""data":{"text":"two\nlines","entity":{"username":"é"}},"pid":68854}"#,
            "\n"
        )]
    );
}

#[tokio::test]
async fn an_event_without_a_process_was_seen_by_this_one() {
    let pid = format!(r#""pid":{}}}"#, std::process::id());
    let [line] = &written(LogSink::json, &event()).await[..] else { panic!("one write") };
    assert!(line.trim_end().ends_with(&pid), "{line}");
}

#[tokio::test]
async fn a_terminal_is_not_obeyed_to_what_an_event_says() {
    let event =
        Event { data: data(json!({"a": "\u{1b}[31m \u{9b}31m \u{7f}"})), pid: Some(1), ..event() };
    assert_eq!(
        written(LogSink::pretty, &event).await,
        [
            "[notice] log callback: crud / consumers, pid 1\n{\n  \"a\": \"\\u001b[31m \u{fffd}31m \u{fffd}\"\n}\n"
        ]
    );
}

#[tokio::test]
async fn a_sink_that_cannot_be_written_to_may_be_written_to_later() {
    let report = run_with(&LogSink::json(Box::new(Full)), &event(), None).await;
    assert_eq!(report.outcome, failed("cannot log: no storage space"));
    assert_eq!(report.result, HandlerResult::Nothing);
}

#[tokio::test]
async fn records_are_written_in_the_order_they_came() {
    let written = Written::default();
    let sink = LogSink::json(Box::new(written.clone()));
    let outcomes = join_all((0..100).map(|pid| log(&sink, pid))).await;
    assert!(outcomes.iter().all(|it| *it == Outcome::Succeeded), "{outcomes:?}");
    assert_eq!(pids(&written), (0..100).collect::<Vec<_>>());
}

/// On one thread, which a write that waits would take away from everybody.
#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_nobody_else() {
    let (sink, _hold, _) = stuck(Duration::from_millis(50));
    let other = LogSink::json(Box::new(Written::default()));
    let (outcome, beside) = tokio::join!(log(&sink, 1), log(&other, 2));
    assert_eq!(outcome, failed("the log did not take the record within 50ms"));
    assert_eq!(beside, Outcome::Succeeded);
}

#[tokio::test]
async fn only_so_many_records_wait() {
    let (sink, _hold, _) = stuck(Duration::from_millis(50));
    // One is being written, and one more than may wait.
    let outcomes = join_all((0..).take(ROOM + 2).map(|pid| log(&sink, pid))).await;
    assert_eq!(outcomes.last(), Some(&failed("the log is not keeping up")));
    assert_eq!(outcomes[ROOM - 1], failed("the log did not take the record within 50ms"));
}

#[tokio::test]
async fn a_record_that_will_come_again_is_not_written_late() {
    let (mut sink, hold, written) = stuck(Duration::from_millis(50));
    // The first is being written when it is given up, the second waits.
    join_all([log(&sink, 1), log(&sink, 2)]).await;
    drop(hold);
    sink.patience = PATIENCE;
    assert_eq!(log(&sink, 3).await, Outcome::Succeeded);
    assert_eq!(pids(&written), [1, 3]);
}

#[tokio::test]
async fn a_writer_that_panics_fails_only_what_is_logged() {
    struct Panics;

    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("as the test wants it")
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let sink = LogSink::json(Box::new(Panics));
    for attempt in ["the one it ends with", "one after it"] {
        assert_eq!(log(&sink, 1).await, failed("the log's thread has ended"), "{attempt}");
    }
}

//! `log`: one structured record.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Mutex, PoisonError},
};

use hooks::{
    delivery::{HandlerResult, Outcome, Report},
    event::Data,
    name::{EventName, SourceName},
    ports::Run,
};
use serde::Serialize;

use crate::failure;

/// Where log records go. It is written to as tracing writes: in one piece, and at once.
pub struct LogSink {
    style: Style,
    writer: Mutex<Box<dyn Write + Send>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Json,
    Pretty,
}

/// The record, member by member.
#[derive(Serialize)]
struct Record<'a> {
    level: &'a str,
    message: &'a str,
    event: Option<&'a EventName>,
    source: &'a SourceName,
    data: &'a Data,
    pid: i64,
}

impl LogSink {
    /// Writes a line of JSON for every record.
    pub fn json(writer: Box<dyn Write + Send>) -> Self {
        Self { style: Style::Json, writer: Mutex::new(writer) }
    }

    /// Writes for people who look at a terminal.
    pub fn pretty(writer: Box<dyn Write + Send>) -> Self {
        Self { style: Style::Pretty, writer: Mutex::new(writer) }
    }

    /// Writes to stderr: for people where it is a terminal, JSON where it is not.
    pub fn stderr() -> Self {
        let stderr = io::stderr();
        if stderr.is_terminal() {
            Self::pretty(Box::new(stderr))
        } else {
            Self::json(Box::new(stderr))
        }
    }

    fn write(&self, run: Run<'_>) -> io::Result<()> {
        let event = run.event;
        let record = Record {
            level: "notice",
            message: "log callback",
            event: run.name,
            source: &event.source,
            data: &event.data,
            pid: event.pid.unwrap_or_else(|| std::process::id().into()),
        };
        let mut text = match self.style {
            Style::Json => serde_json::to_vec(&record)?,
            Style::Pretty => record.pretty()?.into_bytes(),
        };
        text.push(b'\n');
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(&text)?;
        writer.flush()
    }
}

impl Record<'_> {
    fn pretty(&self) -> io::Result<String> {
        let data = serde_json::to_string_pretty(self.data)?;
        let text = format!(
            "[{}] {}: {} / {}, pid {}\n{data}",
            self.level,
            self.message,
            self.source,
            self.event.map_or("any event", EventName::as_str),
            self.pid
        );
        // JSON escapes some of the characters that terminals obey, but not all.
        Ok(text.replace(|it: char| it.is_control() && it != '\n', "\u{fffd}"))
    }
}

pub(crate) fn run(run: Run<'_>, sink: &LogSink) -> Report {
    let (outcome, result) = match sink.write(run) {
        Ok(()) => (Outcome::Succeeded, HandlerResult::Logged),
        Err(error) => (failure::transient(format!("cannot log: {error}")), HandlerResult::Nothing),
    };
    Report { outcome, request: None, result }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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

    fn run_with(sink: &LogSink, event: &Event, name: Option<&EventName>) -> Report {
        run(Run { hook: &hook(), event, name, delivery: delivery().id(), at: START }, sink)
    }

    fn written(sink: fn(Box<dyn Write + Send>) -> LogSink, event: &Event) -> Vec<String> {
        let written = Written::default();
        let report = run_with(&sink(Box::new(written.clone())), event, Some(&event.event));
        assert_eq!(report.outcome, Outcome::Succeeded);
        assert_eq!(report.result, HandlerResult::Logged);
        let written = written.0.lock().unwrap();
        written.clone()
    }

    #[test]
    fn a_record_is_one_line_written_at_once() {
        let data = data(json!({"text": "two\nlines", "entity": {"username": "é"}}));
        let event = Event { data, pid: Some(68_854), ..event() };
        assert_eq!(
            written(LogSink::json, &event),
            [concat!(
                r#"{"level":"notice","message":"log callback","event":"consumers","source":"crud","#,
                r#""data":{"text":"two\nlines","entity":{"username":"é"}},"pid":68854}"#,
                "\n"
            )]
        );
    }

    #[test]
    fn an_event_without_a_process_was_seen_by_this_one() {
        let pid = format!(r#""pid":{}}}"#, std::process::id());
        let [line] = &written(LogSink::json, &event())[..] else { panic!("one write") };
        assert!(line.trim_end().ends_with(&pid), "{line}");
    }

    #[test]
    fn a_terminal_is_not_obeyed_to_what_an_event_says() {
        let event = Event {
            data: data(json!({"a": "\u{1b}[31m \u{9b}31m \u{7f}"})),
            pid: Some(1),
            ..event()
        };
        assert_eq!(
            written(LogSink::pretty, &event),
            [
                "[notice] log callback: crud / consumers, pid 1\n{\n  \"a\": \"\\u001b[31m \u{fffd}31m \u{fffd}\"\n}\n"
            ]
        );
    }

    #[test]
    fn a_sink_that_cannot_be_written_to_may_be_written_to_later() {
        let report = run_with(&LogSink::json(Box::new(Full)), &event(), None);
        let expected = Outcome::Failed(Failure {
            class: FailureClass::Transient { retry_after: None },
            reason: "cannot log: no storage space".to_owned(),
        });
        assert_eq!(report.outcome, expected);
        assert_eq!(report.result, HandlerResult::Nothing);
    }
}

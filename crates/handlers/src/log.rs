//! `log`: one structured record.
//!
//! Whoever reads the log may stop reading, and a write to a full pipe waits for as long. So records
//! are written by a thread of their own: what then waits are log hooks' attempts, and nothing else.

use std::{
    io::{self, Write},
    sync::{
        Arc, Weak,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use hooks::{
    delivery::{HandlerResult, Outcome, Report},
    event::Data,
    name::{EventName, SourceName},
    ports::Run,
};
use serde::Serialize;
use tokio::{sync::oneshot, time::timeout};

use crate::failure;

/// How many records may wait to be written: some more than attempts run at once where nothing else
/// is set, so that a burst alone fails none.
const ROOM: usize = 16 * 1_024;

/// How long an attempt waits for its record to be written: as long as for a receiver, where no
/// other time is set.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where log records go, each in one piece and in the order they came.
///
/// Its thread ends some time after the sink is dropped, unless the writer never returns.
pub struct LogSink {
    style: Style,
    waiting: SyncSender<Waiting>,
    patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Json,
    Pretty,
}

/// A record that the thread has yet to write. Its text is the attempt's: when that has given up,
/// to come again later, there is nothing left to write, and nothing that takes up memory.
struct Waiting {
    text: Weak<Vec<u8>>,
    written: oneshot::Sender<io::Result<()>>,
}

/// Why a record is not known to be written. All of it may pass.
#[derive(Debug, thiserror::Error)]
enum NotLogged {
    #[error("cannot log: {0}")]
    Failed(#[from] io::Error),
    #[error("the log is not keeping up")]
    Full,
    #[error("the log did not take the record within {0:?}")]
    Late(Duration),
    #[error("the log's thread has ended")]
    Ended,
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
        Self::start(Style::Json, writer)
    }

    /// Writes for people who look at a terminal.
    pub fn pretty(writer: Box<dyn Write + Send>) -> Self {
        Self::start(Style::Pretty, writer)
    }

    fn start(style: Style, writer: Box<dyn Write + Send>) -> Self {
        let (waiting, records) = sync_channel(ROOM);
        thread::spawn(move || write_all(&records, writer));
        Self { style, waiting, patience: PATIENCE }
    }

    /// Hands the record to the thread, and waits for its word.
    async fn write(&self, run: Run<'_>) -> Result<(), NotLogged> {
        let text = Arc::new(self.line(run)?);
        let (written, word) = oneshot::channel();
        let waiting = Waiting { text: Arc::downgrade(&text), written };
        self.waiting.try_send(waiting).map_err(|error| match error {
            TrySendError::Full(_) => NotLogged::Full,
            TrySendError::Disconnected(_) => NotLogged::Ended,
        })?;
        match timeout(self.patience, word).await {
            Ok(Ok(written)) => Ok(written?),
            Ok(Err(_)) => Err(NotLogged::Ended),
            Err(_) => Err(NotLogged::Late(self.patience)),
        }
    }

    fn line(&self, run: Run<'_>) -> io::Result<Vec<u8>> {
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
        Ok(text)
    }
}

/// Writes what comes until the sink is gone.
fn write_all(records: &Receiver<Waiting>, mut writer: Box<dyn Write + Send>) {
    for Waiting { text, written } in records {
        if let Some(text) = text.upgrade() {
            // An attempt that has given up meanwhile asks for no word.
            let _ = written.send(writer.write_all(&text).and_then(|()| writer.flush()));
        }
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

pub(crate) async fn run(run: Run<'_>, sink: &LogSink) -> Report {
    let (outcome, result) = match sink.write(run).await {
        Ok(()) => (Outcome::Succeeded, HandlerResult::Logged),
        Err(error) => (failure::transient(error.to_string()), HandlerResult::Nothing),
    };
    Report::without_request(outcome, result)
}

#[cfg(test)]
mod tests;

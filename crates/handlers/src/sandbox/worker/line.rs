//! The worker's two pipes.

use std::{
    cell::{Cell, RefCell},
    io::{self, StdinLock, StdoutLock, Write},
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::sandbox::protocol;

/// How long a message that is in no hurry may wait for the next one. Each write wakes the parent.
const PATIENCE: Duration = Duration::from_millis(1);

/// What leads to the parent.
pub(super) struct Line {
    input: RefCell<StdinLock<'static>>,
    output: RefCell<StdoutLock<'static>>,
    waiting_since: Cell<Option<Instant>>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            input: RefCell::new(io::stdin().lock()),
            output: RefCell::new(io::stdout().lock()),
            waiting_since: Cell::default(),
        }
    }

    /// The next message; `None` when the parent is gone, or talks nonsense.
    pub(super) fn receive(&self) -> Option<Vec<u8>> {
        protocol::receive(&mut *self.input.borrow_mut()).ok().flatten()
    }

    /// Sends a message at once, after those that wait.
    pub(super) fn send(&self, message: &impl Serialize) {
        self.write(message);
        self.flush();
    }

    /// Sends a message with the next one, or when it has waited for long enough.
    pub(super) fn send_soon(&self, message: &impl Serialize) {
        self.write(message);
        if self.waiting_since.get().is_none() {
            self.waiting_since.set(Some(Instant::now()));
        }
        self.send_overdue();
    }

    /// Sends what has waited for long enough.
    pub(super) fn send_overdue(&self) {
        if self.waiting_since.get().is_some_and(|since| since.elapsed() >= PATIENCE) {
            self.flush();
        }
    }

    fn write(&self, message: &impl Serialize) {
        let frame = protocol::frame(message).ok_or(io::ErrorKind::InvalidData.into());
        or_end(frame.and_then(|frame| self.output.borrow_mut().write_all(&frame)));
    }

    fn flush(&self) {
        or_end(self.output.borrow_mut().flush());
        self.waiting_since.set(None);
    }
}

/// Without a parent there is nobody left to work for, and the process ends.
fn or_end(written: io::Result<()>) {
    written.unwrap_or_else(|_| std::process::exit(1));
}

//! What one run may still do: its time, its log, its requests.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use mlua::{Lua, VmState, debug::Debug};

use super::{line::Line, meter::Meter};
use crate::sandbox::{
    limits::Limits,
    outcome::{LogLevel, LogLine},
    protocol::{Answer, Ask, FromWorker, ToWorker},
};

/// So large a heap is not searched for garbage: most scripts end before there is so much.
const WITHOUT_COLLECTION: usize = 1 << 20;

/// The chunk and line that a level of the stack is at.
fn frame(debug: &Debug<'_>) -> Option<(String, u32)> {
    let chunk = debug.source().short_src?.into_owned();
    Some((chunk, debug.current_line()?.try_into().ok()?))
}

/// What one run may still do.
pub(super) struct Context {
    pub(super) limits: Limits,
    pub(super) meter: Meter,
    line: Rc<Line>,
    http: Cell<bool>,
    log_lines: Cell<usize>,
    log_bytes: Cell<usize>,
    place: RefCell<Vec<(String, u32)>>,
}

impl Context {
    pub(super) fn new(limits: Limits, line: Rc<Line>) -> Rc<Self> {
        Rc::new(Self {
            limits,
            meter: Meter::new(&limits),
            line,
            http: Cell::default(),
            log_lines: Cell::new(limits.log_lines),
            log_bytes: Cell::new(limits.log_bytes),
            place: RefCell::default(),
        })
    }

    /// The run begins.
    pub(super) fn start(&self, http: bool) {
        self.http.set(http);
        self.meter.start();
    }

    /// Ends what runs too long. Starts to collect garbage when that may be worth while.
    pub(super) fn watch(self: &Rc<Self>, lua: &Lua) {
        let context = Rc::clone(self);
        let collecting = Cell::new(false);
        lua.set_interrupt(move |lua| {
            context.meter.check().map_err(|error| context.noted(lua, error))?;
            context.line.send_overdue();
            if !collecting.get() && lua.used_memory() > WITHOUT_COLLECTION {
                collecting.set(true);
                lua.gc_restart();
            }
            Ok(VmState::Continue)
        });
    }

    /// Notes where the script was when it was stopped, from the inside out, and passes on why.
    pub(super) fn noted(&self, lua: &Lua, error: mlua::Error) -> mlua::Error {
        const DEEPEST: usize = 20;
        let mut place = self.place.borrow_mut();
        if place.is_empty() {
            let frames = (0..DEEPEST).map_while(|level| lua.inspect_stack(level, frame));
            place.extend(frames.flatten());
        }
        error
    }

    /// The line of a chunk in which it was stopped.
    pub(super) fn line_of_end(&self, chunk: &str) -> Option<u32> {
        self.place.borrow().iter().find(|(name, _)| name == chunk).map(|(_, line)| *line)
    }

    /// Writes a line of the script's log, as long as there is room for it.
    pub(super) fn log(&self, level: LogLevel, text: &[u8]) {
        let (lines, bytes) = (self.log_lines.get(), self.log_bytes.get());
        if lines == 0 || bytes == 0 {
            return;
        }
        let kept = &text[..text.len().min(bytes)];
        self.log_lines.set(lines - 1);
        self.log_bytes.set(bytes - kept.len());
        self.send_log(level, String::from_utf8_lossy(kept).into_owned());
        if self.log_lines.get() == 0 || self.log_bytes.get() == 0 {
            let note = "the log of this run is full; what follows is dropped";
            self.send_log(LogLevel::Warn, note.into());
        }
    }

    /// Writes why the script failed, whatever else was logged.
    pub(super) fn log_failure(&self, message: &str) {
        self.send_log(LogLevel::Error, message.into());
    }

    fn send_log(&self, level: LogLevel, text: String) {
        self.line.send_soon(&FromWorker::Log(LogLine { level, text }));
    }

    /// May the script make requests?
    pub(super) fn may_ask(&self) -> bool {
        self.http.get()
    }

    /// Has the parent make a request.
    pub(super) fn ask(&self, ask: Ask) -> Result<Answer, String> {
        let message = self.meter.excuse(|| {
            self.line.send(&FromWorker::Ask(ask));
            self.line.receive()
        });
        // Without a parent, or with one that talks nonsense, there is nobody left to work for.
        let Some(message) = message else { std::process::exit(1) };
        match serde_json::from_slice::<ToWorker<'_, serde::de::IgnoredAny>>(&message) {
            Ok(ToWorker::Answer(answer)) => answer,
            _ => std::process::exit(1),
        }
    }
}

//! What came of a run?

use std::fmt;

pub use hooks::delivery::{LogLevel, LogLine};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ran {
    /// The first value that each function returned; what each template yielded. As many as ended
    /// well.
    pub returns: Vec<Value>,
    /// What was logged, the error of the script included.
    pub logs: Vec<LogLine>,
    /// Why it failed, if it did.
    pub failure: Option<ScriptFailure>,
}

/// The level of this number in `ngx`; what is worse than the worst is `Emerg`.
pub(super) fn level_of_ngx(number: i64) -> LogLevel {
    match number {
        ..=1 => LogLevel::Emerg,
        2 => LogLevel::Alert,
        3 => LogLevel::Crit,
        4 => LogLevel::Error,
        5 => LogLevel::Warn,
        6 => LogLevel::Notice,
        7 => LogLevel::Info,
        8.. => LogLevel::Debug,
    }
}

/// Why a script failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptFailure {
    /// In which way.
    pub kind: FailureKind,
    /// Which function or template it was, counted from 0.
    pub index: usize,
    /// Its name as messages show it: `[string "return function (data)..."]`.
    pub chunk: String,
    /// In which of its lines, where that is known.
    pub line: Option<u32>,
    /// What happened, with chunk and line in front where they are known. At most 4 KiB.
    pub message: String,
}

impl ScriptFailure {
    /// May the same script with the same event succeed another time?
    pub fn may_pass(&self) -> bool {
        matches!(self.kind, FailureKind::ReturnedFalse | FailureKind::Died)
    }
}

/// In which way a script failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// It is not Lua, or not allowed to be.
    Syntax,
    /// A chunk returned no function, or a template no string.
    WrongType,
    /// It raised an error.
    Raised,
    /// It returned `false`.
    ReturnedFalse,
    /// It ran for too long.
    TimeOut,
    /// It wanted too much memory.
    Memory,
    /// What it yielded is too large.
    TooLarge,
    /// It is not to blame: its worker ended in the middle of it, or the machine had no time for it.
    Died,
}

impl fmt::Display for ScriptFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

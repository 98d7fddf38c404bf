//! Why did it not work, and what can one do now?
//!
//! Failures are sorted by their exit code, which is what scripts go by. People are told what was
//! wrong, where, and what to do. No failure holds a token or a secret.

use std::{fmt::Display, io, process::ExitCode};

use anstyle::{AnsiColor, Style};

use crate::terminal;

/// What a function answers that may fail.
pub(crate) type Done<T = ()> = Result<T, Failure>;

/// Which exit code a failure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What was asked for cannot be, or did not go well.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Something that was asked for is not there.
    NotFound = 3,
    /// No token, a wrong one, or one that may not do this.
    Refused = 4,
    /// Nobody answers, or only that it is not possible now.
    Unreachable = 5,
    /// Stopped by Ctrl-C, as shells say it.
    Interrupted = 130,
}

impl Kind {
    /// Would it be the same with the next thing that is asked for?
    pub(crate) fn is_for_all(self) -> bool {
        matches!(self, Self::Refused | Self::Unreachable | Self::Interrupted)
    }
}

/// Exit code of a dry run that found differences, where somebody asked for it.
pub(crate) const DIFFERS: u8 = 6;

/// Something that did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What scripts go by.
    pub(crate) kind: Kind,
    what: Vec<String>,
    hint: Option<String>,
    /// What is wrong with which field, where a deployment says so.
    pub(crate) fields: Vec<(String, String)>,
    /// Which events are wrong, by their index in the request.
    pub(crate) events: Vec<(usize, String)>,
    /// Did the deployment refuse the request, so that nothing of it was done?
    is_refusal: bool,
    is_silent: bool,
}

impl Failure {
    /// A failure of this kind.
    pub(crate) fn new(kind: Kind, what: impl Display) -> Self {
        let what = vec![what.to_string()];
        Self {
            kind,
            what,
            hint: None,
            fields: Vec::new(),
            events: Vec::new(),
            is_refusal: false,
            is_silent: false,
        }
    }

    /// What was asked for cannot be, or did not go well.
    pub(crate) fn failed(what: impl Display) -> Self {
        Self::new(Kind::Failed, what)
    }

    /// The command line is wrong.
    pub(crate) fn usage(what: impl Display) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Somebody wants no more.
    pub(crate) fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "stopped by Ctrl-C")
    }

    /// Several things are wrong, each with its own line.
    pub(crate) fn several(what: Vec<String>) -> Self {
        Self { what, ..Self::failed("") }
    }

    /// Somebody stopped reading what is printed: nothing to complain about.
    pub(crate) fn writing(error: &io::Error) -> Self {
        let is_silent = error.kind() == io::ErrorKind::BrokenPipe;
        Self { is_silent, ..Self::failed(format_args!("cannot write: {error}")) }
    }

    /// Nothing, where somebody stopped reading: what there is to tell beside goes on.
    pub(crate) fn unless_unheard(self) -> Done {
        if self.is_silent { Ok(()) } else { Err(self) }
    }

    /// May what was asked for have been done all the same? Only a refusal says that it was not.
    pub(crate) fn leaves_doubt(&self) -> bool {
        !self.is_refusal || self.kind == Kind::Unreachable
    }

    /// The same, with what went wrong before it.
    #[must_use]
    pub(crate) fn after(mut self, before: Vec<String>) -> Self {
        self.what.splice(0..0, before);
        self
    }

    /// Of another kind.
    #[must_use]
    pub(crate) fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The deployment says that it is the request that is wrong.
    #[must_use]
    pub(crate) fn refusing(self) -> Self {
        Self { is_refusal: true, ..self }
    }

    /// What to do now.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }

    /// Which fields and which events are to blame.
    #[must_use]
    pub(crate) fn blaming(
        self,
        fields: Vec<(String, String)>,
        events: Vec<(usize, String)>,
    ) -> Self {
        Self { fields, events, ..self }
    }

    /// Says what it was that is not there.
    #[must_use]
    pub(crate) fn about(mut self, thing: impl Display) -> Self {
        if self.kind == Kind::NotFound {
            self.what = vec![format!("there is no {thing}")];
        }
        self
    }

    /// All that is wrong, in one line.
    pub(crate) fn summary(&self) -> String {
        self.what.join("; ")
    }

    /// Tells people, on standard error.
    pub(crate) fn tell(&self) {
        if self.is_silent {
            return;
        }
        let red = AnsiColor::Red.on_default().bold();
        for what in &self.what {
            terminal::tell(format_args!("{red}error:{red:#} {}", terminal::plain_lines(what)));
        }
        if let Some(hint) = &self.hint {
            let dim = Style::new().dimmed();
            terminal::tell(format_args!("{dim}hint:{dim:#} {}", terminal::plain_lines(hint)));
        }
    }

    /// What the process ends with.
    pub(crate) fn code(&self) -> ExitCode {
        if self.is_silent { ExitCode::SUCCESS } else { ExitCode::from(self.kind as u8) }
    }
}

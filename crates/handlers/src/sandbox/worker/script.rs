//! One script on its way through a job: compiled, called, and how it failed.

use mlua::{Function, IntoLuaMulti, Value};

use super::{
    encode::{EncodeError, Encoder, Manner},
    meter::TimeIsOver,
    state::State,
};
use crate::sandbox::{
    outcome::{FailureKind, ScriptFailure},
    source,
};

/// What a failed allocation raises.
const NO_MEMORY: &str = "not enough memory";

/// A script and the state that it runs in.
pub(super) struct Script<'a> {
    pub(super) state: &'a State,
    /// Which one of the job's it is.
    pub(super) index: usize,
    pub(super) source: &'a str,
    /// What messages call it.
    pub(super) name: &'a str,
}

/// What came of it, or how it failed.
pub(super) type Outcome<T> = Result<T, ScriptFailure>;

impl Script<'_> {
    /// Is it Lua?
    pub(super) fn check(&self) -> Outcome<()> {
        self.admit()?;
        self.state.compile(self.source).map_err(|error| self.refused(error))
    }

    /// The chunk, compiled.
    pub(super) fn chunk(&self) -> Outcome<Function> {
        self.admit()?;
        self.state.load(self.name, self.source).map_err(|error| self.refused(error))
    }

    /// The function that the chunk returns.
    pub(super) fn function(&self) -> Outcome<Function> {
        match self.call(self.chunk()?)? {
            (Value::Function(function), _) => Ok(function),
            (other, _) => Err(self.wrong_type("bad return value, expected function type", &other)),
        }
    }

    /// What must not reach the compiler: what is compiled already; and anything once the time is
    /// over, for the compiler does not look at the clock.
    fn admit(&self) -> Outcome<()> {
        match source::refuse(self.source) {
            Some(why) => Err(self.failure(FailureKind::Syntax, why.into())),
            None if self.state.context.meter.is_over() => Err(self.over()),
            None => Ok(()),
        }
    }

    fn refused(&self, error: mlua::Error) -> ScriptFailure {
        match error {
            mlua::Error::SyntaxError { message, .. } => {
                let message = format!("{}:{message}", self.name);
                let message = source::explain_syntax(message, self.source, self.name);
                self.failure(FailureKind::Syntax, source::cut(message.as_bytes()))
            }
            error => self.raised(&Value::Error(Box::new(error))),
        }
    }

    /// Calls a function; its first two results, or the failure that it ended with.
    pub(super) fn call(&self, call: impl IntoLuaMulti) -> Outcome<(Value, Value)> {
        let result = self.state.call.call::<(bool, Value, Value)>(call);
        if self.state.context.meter.was_over() {
            return Err(self.over());
        }
        match result {
            Ok((true, first, second)) => Ok((first, second)),
            Ok((false, error, _)) => Err(self.raised(&error)),
            Err(error) => Err(self.raised(&Value::Error(Box::new(error)))),
        }
    }

    /// The failure of a script whose time is over, whether or not it caught that.
    fn over(&self) -> ScriptFailure {
        let context = &self.state.context;
        let line = context.line_of_end(self.name);
        let place = line.map_or_else(String::new, |line| format!(":{line}"));
        let most = context.limits.cpu.as_millis();
        let (kind, what) = if context.meter.was_starved() {
            (FailureKind::Died, format!("did not get {most} ms of the processor in time"))
        } else {
            (FailureKind::TimeOut, format!("ran longer than {most} ms"))
        };
        let message = format!("{}{place}: {what}", self.name);
        ScriptFailure { line, ..self.failure(kind, message) }
    }

    /// The failure of a script that raised this.
    pub(super) fn raised(&self, error: &Value) -> ScriptFailure {
        let message = match error {
            Value::String(text) => source::cut(&text.as_bytes()),
            Value::Nil => "nil".into(),
            Value::Error(error) if is_memory(error) => NO_MEMORY.into(),
            Value::Error(error) if is_time(error) => return self.over(),
            Value::Error(error) => source::cut(error.to_string().as_bytes()),
            other => self.described(other),
        };
        if message.ends_with(NO_MEMORY) {
            let most = self.state.context.limits.memory >> 20;
            let message = format!("{}: {NO_MEMORY}: a run may use {most} MiB", self.name);
            return self.failure(FailureKind::Memory, message);
        }
        let line = source::line_of(&message, self.name);
        let message = source::explain_nil(source::without_prelude(message), self.source, line);
        ScriptFailure { line, ..self.failure(FailureKind::Raised, message) }
    }

    /// The failure of a function that returned `false`, and perhaps why.
    pub(super) fn returned_false(&self, why: &Value) -> ScriptFailure {
        let message = match why {
            Value::Nil => format!("{}: returned false", self.name),
            Value::String(text) => source::cut(&text.as_bytes()),
            other => self.described(other),
        };
        self.failure(FailureKind::ReturnedFalse, message)
    }

    /// A value as JSON, in as many bytes as a message may have.
    fn described(&self, value: &Value) -> String {
        match self.encoded(value, source::LONGEST_MESSAGE) {
            Ok(json) => source::cut(&json),
            Err(_) => format!("a {}", type_of(value)),
        }
    }

    /// What is shown of a result, as long as there is room for it.
    pub(super) fn shown(&self, value: &Value, room: &mut usize) -> Outcome<serde_json::Value> {
        let json = match self.encoded(value, *room) {
            Ok(json) => json,
            Err(EncodeError::Unfit(why)) => return Ok(format!("<{why}>").into()),
            Err(EncodeError::TooLarge) => return Ok("<too large to be shown>".into()),
            Err(EncodeError::Lua(error)) => {
                return Err(self.raised(&Value::Error(Box::new(error))));
            }
        };
        *room -= json.len();
        Ok(serde_json::from_slice(&json).unwrap_or_else(|_| "<not to be shown>".into()))
    }

    fn encoded(&self, value: &Value, most: usize) -> Result<Vec<u8>, EncodeError> {
        let State { context, array, .. } = self.state;
        Encoder::new(&context.meter, array, Manner::Lenient, most).encode(value)
    }

    /// The failure of a script that gave something else than it should have.
    pub(super) fn wrong_type(&self, what: &str, got: &Value) -> ScriptFailure {
        let message = format!("{}: {what}, got {}", self.name, type_of(got));
        self.failure(FailureKind::WrongType, message)
    }

    /// A failure, in the line that the message begins with.
    pub(super) fn failure(&self, kind: FailureKind, message: String) -> ScriptFailure {
        let chunk = self.name.to_owned();
        ScriptFailure {
            kind,
            index: self.index,
            line: source::line_of(&message, &chunk),
            chunk,
            message,
        }
    }
}

/// What Lua calls the type of a value.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) | Value::Number(_) => "number",
        other => other.type_name(),
    }
}

fn is_memory(error: &mlua::Error) -> bool {
    match error {
        mlua::Error::MemoryError(_) => true,
        mlua::Error::CallbackError { cause, .. } => is_memory(cause),
        _ => false,
    }
}

fn is_time(error: &mlua::Error) -> bool {
    error.downcast_ref::<TimeIsOver>().is_some()
}

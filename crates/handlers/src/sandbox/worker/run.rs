//! Runs a job in a state of its own, and says how it ended.

use std::borrow::Cow;

use mlua::Value;
use serde_json::value::RawValue;

use super::{
    decode::{DecodeError, decode},
    script::{Outcome, Script},
    state::State,
};
use crate::sandbox::{
    outcome::FailureKind,
    protocol::{FromWorker, Job, ToWorker},
    source,
};

/// Events have at most 256 KiB.
const LARGE_DATA: usize = 512 << 10;

/// Runs a job; `None` when the message is none.
pub(super) fn run(state: &State, message: ToWorker<'_, &RawValue>) -> Option<FromWorker> {
    let mut returns = Vec::new();
    let outcome = match message {
        ToWorker::Run { job: Job::Functions { sources, data, event, source, pid }, http } => {
            let names = named(&sources);
            begin(state, http, first(&names), data).and_then(|data| {
                #[expect(clippy::cast_precision_loss, reason = "process ids are small")]
                let arguments = (data, event.as_deref(), &*source, pid as f64);
                functions(state, &names, &sources, &arguments, &mut returns)
            })
        }
        ToWorker::Run { job: Job::Templates { chunks, context }, http } => {
            begin(state, http, source::TEMPLATE, context)
                .and_then(|context| templates(state, &chunks, &context, &mut returns))
        }
        ToWorker::CheckFunctions { sources } => {
            let names = named(&sources);
            begin(state, false, first(&names), RawValue::NULL)
                .and_then(|_| check_functions(state, &names, &sources))
        }
        ToWorker::CheckTemplates { chunks } => {
            begin(state, false, source::TEMPLATE, RawValue::NULL)
                .and_then(|_| check_templates(state, &chunks))
        }
        ToWorker::Setup(_) | ToWorker::Answer(_) => return None,
    };
    let failure = outcome.err();
    if let Some(failure) = &failure {
        state.context.log_failure(&failure.message);
    }
    // A process that has been at its limits is not used again: it has memory to give back.
    let again = !failure.as_ref().is_some_and(|it| {
        matches!(it.kind, FailureKind::TimeOut | FailureKind::Memory | FailureKind::Died)
    });
    Some(FromWorker::Done { returns, failure, again })
}

fn named(sources: &[String]) -> Vec<String> {
    sources.iter().map(|it| source::chunk_name(it)).collect()
}

fn first(names: &[String]) -> &str {
    names.first().map_or("", |it| it)
}

/// Starts the clock, and reads the data.
fn begin(state: &State, http: bool, name: &str, data: &RawValue) -> Outcome<Value> {
    state.context.start(http);
    state.context.watch(&state.lua);
    read(state, data.get().as_bytes()).map_err(|error| {
        let script = Script { state, index: 0, source: "", name };
        match error {
            DecodeError::Json(why) => {
                let what = format!("{name}: the event cannot be read: {why}");
                script.failure(FailureKind::TooLarge, what)
            }
            DecodeError::Lua(error) => script.raised(&Value::Error(Box::new(error))),
        }
    })
}

/// Reads the data and limits memory: before that, where the data is larger than events are.
/// Without a limit it is read several times as fast.
fn read(State { context, lua, array, .. }: &State, data: &[u8]) -> Result<Value, DecodeError> {
    let limit_memory = || lua.set_memory_limit(context.limits.memory).map_err(DecodeError::Lua);
    if data.len() > LARGE_DATA {
        limit_memory()?;
    }
    let value = decode(lua, &context.meter, array, data)?;
    limit_memory()?;
    Ok(value)
}

fn functions(
    state: &State,
    names: &[String],
    sources: &[String],
    arguments: &(Value, Option<&str>, &str, f64),
    returns: &mut Vec<serde_json::Value>,
) -> Outcome<()> {
    within_size(state, names, sources)?;
    let mut room = state.context.limits.result;
    for (index, (source, name)) in sources.iter().zip(names).enumerate() {
        let script = Script { state, index, source, name };
        let function = script.function()?;
        let (first, second) = script.call((function, arguments.clone()))?;
        if let Value::Boolean(false) = first {
            return Err(script.returned_false(&second));
        }
        returns.push(script.shown(&first, &mut room)?);
    }
    Ok(())
}

fn templates(
    state: &State,
    chunks: &[Cow<'_, str>],
    context: &Value,
    returns: &mut Vec<serde_json::Value>,
) -> Outcome<()> {
    let most = state.context.limits.output;
    let mut room = most;
    for script in template_scripts(state, chunks) {
        let script = script?;
        let text = match script.call((script.chunk()?, context, Value::NULL, &state.printing))? {
            (Value::String(text), _) => text,
            (other, _) => return Err(script.wrong_type("a string expected", &other)),
        };
        let Some(left) = room.checked_sub(text.as_bytes().len()) else {
            let what = format!("{}: templates may yield {most} bytes", script.name);
            return Err(script.failure(FailureKind::TooLarge, what));
        };
        room = left;
        returns.push(text.to_string_lossy().into());
    }
    Ok(())
}

fn check_templates(state: &State, chunks: &[Cow<'_, str>]) -> Outcome<()> {
    template_scripts(state, chunks).try_for_each(|script| script?.check())
}

/// Templates as scripts. How much Lua one of them may be is limited as it is for all functions of
/// a hook together.
fn template_scripts<'a>(
    state: &'a State,
    chunks: &'a [Cow<'_, str>],
) -> impl Iterator<Item = Outcome<Script<'a>>> {
    let limits = &state.context.limits;
    chunks.iter().enumerate().map(move |(index, source)| {
        if source.len() > limits.source {
            return Err(source::too_large(limits, index, source::TEMPLATE.into()));
        }
        Ok(Script { state, index, source, name: source::TEMPLATE })
    })
}

fn check_functions(state: &State, names: &[String], sources: &[String]) -> Outcome<()> {
    within_size(state, names, sources)?;
    for (index, (source, name)) in sources.iter().zip(names).enumerate() {
        Script { state, index, source, name }.function()?;
    }
    Ok(())
}

fn within_size(state: &State, names: &[String], sources: &[String]) -> Outcome<()> {
    let limits = &state.context.limits;
    let mut size = 0;
    for (index, (source, name)) in sources.iter().zip(names).enumerate() {
        size += source.len();
        if size > limits.source {
            return Err(source::too_large(limits, index, name.clone()));
        }
    }
    Ok(())
}

//! Is this an event? `{source, event, data}`, nested or flat.
//!
//! An event with an object `data` is nested: beside it there may be `id`, `time` and `pid`. Any
//! other event is flat, as a webhook of this system has it: everything but source and event is
//! its data, an `id` too.

use std::fmt::Display;

use hooks::{
    event::Data,
    name::{EventName, SourceName},
    publish::NewEvent,
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::wire::fields::{MOST_LEVELS, is_too_deep};

/// The longest `id`.
pub(super) const LONGEST_ID: usize = 255;

/// Why something is no event, and what it is called as far as that is known.
#[derive(Debug, PartialEq)]
pub(super) struct Bad {
    pub(super) source: Option<String>,
    pub(super) event: Option<String>,
    pub(super) message: String,
}

/// The parts of an event, in whatever form they came; null is the same as missing.
#[derive(Default)]
pub(super) struct Parts {
    /// Its source.
    pub(super) source: Option<Value>,
    /// Its name.
    pub(super) event: Option<Value>,
    /// What its form calls the name.
    pub(super) name_of_event: &'static str,
    /// What makes it the same event as another post of it.
    pub(super) id: Option<Value>,
    /// When it happened.
    pub(super) time: Option<Value>,
    /// The process that saw it.
    pub(super) pid: Option<Value>,
    /// Everything else.
    pub(super) data: Map<String, Value>,
    /// What is wrong so far.
    pub(super) problems: Vec<String>,
}

/// Reads an event in the form of this system.
pub(super) fn read(text: &str) -> Result<NewEvent, Bad> {
    let mut members = object(text)?;
    let mut parts = Parts {
        source: members.shift_remove("source"),
        event: members.shift_remove("event"),
        name_of_event: "event",
        ..Parts::default()
    };
    match members.get("data") {
        Some(Value::Object(_)) => parts.nested(members),
        _ => parts.data = members,
    }
    parts.into_event()
}

/// Reads a JSON object.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, Bad> {
    let refuse = |message: String| Bad { source: None, event: None, message };
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(refuse("an event must be a JSON object".into())),
        Err(error) => Err(refuse(not_json(&error))),
    }
}

/// What is wrong with a text that is no JSON, or not JSON that is taken.
pub(super) fn not_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("recursion limit exceeded") {
        return too_deep();
    }
    format!("invalid JSON: {text}")
}

fn too_deep() -> String {
    format!("nested deeper than {MOST_LEVELS} levels")
}

impl Parts {
    fn nested(&mut self, mut members: Map<String, Value>) {
        self.id = members.shift_remove("id");
        self.time = members.shift_remove("time");
        self.pid = members.shift_remove("pid");
        if let Some(Value::Object(data)) = members.shift_remove("data") {
            self.data = data;
        }
        for name in members.keys() {
            self.problem(name, "cannot stand beside data; there are source, event, id, time, pid");
        }
    }

    /// Notes what is wrong with a member.
    pub(super) fn problem(&mut self, member: &str, message: impl Display) {
        self.problems.push(format!("{member}: {message}"));
    }

    /// The event, if nothing is wrong with it.
    pub(super) fn into_event(mut self) -> Result<NewEvent, Bad> {
        let shown = |value: &Option<Value>| Some(cut(value.as_ref()?.as_str()?));
        let (shown_source, shown_event) = (shown(&self.source), shown(&self.event));
        let source = self.source.take();
        let source = self.required("source", source, SourceName::parse);
        let event = self.event.take();
        let event = self.required(self.name_of_event, event, EventName::parse);
        let id = self.id.take();
        let id = self.optional("id", id, id_of);
        let time = self.time.take();
        let time = self.optional("time", time, time_of);
        let pid = self.pid.take();
        let pid = self.optional("pid", pid, pid_of);
        if is_too_deep(self.data.values()) {
            self.problem("data", too_deep());
        }
        match (source, event) {
            (Some(source), Some(event)) if self.problems.is_empty() => {
                Ok(NewEvent { source, event, data: Data::from(self.data), id, time, pid })
            }
            _ => Err(Bad {
                source: shown_source,
                event: shown_event,
                message: self.problems.join("; "),
            }),
        }
    }

    fn required<T, E: Display>(
        &mut self,
        member: &'static str,
        value: Option<Value>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if value.as_ref().is_none_or(Value::is_null) {
            self.problem(member, "required");
            return None;
        }
        self.optional(member, value, |value| {
            let text = value.as_str().ok_or_else(|| "must be a string".to_owned())?;
            parse(text).map_err(|error| error.to_string())
        })
    }

    fn optional<T, E: Display>(
        &mut self,
        member: &'static str,
        value: Option<Value>,
        read: impl FnOnce(&Value) -> Result<T, E>,
    ) -> Option<T> {
        let value = value.filter(|it| !it.is_null())?;
        read(&value).map_err(|error| self.problem(member, error)).ok()
    }
}

fn id_of(value: &Value) -> Result<String, String> {
    let fits = |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && !id.contains(char::is_control);
    value.as_str().filter(fits).map(str::to_owned).ok_or_else(|| {
        format!("must be a string of 1 to {LONGEST_ID} bytes without control characters")
    })
}

/// A whole number; `5.0` is whole.
fn pid_of(value: &Value) -> Result<i64, &'static str> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if let Some(number) = value.as_i64() {
        return Ok(number);
    }
    let whole = value.as_f64().filter(|number| number.fract() == 0.0);
    let number = whole.ok_or("must be an integer")?;
    if !(-END..END).contains(&number) {
        return Err("must be an integer of at most 64 bits");
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within the range just above")]
    Ok(number as i64)
}

fn time_of(value: &Value) -> Result<Timestamp, &'static str> {
    let time = match value {
        Value::String(text) => Timestamp::parse(text),
        Value::Number(number) => number.as_f64().and_then(Timestamp::from_fractional_seconds),
        _ => None,
    };
    time.ok_or("must be a time in RFC 3339 or in seconds since 1970")
}

/// As much of a name as an answer repeats.
pub(super) fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(hooks::name::MOST_BYTES)].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_nested_or_flat() {
        let event = |data: Value| NewEvent {
            source: SourceName::parse("crud").unwrap(),
            event: EventName::parse("consumers").unwrap(),
            data: data.as_object().unwrap().clone().into(),
            id: None,
            time: None,
            pid: None,
        };
        for (name, given, expected) in [
            ("nested", json!({"data": {"a": 1}}), event(json!({"a": 1}))),
            (
                "nested, with everything",
                json!({"data": {}, "id": "x", "time": 1.5, "pid": 7}),
                NewEvent {
                    id: Some("x".into()),
                    time: Some(Timestamp::from_millis(1_500)),
                    pid: Some(7),
                    ..event(json!({}))
                },
            ),
            (
                "a process as a number with a point",
                json!({"data": {}, "pid": 5.0}),
                NewEvent { pid: Some(5), ..event(json!({})) },
            ),
            (
                "the largest process",
                json!({"data": {}, "pid": i64::MAX}),
                NewEvent { pid: Some(i64::MAX), ..event(json!({})) },
            ),
            ("nested, with nulls", json!({"data": {}, "id": null, "pid": null}), event(json!({}))),
            (
                "flat",
                json!({"entity": {}, "operation": "create"}),
                event(json!({"entity": {}, "operation": "create"})),
            ),
            (
                "flat, for its id is data",
                json!({"id": 5, "time": "x"}),
                event(json!({"id": 5, "time": "x"})),
            ),
            ("flat, for its data is no object", json!({"data": [1]}), event(json!({"data": [1]}))),
            ("nothing but its names", json!({}), event(json!({}))),
        ] {
            let mut members = given.as_object().unwrap().clone();
            members.insert("source".into(), "crud".into());
            members.insert("event".into(), "consumers".into());
            assert_eq!(read(&Value::from(members).to_string()), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_event_is_said_by_member() {
        for (name, text, message) in [
            ("a number", "5", "an event must be a JSON object"),
            ("nothing", r"{}", "source: required; event: required"),
            ("a null source", r#"{"source":null,"event":"e"}"#, "source: required"),
            ("a source that is no text", r#"{"source":1,"event":"e"}"#, "source: must be a string"),
            (
                "an empty source",
                r#"{"source":"","event":"e"}"#,
                "source: length must be at least 1",
            ),
            (
                "a line break in a name",
                r#"{"source":"s","event":"a\nb"}"#,
                "event: must not contain control characters",
            ),
            (
                "a member beside data",
                r#"{"source":"s","event":"e","data":{},"entity":1}"#,
                "entity: cannot stand beside data; there are source, event, id, time, pid",
            ),
            (
                "an empty id",
                r#"{"source":"s","event":"e","data":{},"id":""}"#,
                "id: must be a string of 1 to 255 bytes without control characters",
            ),
            (
                "a time that is none",
                r#"{"source":"s","event":"e","data":{},"time":"yesterday"}"#,
                "time: must be a time in RFC 3339 or in seconds since 1970",
            ),
            (
                "half a process",
                r#"{"source":"s","event":"e","data":{},"pid":1.5}"#,
                "pid: must be an integer",
            ),
            (
                "a process beyond 64 bits",
                r#"{"source":"s","event":"e","data":{},"pid":9223372036854775808}"#,
                "pid: must be an integer of at most 64 bits",
            ),
            (
                "a process far beyond",
                r#"{"source":"s","event":"e","data":{},"pid":-1e300}"#,
                "pid: must be an integer of at most 64 bits",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().message, message, "{name}");
        }
    }
}

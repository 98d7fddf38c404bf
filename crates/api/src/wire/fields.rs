//! Is each field of a record what it should be? All that is wrong is collected.
//!
//! A *reader* turns a value into what it stands for, or says what is wrong with it, in the
//! gateway's words. Null is the same as a missing field.

use std::fmt::Display;

use hooks::{time::Timestamp, violation::Violations};
use serde_json::{Map, Value};

/// What a reader answers. Violations are named relative to the value itself: `""`.
pub(crate) type Read<T> = Result<T, Violations>;

/// A record whose fields are taken out one by one.
pub(crate) struct Record<'a> {
    path: String,
    members: Map<String, Value>,
    violations: &'a mut Violations,
}

impl<'a> Record<'a> {
    /// The record that stands at this path; `""` for the one at the top.
    pub(crate) fn new(
        path: &str,
        members: Map<String, Value>,
        violations: &'a mut Violations,
    ) -> Self {
        Self { path: path.to_owned(), members, violations }
    }

    /// A field that may be missing.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        reader: impl FnOnce(Value) -> Read<T>,
    ) -> Option<T> {
        let value = self.members.shift_remove(name).filter(|value| !value.is_null())?;
        match reader(value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                for violation in wrong.iter() {
                    let field = join(&join(&self.path, name), &violation.field);
                    self.violations.add(field, &violation.message);
                }
                None
            }
        }
    }

    /// A field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        reader: impl FnOnce(Value) -> Read<T>,
    ) -> Option<T> {
        if self.is_missing(name) {
            self.violations.add(join(&self.path, name), "required field missing");
        }
        self.optional(name, reader)
    }

    /// A record within the record; without any fields where it is missing.
    pub(crate) fn record(&mut self, name: &str) -> Option<Map<String, Value>> {
        if self.is_missing(name) {
            self.members.shift_remove(name);
            return Some(Map::new());
        }
        self.optional(name, |value| object(value, "expected a record"))
    }

    fn is_missing(&self, name: &str) -> bool {
        self.members.get(name).is_none_or(Value::is_null)
    }

    /// Whatever was not taken out is unknown.
    pub(crate) fn finish(self) {
        for name in self.members.keys() {
            self.violations.add(join(&self.path, name), "unknown field");
        }
    }
}

fn join(path: &str, field: &str) -> String {
    match (path, field) {
        ("", it) | (it, "") => it.to_owned(),
        (path, field) => format!("{path}.{field}"),
    }
}

/// What is wrong with a value, as a reader says it.
pub(crate) fn wrong(message: impl Display) -> Violations {
    Violations::one("", message)
}

/// Text of 1 to `most` bytes.
pub(crate) fn text(most: usize) -> impl Fn(Value) -> Read<String> {
    move |value| match value {
        Value::String(text) if text.is_empty() => Err(wrong("length must be at least 1")),
        Value::String(text) if text.len() > most => {
            Err(wrong(format_args!("length must be at most {most}")))
        }
        Value::String(text) => Ok(text),
        _ => Err(wrong("expected a string")),
    }
}

/// Text that something else parses.
pub(crate) fn parsed<T, E: Display>(
    parse: impl Fn(&str) -> Result<T, E>,
) -> impl Fn(Value) -> Read<T> {
    move |value| parse(&text(usize::MAX)(value)?).map_err(wrong)
}

/// `true` or `false`.
#[expect(clippy::needless_pass_by_value, reason = "readers take the value that they read")]
pub(crate) fn boolean(value: Value) -> Read<bool> {
    match value {
        Value::Bool(flag) => Ok(flag),
        _ => Err(wrong("expected a boolean")),
    }
}

/// A whole number between two others; `60.0` is whole.
pub(crate) fn integer(least: i64, most: i64) -> impl Fn(Value) -> Read<i64> {
    move |value| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0);
        let number = number.ok_or_else(|| wrong("expected an integer"))?;
        #[expect(clippy::cast_possible_truncation, reason = "saturates; whole as it is")]
        let number = value.as_i64().unwrap_or(number as i64);
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        Err(wrong(format_args!("value should be between {least} and {most}")))
    }
}

/// What a moment is written as.
pub(crate) const A_MOMENT: &str = "a time in RFC 3339 or in seconds since 1970";

/// [`A_MOMENT`]; seconds may be text too, as they are in a query.
#[expect(clippy::needless_pass_by_value, reason = "readers take the value that they read")]
pub(crate) fn moment(value: Value) -> Read<Timestamp> {
    let moment = match &value {
        Value::String(text) => Timestamp::parse(text),
        Value::Number(seconds) => seconds.as_f64().and_then(Timestamp::from_fractional_seconds),
        _ => None,
    };
    moment.ok_or_else(|| wrong(format_args!("expected {A_MOMENT}")))
}

/// A list of 1 to `most` elements. A wrong element is named by its place, counted from 1.
pub(crate) fn array<T>(
    most: usize,
    element: impl Fn(Value) -> Read<T>,
) -> impl Fn(Value) -> Read<Vec<T>> {
    move |value| {
        let Value::Array(items) = value else { return Err(wrong("expected an array")) };
        match items.len() {
            0 => return Err(wrong("length must be at least 1")),
            len if len > most => {
                return Err(wrong(format_args!("length must be at most {most}")));
            }
            _ => {}
        }
        let mut violations = Violations::default();
        let mut elements = Vec::with_capacity(items.len());
        for (item, place) in items.into_iter().zip(1..) {
            match element(item) {
                Ok(item) => elements.push(item),
                Err(wrong) => {
                    wrong.iter().for_each(|it| violations.add(place.to_string(), &it.message));
                }
            }
        }
        violations.into_result().map(|()| elements)
    }
}

/// The deepest that values of the caller's own may nest. Parsers stop at 128 levels, and what is
/// kept and sent wraps these values into a few more.
pub(crate) const MOST_LEVELS: usize = 100;

/// Does a value nest deeper than [`MOST_LEVELS`]?
pub(crate) fn is_too_deep<'a>(members: impl IntoIterator<Item = &'a Value>) -> bool {
    fn fits(value: &Value, levels: usize) -> bool {
        match value {
            Value::Array(items) => levels > 0 && items.iter().all(|it| fits(it, levels - 1)),
            Value::Object(members) => levels > 0 && members.values().all(|it| fits(it, levels - 1)),
            _ => true,
        }
    }
    !members.into_iter().all(|it| fits(it, MOST_LEVELS - 1))
}

/// Names of the caller's own with whatever values.
pub(crate) fn map(value: Value) -> Read<Map<String, Value>> {
    object(value, "expected a map")
}

fn object(value: Value, message: &'static str) -> Read<Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(wrong(message)),
    }
}

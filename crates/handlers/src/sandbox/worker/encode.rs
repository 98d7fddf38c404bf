//! Lua into JSON: as `cjson` does it, and for people to look at.

use std::borrow::Cow;

use mlua::{Table, Value};

use super::{meter::Meter, number::write_g14};

/// So many bytes of a string are written without a look at the time.
const BETWEEN_CHECKS: usize = 4096;

/// What to do with what JSON cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It is an error, in the words of `cjson`.
    Strict,
    /// It is described: `"<function>"`.
    Lenient,
}

/// Why there is no JSON.
#[derive(Debug)]
pub(super) enum EncodeError {
    /// The value is not fit for it.
    Unfit(String),
    /// The JSON is longer than allowed.
    TooLarge,
    /// No memory, or no time.
    Lua(mlua::Error),
}

impl From<mlua::Error> for EncodeError {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

/// Writes JSON.
pub(super) struct Encoder<'a> {
    meter: &'a Meter,
    manner: Manner,
    most_bytes: usize,
    most_depth: usize,
    /// The metatable of empty arrays.
    array: &'a Table,
    json: Vec<u8>,
}

/// What kind of JSON a table is.
enum Shape {
    Array { length: i64 },
    Object,
}

impl<'a> Encoder<'a> {
    /// Writes at most so many bytes. Stays within the depth that `serde_json` reads again, or that
    /// `cjson` writes.
    pub(super) fn new(
        meter: &'a Meter,
        array: &'a Table,
        manner: Manner,
        most_bytes: usize,
    ) -> Self {
        let most_depth = if manner == Manner::Strict { 1000 } else { 100 };
        Self { meter, manner, most_bytes, most_depth, array, json: Vec::new() }
    }

    /// The JSON of a value.
    pub(super) fn encode(mut self, value: &Value) -> Result<Vec<u8>, EncodeError> {
        self.value(value, 0)?;
        Ok(self.json)
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), EncodeError> {
        match value {
            Value::Nil => self.write(b"null"),
            Value::LightUserData(it) if it.0.is_null() => self.write(b"null"),
            Value::Boolean(true) => self.write(b"true"),
            Value::Boolean(false) => self.write(b"false"),
            Value::Integer(number) => self.write(number.to_string().as_bytes()),
            Value::Number(number) => self.number(*number),
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Table(table) => self.table(table, depth + 1),
            other => self.strange(other.type_name()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.json.len() + bytes.len() > self.most_bytes {
            return Err(EncodeError::TooLarge);
        }
        self.json.extend_from_slice(bytes);
        Ok(())
    }

    fn number(&mut self, number: f64) -> Result<(), EncodeError> {
        match self.manner {
            Manner::Strict if number.is_finite() => self.write(write_g14(number).as_bytes()),
            Manner::Strict => {
                let why = "Cannot serialise number: must not be NaN or Infinity";
                Err(EncodeError::Unfit(why.into()))
            }
            Manner::Lenient if number == 0.0 => self.write(b"0"),
            Manner::Lenient if is_whole(number) => self.write(format!("{number:.0}").as_bytes()),
            Manner::Lenient => {
                let json = serde_json::to_vec(&number).unwrap_or_else(|_| b"null".into());
                self.write(&json)
            }
        }
    }

    /// As `cjson` writes strings: bytes that are no text pass unchanged when it is strict.
    fn string(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        if self.manner == Manner::Lenient {
            // What is too long is so escaped or not; do not look at all of it first.
            let kept = &bytes[..bytes.len().min(self.most_bytes + 1)];
            let json = serde_json::to_vec(&String::from_utf8_lossy(kept));
            return self.write(&json.unwrap_or_default());
        }
        self.write(b"\"")?;
        let mut plain = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if at % BETWEEN_CHECKS == 0 {
                self.meter.check()?;
            }
            let Some(escaped) = escape(*byte) else { continue };
            self.write(&bytes[plain..at])?;
            self.write(escaped.as_bytes())?;
            plain = at + 1;
        }
        self.write(&bytes[plain..])?;
        self.write(b"\"")
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<(), EncodeError> {
        if depth > self.most_depth {
            return match self.manner {
                Manner::Strict => {
                    Err(EncodeError::Unfit(format!("Cannot serialise, excessive depth ({depth})")))
                }
                Manner::Lenient => self.strange("table too deep"),
            };
        }
        match self.shape(table)? {
            Shape::Array { length } => {
                self.write(b"[")?;
                for index in 1..=length {
                    self.meter.check()?;
                    if index > 1 {
                        self.write(b",")?;
                    }
                    self.value(&table.raw_get(index)?, depth)?;
                }
                self.write(b"]")
            }
            Shape::Object => self.object(table, depth),
        }
    }

    fn object(&mut self, table: &Table, depth: usize) -> Result<(), EncodeError> {
        self.write(b"{")?;
        let mut first = true;
        let mut failure = Ok(());
        let walked = table.for_each(|key: Value, value: Value| {
            self.meter.check()?;
            failure = self.member(&key, &value, depth, std::mem::take(&mut first));
            if failure.is_err() { Err(mlua::Error::runtime("enough")) } else { Ok(()) }
        });
        failure?;
        walked?;
        self.write(b"}")
    }

    fn member(
        &mut self,
        key: &Value,
        value: &Value,
        depth: usize,
        first: bool,
    ) -> Result<(), EncodeError> {
        if !first {
            self.write(b",")?;
        }
        match key {
            Value::String(text) => self.string(&text.as_bytes())?,
            Value::Number(number) => self.string(write_key(*number).as_bytes())?,
            Value::Integer(number) => self.string(number.to_string().as_bytes())?,
            other if self.manner == Manner::Lenient => self.strange(other.type_name())?,
            _ => {
                let why = "Cannot serialise table: table key must be a number or string";
                return Err(EncodeError::Unfit(why.into()));
            }
        }
        self.write(b":")?;
        self.value(value, depth)
    }

    /// A table is an array when all its keys are positive whole numbers, and not too few for the
    /// largest of them.
    fn shape(&self, table: &Table) -> Result<Shape, EncodeError> {
        /// As many holes as there are elements, and ten more.
        const RATIO: i64 = 2;
        const SAFE: i64 = 10;
        let (mut length, mut count) = (0, 0_i64);
        let mut is_object = false;
        // Whether a value is true is all that is asked of it, which costs least.
        let walked = table.for_each(|key: Value, _: bool| {
            self.meter.check()?;
            count += 1;
            match index_of(&key) {
                Some(index) => length = length.max(index),
                None => is_object = true,
            }
            if is_object { Err(mlua::Error::runtime("enough")) } else { Ok(()) }
        });
        if is_object {
            return Ok(Shape::Object);
        }
        walked?;
        if count == 0 && table.metatable().as_ref() != Some(self.array) {
            return Ok(Shape::Object);
        }
        if length > SAFE && length > RATIO * count {
            if self.manner == Manner::Lenient {
                return Ok(Shape::Object);
            }
            let why = "Cannot serialise table: excessively sparse array";
            return Err(EncodeError::Unfit(why.into()));
        }
        Ok(Shape::Array { length })
    }

    fn strange(&mut self, what: &str) -> Result<(), EncodeError> {
        match self.manner {
            Manner::Strict => {
                Err(EncodeError::Unfit(format!("Cannot serialise {what}: type not supported")))
            }
            Manner::Lenient => self.write(format!("\"<{what}>\"").as_bytes()),
        }
    }
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0
}

fn write_key(number: f64) -> String {
    if number.is_finite() { write_g14(number) } else { number.to_string() }
}

fn index_of(key: &Value) -> Option<i64> {
    match key {
        Value::Integer(index) if *index > 0 => Some(*index),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        Value::Number(index) if *index > 0.0 && is_whole(*index) => Some(*index as i64),
        _ => None,
    }
}

/// How `cjson` escapes a byte, if it does.
fn escape(byte: u8) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'/' => "\\/",
        0x08 => "\\b",
        b'\t' => "\\t",
        b'\n' => "\\n",
        0x0c => "\\f",
        b'\r' => "\\r",
        0..0x20 | 0x7f => return Some(Cow::Owned(format!("\\u{byte:04x}"))),
        _ => return None,
    }))
}

//! What does a value look like in print, and how much may be printed?
//!
//! Values look as they do under lua-resty-template, so that a template brought along from
//! there prints the same text; an array or object, which has no useful look there, is JSON.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::{OUTPUT_LIMIT, error::RenderError};

/// Text that grows up to a limit.
#[derive(Debug)]
pub(super) struct Output {
    text: String,
    left: usize,
}

/// Is a value printed for HTML, or as it is?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As `{{ }}` does: `& < > " ' /` as entities.
    Escaped,
    /// As `{* *}` does.
    Raw,
}

impl Output {
    /// Empty, with so much room.
    pub(super) fn new(left: usize) -> Self {
        Self { text: String::new(), left }
    }

    /// Makes space for a text of about this length.
    pub(super) fn expect(&mut self, length: usize) {
        self.text.reserve(length.min(self.left));
    }

    /// How much may still be printed.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Leaves so much room: the rest was printed elsewhere.
    pub(super) fn leave(&mut self, left: usize) {
        self.left = self.left.min(left);
    }

    /// What was printed.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Prints a text as it is.
    pub(super) fn push(&mut self, text: &str) -> Result<(), RenderError> {
        self.left = self
            .left
            .checked_sub(text.len())
            .ok_or(RenderError::TooLong { limit: OUTPUT_LIMIT })?;
        self.text.push_str(text);
        Ok(())
    }

    /// Prints a text in a style.
    pub(super) fn push_text(&mut self, text: &str, style: Style) -> Result<(), RenderError> {
        if style == Style::Raw {
            return self.push(text);
        }
        let mut rest = text;
        while let Some((at, entity)) = first_entity(rest.as_bytes(), false) {
            self.push(&rest[..at])?;
            self.push(entity)?;
            rest = &rest[at + 1..];
        }
        self.push(rest)
    }

    /// Prints a value in a style: null as nothing, arrays and objects as JSON.
    pub(super) fn push_value(&mut self, value: &Value, style: Style) -> Result<(), RenderError> {
        match value {
            Value::Null => Ok(()),
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            Value::Number(number) => self.push_number(number),
            Value::String(text) => self.push_text(text, style),
            Value::Array(_) | Value::Object(_) => self.push_json(value, style),
        }
    }

    /// Prints an object in a style.
    pub(super) fn push_members(
        &mut self,
        members: &Map<String, Value>,
        style: Style,
    ) -> Result<(), RenderError> {
        self.push_json(members, style)
    }

    fn push_number(&mut self, number: &Number) -> Result<(), RenderError> {
        let mut digits = String::new();
        match number.as_i64() {
            Some(whole) if whole.unsigned_abs() < 100_000_000_000_000 => {
                write!(digits, "{whole}").expect("a String takes all that is written");
            }
            _ => digits = general(number.as_f64().unwrap_or(f64::NAN)),
        }
        self.push(&digits)
    }

    fn push_json(&mut self, value: &impl Serialize, style: Style) -> Result<(), RenderError> {
        let sink = JsonSink { output: self, style };
        serde_json::to_writer(sink, value).map_err(|_| RenderError::TooLong { limit: OUTPUT_LIMIT })
    }
}

/// Where JSON is written to. It comes in whole characters, so that every piece is text.
struct JsonSink<'o> {
    output: &'o mut Output,
    style: Style,
}

impl Write for JsonSink<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(piece).map_err(io::Error::other)?;
        self.output.push_text(text, self.style).map_err(io::Error::other)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `{{ }}` prints for a text that code has made; with `braces`, those are entities as well.
pub(crate) fn escaped(text: &[u8], braces: bool) -> Cow<'_, [u8]> {
    let (mut escaped, mut rest) = (Vec::new(), text);
    while let Some((at, entity)) = first_entity(rest, braces) {
        escaped.extend_from_slice(&rest[..at]);
        escaped.extend_from_slice(entity.as_bytes());
        rest = &rest[at + 1..];
    }
    if rest.len() == text.len() {
        return text.into();
    }
    escaped.extend_from_slice(rest);
    escaped.into()
}

/// The first byte that is printed as an entity: where it is, and as which one.
fn first_entity(text: &[u8], braces: bool) -> Option<(usize, &'static str)> {
    text.iter().enumerate().find_map(|(at, byte)| Some((at, entity(*byte, braces)?)))
}

fn entity(byte: u8, braces: bool) -> Option<&'static str> {
    Some(match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&#39;",
        b'/' => "&#47;",
        b'{' if braces => "&#123;",
        b'}' if braces => "&#125;",
        _ => return None,
    })
}

/// C's `%.14g`: fourteen digits that count, without zeros at the end.
fn general(number: f64) -> String {
    const DIGITS: i32 = 14;
    let scientific = format!("{number:.13e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or_default();
        return without_final_zeros(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_final_zeros(mantissa), exponent.unsigned_abs())
}

fn without_final_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(value: &Value, style: Style) -> String {
        let mut output = Output::new(OUTPUT_LIMIT);
        output.push_value(value, style).unwrap();
        output.into_text()
    }

    #[test]
    fn numbers_look_as_in_luajit() {
        for (number, look) in [
            ("0", "0"),
            ("-0", "-0"),
            ("-0.0", "-0"),
            ("3.0", "3"),
            ("-42", "-42"),
            ("0.1", "0.1"),
            ("0.30000000000000004", "0.3"),
            ("1.5e300", "1.5e+300"),
            ("1e100", "1e+100"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1e-7", "1e-07"),
            ("12345678901234", "12345678901234"),
            ("99999999999999", "99999999999999"),
            ("100000000000000", "1e+14"),
            ("99999999999999.9", "1e+14"),
            ("1234567890123456", "1.2345678901235e+15"),
            ("18446744073709551615", "1.844674407371e+19"),
            ("-9223372036854775808", "-9.2233720368548e+18"),
            ("1627581878.123456", "1627581878.1235"),
            ("5e-324", "4.9406564584125e-324"),
            ("1.7976931348623157e308", "1.7976931348623e+308"),
        ] {
            let value: Value = serde_json::from_str(number).unwrap();
            assert_eq!(printed(&value, Style::Raw), look, "{number}");
        }
    }

    #[test]
    fn values_look_as_they_should() {
        for (name, value, escaped, raw) in [
            ("null is nothing", json!(null), "", ""),
            ("true", json!(true), "true", "true"),
            ("false", json!(false), "false", "false"),
            (
                "six characters are escaped",
                json!(r#"a&b<c>d"e'f/g{h}"#),
                "a&amp;b&lt;c&gt;d&quot;e&#39;f&#47;g{h}",
                r#"a&b<c>d"e'f/g{h}"#,
            ),
            (
                "an array is JSON",
                json!([1, "a", null]),
                "[1,&quot;a&quot;,null]",
                r#"[1,"a",null]"#,
            ),
            (
                "an object is JSON",
                json!({"k": "é/"}),
                "{&quot;k&quot;:&quot;é&#47;&quot;}",
                r#"{"k":"é/"}"#,
            ),
        ] {
            assert_eq!(printed(&value, Style::Escaped), escaped, "{name}");
            assert_eq!(printed(&value, Style::Raw), raw, "{name}");
        }
    }

    #[test]
    fn nothing_is_printed_past_the_limit() {
        for (name, value, room, fits) in [
            ("exactly as much as fits", json!("1234"), 4, true),
            ("one byte more", json!("12345"), 4, false),
            ("an entity counts as it is printed", json!("<"), 3, false),
            ("JSON counts as well", json!(["aaaa"]), 7, false),
            ("a number counts as well", json!(12345), 4, false),
        ] {
            let mut output = Output::new(room);
            let result = output.push_value(&value, Style::Escaped);
            assert_eq!(result.is_ok(), fits, "{name}");
            assert!(output.into_text().len() <= room, "{name}");
        }
    }
}

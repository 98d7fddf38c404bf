//! What did the text of a form mean? Text becomes what the field's type says it can be.
//!
//! Nothing is refused here: text that is no number stays text, for validation to name it.

use serde_json::{Map, Number, Value};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldType {
    /// Text.
    String,
    /// A number.
    Number,
    /// A whole number; `2.5` is inferred too, for validation to refuse it.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list; a single value is a list of one.
    Array(&'static FieldType),
    /// Names of the caller's own, each with a value of this type.
    Map(&'static FieldType),
    /// Names that are known beforehand.
    Record(Fields),
}

/// The fields of a record. What is not among them is left as it came.
pub type Fields = &'static [(&'static str, FieldType)];

/// Infers the values of a record's fields.
pub fn infer(members: &mut Map<String, Value>, fields: Fields) {
    for (name, field) in fields {
        if let Some(value) = members.get_mut(*name) {
            infer_value(value, field);
        }
    }
}

fn infer_value(value: &mut Value, field: &FieldType) {
    if value == "" {
        *value = Value::Null;
        return;
    }
    match (field, &mut *value) {
        (FieldType::Number | FieldType::Integer, Value::String(text)) => {
            if let Some(number) = lua_number(text).and_then(to_number) {
                *value = number.into();
            }
        }
        (FieldType::Boolean, Value::String(text)) => {
            if let Ok(flag) = text.parse() {
                *value = Value::Bool(flag);
            }
        }
        (FieldType::Array(of) | FieldType::Map(of), Value::Array(items)) => {
            items.iter_mut().for_each(|item| infer_value(item, of));
        }
        (FieldType::Array(of), Value::String(_) | Value::Bool(_)) => {
            infer_value(value, of);
            *value = vec![value.take()].into();
        }
        (FieldType::Map(of), Value::Object(members)) => {
            members.values_mut().for_each(|member| infer_value(member, of));
        }
        (FieldType::Record(fields), Value::Object(members)) => infer(members, fields),
        _ => {}
    }
}

fn to_number(number: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and small enough to be exact")]
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Some((number as i64).into());
    }
    Number::from_f64(number)
}

/// Reads a number as Lua's `tonumber` does: decimal or hexadecimal, with fraction and exponent,
/// spaces around it. What JSON has no word for (nan, infinity) is no number.
pub(super) fn lua_number(text: &str) -> Option<f64> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let number = match hexadecimal {
        Some(digits) => hexadecimal_number(digits)?,
        // Rust reads words ("inf") and a second sign too.
        None if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            digits.parse::<f64>().ok()?
        }
        None => return None,
    };
    number.is_finite().then_some(sign * number)
}

fn hexadecimal_number(text: &str) -> Option<f64> {
    let (digits, exponent) = match text.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        number = number * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    Some(number * 2.0_f64.powi(shift))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_read_as_lua_does() {
        for (name, text, expected) in [
            ("whole", "60", Some(60.0)),
            ("negative", "-1", Some(-1.0)),
            ("with a plus", "+1", Some(1.0)),
            ("a fraction", "2.5", Some(2.5)),
            ("a fraction alone", ".5", Some(0.5)),
            ("a point at the end", "5.", Some(5.0)),
            ("an exponent", "1e3", Some(1000.0)),
            ("a signed exponent", "1E+2", Some(100.0)),
            ("spaces around it", " \t10\n", Some(10.0)),
            ("hexadecimal", "0x10", Some(16.0)),
            ("negative hexadecimal", "-0XfF", Some(-255.0)),
            ("a hexadecimal fraction", "0x.8", Some(0.5)),
            ("a hexadecimal exponent", "0x1p4", Some(16.0)),
            ("nothing", "", None),
            ("only spaces", "  ", None),
            ("only a sign", "-", None),
            ("two signs", "--1", None),
            ("only a point", ".", None),
            ("a hexadecimal nothing", "0x", None),
            ("not a number", "nan", None),
            ("endless", "inf", None),
            ("too large to be finite", "1e999", None),
            ("a hexadecimal number too large", "0x1p9999", None),
            ("an exponent that is none", "0x1p", None),
            ("words", "ten", None),
            ("two numbers", "1 2", None),
        ] {
            assert_eq!(lua_number(text), expected, "{name}");
        }
    }

    #[test]
    fn text_becomes_what_its_field_can_be() {
        const FIELDS: Fields = &[
            ("n", FieldType::Number),
            ("b", FieldType::Boolean),
            ("l", FieldType::Array(&FieldType::Integer)),
            ("m", FieldType::Map(&FieldType::String)),
            ("r", FieldType::Record(&[("n", FieldType::Number)])),
        ];
        for (name, given, expected) in [
            ("a number", json!({"n": "1"}), json!({"n": 1})),
            ("a large number", json!({"n": "1e300"}), json!({"n": 1e300})),
            ("a boolean for a number", json!({"n": true}), json!({"n": true})),
            ("several for one", json!({"n": ["1", "2"]}), json!({"n": ["1", "2"]})),
            ("nothing", json!({"n": "", "m": ""}), json!({"n": null, "m": null})),
            ("a boolean", json!({"b": "false"}), json!({"b": false})),
            ("a boolean in capitals", json!({"b": "True"}), json!({"b": "True"})),
            ("a list of one", json!({"l": "1"}), json!({"l": [1]})),
            ("a list of one boolean", json!({"l": true}), json!({"l": [true]})),
            ("a list with nothing in it", json!({"l": ["1", ""]}), json!({"l": [1, null]})),
            ("a list with holes", json!({"l": {"0": "1"}}), json!({"l": {"0": "1"}})),
            ("a map", json!({"m": {"x": "1", "y": ""}}), json!({"m": {"x": "1", "y": null}})),
            ("a record", json!({"r": {"n": "1", "x": "1"}}), json!({"r": {"n": 1, "x": "1"}})),
            ("an unknown field", json!({"x": "1", "y": ""}), json!({"x": "1", "y": ""})),
        ] {
            let mut members = given.as_object().unwrap().clone();
            infer(&mut members, FIELDS);
            assert_eq!(Value::from(members), expected, "{name}");
        }
    }
}

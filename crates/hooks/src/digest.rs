//! Is this the same as before? A digest of JSON values that sees all types and no key order.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

use crate::event::Data;

/// The first 16 bytes of a SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest of an event's key parts: the values of `unique`, or all data where there is
    /// none. A missing member differs from null.
    pub fn of_key_parts(data: &Data, unique: Option<&[String]>) -> Self {
        match unique {
            Some(fields) => Self::of_members(data, fields.iter().map(String::as_str)),
            None => Hasher::new().members(data.as_map()).finish(),
        }
    }

    /// The digest of the values of these members.
    pub fn of_members<'a>(data: &Data, members: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Hasher::new();
        for member in members {
            hasher.text(member);
            match data.get(member) {
                Some(value) => hasher.value(value),
                None => hasher.tag(b'-'),
            }
        }
        hasher.finish()
    }

    /// The digest of several texts, in order.
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Hasher::new();
        texts.into_iter().for_each(|text| hasher.text(text));
        hasher.finish()
    }

    /// This digest and another one, as one.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Hasher(Sha256::new_with_prefix(self.0).chain_update(other.0)).finish()
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Feeds values to SHA-256, each with its type and length in front, so that no two different
/// values feed the same bytes.
struct Hasher(Sha256);

impl Hasher {
    fn new() -> Self {
        Self(Sha256::new())
    }

    fn tag(&mut self, tag: u8) {
        self.0.update([tag]);
    }

    fn text(&mut self, text: &str) {
        self.tag(b's');
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    /// Recursion is bounded: values come from a parser that stops at 128 levels.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.tag(b'0'),
            Value::Bool(true) => self.tag(b't'),
            Value::Bool(false) => self.tag(b'f'),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.tag(b'[');
                items.iter().for_each(|item| self.value(item));
                self.tag(b']');
            }
            Value::Object(members) => {
                let inner = std::mem::replace(self, Self::new());
                *self = inner.members(members);
            }
        }
    }

    fn members(mut self, members: &serde_json::Map<String, Value>) -> Self {
        let mut sorted: Vec<_> = members.iter().collect();
        sorted.sort_unstable_by_key(|(member, _)| *member);
        self.tag(b'{');
        for (member, value) in sorted {
            self.text(member);
            self.value(value);
        }
        self.tag(b'}');
        self
    }

    /// `1` and `1.0` are the same number, as they are to every gateway that counts in doubles.
    fn number(&mut self, number: &Number) {
        self.tag(b'n');
        let as_float = number.as_f64().filter(|it| number.is_f64() && it.fract() != 0.0);
        let whole = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
        match (as_float, whole) {
            (None, Some(whole)) => self.0.update(whole.to_be_bytes()),
            (Some(float), _) => self.0.update(float.to_bits().to_be_bytes()),
            #[expect(clippy::cast_possible_truncation, reason = "saturates; far beyond 2^53")]
            (None, None) => {
                self.0.update((number.as_f64().unwrap_or_default() as i128).to_be_bytes());
            }
        }
    }

    fn finish(self) -> Digest {
        let full = self.0.finalize();
        Digest(*full.first_chunk().expect("a SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Digest({self})")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a digest is 32 hexadecimal digits";
        let number = u128::from_str_radix(&text, 16).map_err(|_| WRONG)?;
        if text.len() == 32 { Ok(Self(number.to_be_bytes())) } else { Err(WRONG) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(data: &Value) -> Digest {
        Digest::of_key_parts(&data.as_object().unwrap().clone().into(), None)
    }

    #[test]
    fn every_difference_counts_but_the_order_of_keys() {
        for (name, one, other, same) in [
            ("order of keys", json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), true),
            (
                "order of nested keys",
                json!({"x": {"a": 1, "b": 2}}),
                json!({"x": {"b": 2, "a": 1}}),
                true,
            ),
            ("a whole float", json!({"a": 1}), json!({"a": 1.0}), true),
            ("minus zero", json!({"a": 0}), json!({"a": -0.0}), true),
            ("a number", json!({"a": 1}), json!({"a": 2}), false),
            ("a fraction", json!({"a": 1}), json!({"a": 1.5}), false),
            ("beyond i64", json!({"a": u64::MAX}), json!({"a": u64::MAX - 1}), false),
            ("a boolean", json!({"a": true}), json!({"a": false}), false),
            ("number and text", json!({"a": 1}), json!({"a": "1"}), false),
            ("null and false", json!({"a": null}), json!({"a": false}), false),
            ("null and missing", json!({"a": null}), json!({}), false),
            ("order in an array", json!({"a": [1, 2]}), json!({"a": [2, 1]}), false),
            ("where a text ends", json!({"a": ["x", "yz"]}), json!({"a": ["xy", "z"]}), false),
            ("depth", json!({"a": [[1]]}), json!({"a": [1]}), false),
            ("array and object", json!({"a": []}), json!({"a": {}}), false),
        ] {
            assert_eq!(digest(&one) == digest(&other), same, "{name}");
        }
    }

    #[test]
    fn only_unique_members_count_where_there_are_any() {
        let unique = ["ip".to_owned()];
        let of = |data: Value| {
            Digest::of_key_parts(&data.as_object().unwrap().clone().into(), Some(&unique))
        };
        assert_eq!(of(json!({"ip": "1", "rate": 1})), of(json!({"ip": "1", "rate": 2})));
        assert_ne!(of(json!({"ip": "1"})), of(json!({"ip": "2"})));
        assert_ne!(of(json!({"ip": null})), of(json!({})), "missing differs from null");
    }

    #[test]
    fn a_digest_survives_being_written_down() {
        let digest = Digest::of_texts(["a"]);
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
        assert!(Digest::try_from("xyz".to_owned()).is_err());
    }
}

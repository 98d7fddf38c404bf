//! Is this event one that the hook wants? An extension: Amazon EventBridge's event patterns, over
//! what the hook would send: the event's data with its `source` and `event`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>
//!
//! A pattern has the shape of the events that it wants. Each of its members must hold; of a
//! member's list, one entry must. Where an event has a list, one of its elements must match; of
//! a list of objects, one element must match everything that is said of them. What is said to be
//! absent is nowhere: in no element of any list.
//!
//! **Promise:** no pattern looks at any value of an event more often than it names it, and at no
//! letter of it twice: what an event costs is bounded by its length and by that of the pattern.

mod parse;
mod test;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

pub use self::parse::FilterError;
use self::test::Test;

/// A pattern that was checked. It looks like what was typed.
#[derive(Clone, PartialEq)]
pub struct Filter {
    typed: Map<String, Value>,
    pattern: Pattern,
    /// Where nothing may be, by the number that a [`Test::Absent`] has.
    absences: Vec<Vec<String>>,
}

/// Everything here must hold.
#[derive(Debug, Clone, PartialEq)]
struct Pattern(Vec<Condition>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    /// One of these tests holds for the member.
    Leaf { member: String, tests: Vec<Test> },
    /// The member is an object, or has one, for which this holds.
    Inside { member: String, pattern: Pattern },
    /// One of these holds.
    Or(Vec<Pattern>),
}

impl Filter {
    /// The longest pattern, in bytes of JSON (EventBridge: 4,096 characters).
    pub const MOST_BYTES: usize = 4 * 1024;

    /// Checks a pattern.
    pub fn parse(typed: &Value) -> Result<Self, FilterError> {
        parse::filter(typed)
    }

    /// Does the pattern hold for an event that is sent like this?
    pub fn wants(&self, event: &Map<String, Value>) -> bool {
        // Once for the event, not once for each element of each list in it.
        let absent: Vec<bool> = self.absences.iter().map(|path| !is_there(event, path)).collect();
        self.pattern.holds(event, &absent)
    }

    /// The pattern as it was typed.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.typed
    }
}

impl Pattern {
    fn holds(&self, object: &Map<String, Value>, absent: &[bool]) -> bool {
        self.0.iter().all(|it| it.holds(object, absent))
    }
}

impl Condition {
    fn holds(&self, object: &Map<String, Value>, absent: &[bool]) -> bool {
        match self {
            Self::Leaf { member, tests } => {
                let value = object.get(member);
                tests.iter().any(|test| match test {
                    Test::Absent(number) => absent.get(*number).is_some_and(|it| *it),
                    test => value.is_some_and(|value| any_leaf(value, &|leaf| test.holds(leaf))),
                })
            }
            Self::Inside { member, pattern } => match object.get(member) {
                Some(value) => any_object(value, &|inner| pattern.holds(inner, absent)),
                // What is said to be absent is absent where nothing is.
                None => pattern.holds(&Map::new(), absent),
            },
            Self::Or(patterns) => patterns.iter().any(|it| it.holds(object, absent)),
        }
    }
}

/// Does it hold for this value, or for an element where it is a list? Objects are no leaves.
fn any_leaf(value: &Value, holds: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|it| any_leaf(it, holds)),
        Value::Object(_) => false,
        leaf => holds(leaf),
    }
}

/// Does it hold for this object, or for an element where it is a list of them? What is no object
/// has no members.
fn any_object(value: &Value, holds: &dyn Fn(&Map<String, Value>) -> bool) -> bool {
    match value {
        Value::Array(elements) => elements.iter().any(|it| any_object(it, holds)),
        Value::Object(object) => holds(object),
        _ => holds(&Map::new()),
    }
}

/// Is there a leaf at this path, in whatever element of whatever list?
fn is_there(object: &Map<String, Value>, path: &[String]) -> bool {
    let Some((member, rest)) = path.split_first() else { return false };
    let Some(value) = object.get(member) else { return false };
    if rest.is_empty() {
        return any_leaf(value, &|_| true);
    }
    any_object(value, &|inner| is_there(inner, rest))
}

impl fmt::Debug for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.typed, out)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let typed = serde_json::from_str(text).map_err(|error| FilterError::not_json(&error))?;
        Self::parse(&typed)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.typed.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&Value::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;

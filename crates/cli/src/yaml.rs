//! How are hooks written for people? As YAML, in which text stays text: Lua and templates are
//! blocks, as they were typed. JSON is YAML, so that one reader reads both.
//!
//! **Invariant:** what is written here is read as the same value.

use std::{borrow::Cow, collections::HashSet, fmt, panic::resume_unwind, thread};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Error, Options, Spanned, UserMessageFormatter};

use crate::failure::{Done, Failure};

/// The largest text that one should read.
pub(crate) const MOST_BYTES: usize = 32 * 1024 * 1024;
/// How many values a text may have: one of that size that people or deployments write has fewer.
const MOST_NODES: usize = MOST_BYTES / 4;
/// The deepest that values nest: deployments take payloads of 100 levels, which stand in a hook.
const MOST_LEVELS: usize = 110;
/// What that takes, several times over: each level is a dozen calls, and threads may have little.
const STACK: usize = 16 * 1024 * 1024;
/// How much of a text may be there because an alias repeats it.
const MOST_REPEATED: usize = 250_000;

/// Writes a value.
pub(crate) fn write(value: &Value) -> Done<String> {
    // Nothing is folded: a long line of a template stays one line.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| Failure::failed(format_args!("cannot be written as YAML: {error}")))
}

/// A value, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The line that it begins on, from 1.
    pub(crate) line: u64,
    shape: Shape,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Leaf(Value),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Why a text is no YAML, and where it stops being it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The line, where one is to blame.
    pub(crate) line: Option<u64>,
    /// Why.
    pub(crate) why: String,
}

/// The documents of a text. Empty ones are left out.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, Unreadable> {
    let read = || {
        serde_saphyr::from_multiple_with_options(&of_json(text), options())
            .map_err(|error| unreadable(&error))
    };
    thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read);
        let reader = reader.map_err(|error| Unreadable { line: None, why: error.to_string() })?;
        reader.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// What JSON allows in its texts and YAML does not, so that JSON is YAML.
fn of_json(text: &str) -> Cow<'_, str> {
    let is_odd = |it: char| ('\u{7f}'..='\u{9f}').contains(&it);
    if !text.trim_start().starts_with(['{', '[']) || !text.contains(is_odd) {
        return text.into();
    }
    let letters = text.chars().map(|it| match it {
        it if is_odd(it) => format!("\\u{:04x}", u32::from(it)),
        it => it.to_string(),
    });
    letters.collect::<String>().into()
}

/// Only `true` and `false` are booleans, as in JSON: an event may be called `on`.
fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_depth: MOST_LEVELS,
            max_documents: MOST_NODES,
            max_nodes: MOST_NODES,
            max_events: 2 * MOST_NODES,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MOST_REPEATED },
    }
}

/// Says what is wrong without quoting the lines around it, in which there may be a secret.
fn unreadable(error: &Error) -> Unreadable {
    let why = error.without_snippet().render_with_options(serde_saphyr::render_options! {
        formatter: &UserMessageFormatter,
        snippets: serde_saphyr::SnippetMode::Off,
    });
    let place = error.location().filter(|place| place.line() > 0);
    let suffix = place.map(|place| format!(" at line {}, column {}", place.line(), place.column()));
    let why = suffix.and_then(|it| why.strip_suffix(&it)).unwrap_or(&why).to_owned();
    Unreadable { line: place.map(|place| place.line()), why }
}

impl Node {
    /// The value without its places.
    pub(crate) fn value(&self) -> Value {
        match &self.shape {
            Shape::Leaf(value) => value.clone(),
            Shape::List(nodes) => nodes.iter().map(Self::value).collect(),
            Shape::Map(members) => {
                let members = members.iter().map(|(name, node)| (name.clone(), node.value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// The elements, where it is a list.
    pub(crate) fn elements(&self) -> Option<&[Self]> {
        if let Shape::List(nodes) = &self.shape { Some(nodes) } else { None }
    }

    /// A member, where it is a map that has it.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Shape::Map(members) = &self.shape else { return None };
        members.iter().find(|(it, _)| it == name).map(|(_, node)| node)
    }

    /// The members, where it is a map.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        let members = if let Shape::Map(members) = &self.shape { &members[..] } else { &[] };
        members.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// Is there anything?
    pub(crate) fn is_null(&self) -> bool {
        self.shape == Shape::Leaf(Value::Null)
    }

    /// The line that a dotted field stands on, or what is left of it. Elements of lists are
    /// counted from 1, as deployments do.
    pub(crate) fn line_of(&self, field: &str) -> u64 {
        if let Some(node) = self.member(field) {
            return node.line;
        }
        let (name, rest) = field.split_once('.').unwrap_or((field, ""));
        let element = || self.elements()?.get(name.parse::<usize>().ok()?.checked_sub(1)?);
        match self.member(name).or_else(element) {
            Some(node) if rest.is_empty() => node.line,
            Some(node) => node.line_of(rest),
            None => self.line,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: shape, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { line: referenced.line(), shape })
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shapes)
    }
}

struct Shapes;

impl<'de> Visitor<'de> for Shapes {
    type Value = Shape;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("what JSON knows too")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Leaf(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Leaf(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Shape, D::Error> {
        Shape::deserialize(inner)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Shape, E> {
        Ok(Shape::Leaf(flag.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Shape, E> {
        Ok(Shape::Leaf(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Shape, E> {
        Ok(Shape::Leaf(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Shape, E> {
        let number = Number::from_f64(number);
        number.map(|it| Shape::Leaf(it.into())).ok_or_else(|| E::custom("not a number of JSON"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Leaf(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Shape::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let (mut members, mut names) = (Vec::new(), HashSet::new());
        while let Some((name, node)) = map.next_entry::<String, Node>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("'{name}' is there twice")));
            }
            members.push((name, node));
        }
        Ok(Shape::Map(members))
    }
}

#[cfg(test)]
mod tests;

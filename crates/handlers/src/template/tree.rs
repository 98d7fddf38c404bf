//! What becomes of a payload?
//!
//! Its strings are templates, at any depth; everything else, names of members included, passes
//! unchanged.

use std::fmt;

use serde_json::{Map, Value};

use super::{
    Compiled, Dialect,
    error::{RenderError, TemplateError},
    rendering::Rendering,
};

/// How deep a payload may be.
const DEEPEST: usize = 32;

/// A payload, ready to be rendered any number of times.
#[derive(Debug)]
pub struct CompiledTree(Vec<(String, Node)>);

#[derive(Debug)]
enum Node {
    /// The same for every event.
    Fixed(Value),
    Text(Compiled),
    List(Vec<Node>),
    Members(Vec<(String, Node)>),
}

/// An error of one string in a payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {error}")]
pub struct At<E: std::error::Error + 'static> {
    /// Where the string stands: `attachments[1].text`, the first element being 1.
    pub path: Path,
    /// What is wrong with it.
    #[source]
    pub error: E,
}

/// The way to a string in a payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(Vec<Key>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Member(String),
    Element(usize),
}

impl CompiledTree {
    /// Reads the strings of a payload as templates.
    pub fn new(dialect: Dialect, payload: &Map<String, Value>) -> Result<Self, At<TemplateError>> {
        Node::members(dialect, payload, 1).map(Self).map_err(At::turned_round)
    }

    /// The strings whose chunks the sandbox must run before this can be rendered, in order, and where
    /// they stand.
    pub fn lua(&self) -> Vec<(Path, &Compiled)> {
        let mut chunks = Vec::new();
        collect_lua(&self.0, &Path::default(), &mut chunks);
        chunks
    }

    /// Is it the same for every event?
    pub fn is_constant(&self) -> bool {
        self.0.iter().all(|(_, node)| node.is_constant())
    }

    /// The payload for this event.
    pub fn render(
        &self,
        rendering: &mut Rendering<'_>,
    ) -> Result<Map<String, Value>, At<RenderError>> {
        render_members(&self.0, rendering).map_err(At::turned_round)
    }
}

impl Node {
    fn new(dialect: Dialect, value: &Value, depth: usize) -> Result<Self, At<TemplateError>> {
        if depth > DEEPEST {
            let message = format!("a payload may be {DEEPEST} levels deep");
            return Err(At::here(TemplateError::at_start(message)));
        }
        Ok(match value {
            Value::String(text) => Self::text(Compiled::new(dialect, text).map_err(At::here)?),
            Value::Array(elements) => {
                let read = |(at, it)| {
                    Self::new(dialect, it, depth + 1).map_err(|it| it.in_key(Key::Element(at + 1)))
                };
                Self::List(elements.iter().enumerate().map(read).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => Self::Members(Self::members(dialect, members, depth + 1)?),
            plain => Self::Fixed(plain.clone()),
        })
    }

    fn text(text: Compiled) -> Self {
        match text.as_constant() {
            Some(constant) => Self::Fixed(constant.into()),
            None => Self::Text(text),
        }
    }

    fn members(
        dialect: Dialect,
        members: &Map<String, Value>,
        depth: usize,
    ) -> Result<Vec<(String, Self)>, At<TemplateError>> {
        let read = |(name, value): (&String, &Value)| match Self::new(dialect, value, depth) {
            Ok(node) => Ok((name.clone(), node)),
            Err(error) => Err(error.in_key(Key::Member(name.clone()))),
        };
        members.iter().map(read).collect()
    }

    fn collect_lua<'n>(&'n self, path: Path, chunks: &mut Vec<(Path, &'n Compiled)>) {
        match self {
            Self::Fixed(_) => {}
            Self::Text(text) => chunks.extend(text.lua().map(|_| (path, text))),
            Self::List(nodes) => {
                let keys = (1..).map(Key::Element);
                keys.zip(nodes).for_each(|(key, node)| node.collect_lua(path.then(key), chunks));
            }
            Self::Members(members) => collect_lua(members, &path, chunks),
        }
    }

    fn is_constant(&self) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Text(_) => false,
            Self::List(nodes) => nodes.iter().all(Self::is_constant),
            Self::Members(members) => members.iter().all(|(_, node)| node.is_constant()),
        }
    }

    fn render(&self, rendering: &mut Rendering<'_>) -> Result<Value, At<RenderError>> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Text(text) => {
                let text = text.render(rendering).map_err(At::here)?;
                Ok(Value::String(text.into_owned()))
            }
            Self::List(nodes) => {
                let render = |(at, node): (usize, &Self)| {
                    node.render(rendering).map_err(|error| error.in_key(Key::Element(at + 1)))
                };
                nodes.iter().enumerate().map(render).collect::<Result<_, _>>().map(Value::Array)
            }
            Self::Members(members) => render_members(members, rendering).map(Value::Object),
        }
    }
}

fn collect_lua<'n>(
    members: &'n [(String, Node)],
    path: &Path,
    chunks: &mut Vec<(Path, &'n Compiled)>,
) {
    for (name, node) in members {
        node.collect_lua(path.then(Key::Member(name.clone())), chunks);
    }
}

fn render_members(
    members: &[(String, Node)],
    rendering: &mut Rendering<'_>,
) -> Result<Map<String, Value>, At<RenderError>> {
    let mut rendered = Map::with_capacity(members.len());
    for (name, node) in members {
        let value = node.render(rendering);
        let value = value.map_err(|error| error.in_key(Key::Member(name.clone())))?;
        rendered.insert(name.clone(), value);
    }
    Ok(rendered)
}

impl Path {
    /// One step further.
    fn then(&self, key: Key) -> Self {
        Self(self.0.iter().cloned().chain([key]).collect())
    }
}

impl<E: std::error::Error + 'static> At<E> {
    fn here(error: E) -> Self {
        Self { path: Path::default(), error }
    }

    /// Paths are collected from the inside out.
    fn in_key(mut self, key: Key) -> Self {
        self.path.0.push(key);
        self
    }

    fn turned_round(mut self) -> Self {
        self.path.0.reverse();
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            match key {
                Key::Member(name) if at == 0 => write!(out, "{name}")?,
                Key::Member(name) => write!(out, ".{name}")?,
                Key::Element(number) => write!(out, "[{number}]")?,
            }
        }
        Ok(())
    }
}

//! How is a template of lua-resty-template's syntax read, and rendered?
//!
//! `{{ path }}` prints escaped, `{* path *}` as it is; `{% %}` is code, `{# #}` a comment,
//! `{-raw-}…{-raw-}` plain text, `{-name-}…{-name-}` a text kept as `blocks.name`; `\{{` is no tag.
//! The templates of most hooks hold nothing but paths and are rendered natively; one with anything
//! else in it is turned into Lua as a whole.
//!
//! The differences from upstream are rows of a table in the tests, each with its reason.

mod scan;
mod seek;
mod newlines;
mod tokens;
mod path;
mod native;
mod chunk;
mod check;

use serde_json::{Map, Value};

use super::{
    error::{RenderError, TemplateError},
    rendering::Rendering,
};
use native::Step;

pub use chunk::CHUNK_NAME;

/// A template, compiled.
#[derive(Debug)]
pub struct Template(Body);

#[derive(Debug)]
enum Body {
    Native(Box<[Step]>),
    Lua { chunk: Box<str>, tags: Box<[Tag]> },
}

/// Where the first tag of a line begins. Lua knows the line of an error only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Template {
    /// Reads a template.
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        let pieces = scan::scan(text)?;
        let body = match native::steps(&pieces) {
            Some(steps) => Body::Native(steps),
            None => Body::Lua { chunk: chunk::of(text, &pieces)?, tags: first_tags(text) },
        };
        Ok(Self(body))
    }

    /// The chunk that the sandbox must run, where the template holds Lua. See [`CHUNK_NAME`].
    pub fn lua(&self) -> Option<&str> {
        match &self.0 {
            Body::Native(_) => None,
            Body::Lua { chunk, .. } => Some(chunk),
        }
    }

    /// The first tags of its lines, where the template holds Lua.
    pub fn tags(&self) -> &[Tag] {
        match &self.0 {
            Body::Native(_) => &[],
            Body::Lua { tags, .. } => tags,
        }
    }

    /// The text for these members; a template with Lua cannot be rendered without the sandbox.
    pub fn render(&self, context: &Map<String, Value>) -> Result<String, RenderError> {
        self.render_in(&mut Rendering::of(context))
    }

    /// The text in one attempt's rendering.
    pub(super) fn render_in(&self, rendering: &mut Rendering<'_>) -> Result<String, RenderError> {
        match &self.0 {
            Body::Native(steps) => {
                let mut output = rendering.output();
                native::render(steps, rendering.context(), &mut output)?;
                Ok(rendering.finish(output))
            }
            Body::Lua { .. } => rendering.next_printed(),
        }
    }

    /// The text, if it is the same for every event.
    pub(super) fn into_constant(self) -> Result<Box<str>, Self> {
        match self.0 {
            Body::Native(steps) => {
                native::into_constant(steps).map_err(|it| Self(Body::Native(it)))
            }
            Body::Lua { .. } => Err(self),
        }
    }
}

fn first_tags(text: &str) -> Box<[Tag]> {
    let first = |(line, text): (usize, &str)| {
        let at = ["{{", "{*", "{%"].iter().filter_map(|tag| text.find(tag)).min()?;
        Some(Tag { line: line + 1, column: text[..at].chars().count() + 1 })
    };
    text.lines().enumerate().filter_map(first).collect()
}

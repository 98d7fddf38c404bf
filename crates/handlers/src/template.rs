//! What does this text become for this event?
//!
//! A hook's headers, payload and body are texts with tags in them. They are compiled once, when
//! the hook is saved or first matched, and rendered for every event it fires for.
//!
//! Two dialects: `resty`, lua-resty-template's syntax, is the default; `handlebars` is used where a
//! hook asks for it, and never guessed. Of a `resty` template only the paths, comments and raw
//! blocks are rendered here. Whatever is Lua becomes a chunk ([`Compiled::lua`]) which the sandbox
//! runs first; what it printed comes back in [`Rendering::with_printed`].
//!
//! **Invariant:** no template and no data makes compiling or rendering panic, read anything but
//! the event, or print more than [`OUTPUT_LIMIT`] for one attempt.

use std::borrow::Cow;

pub mod error;
pub mod rendering;
pub mod resty;
pub mod handlebars;
pub mod tree;
mod output;

#[cfg(test)]
mod tests;

pub use hooks::handler::Dialect;

use error::{RenderError, TemplateError};
pub(crate) use output::escaped;
use rendering::Rendering;

/// The most that the templates of one attempt may print together.
pub const OUTPUT_LIMIT: usize = 1 << 20;

/// The longest text that is taken as a template.
pub const SOURCE_LIMIT: usize = 1 << 20;

/// One text of a hook, ready to be rendered any number of times.
#[derive(Debug)]
pub struct Compiled(Kind);

#[derive(Debug)]
enum Kind {
    Constant(Box<str>),
    Resty(resty::Template),
    Handlebars(Box<handlebars::Template>),
}

impl Compiled {
    /// Reads a text as a template.
    pub fn new(dialect: Dialect, text: &str) -> Result<Self, TemplateError> {
        if text.len() > SOURCE_LIMIT {
            return Err(TemplateError::at_start("a template may have at most 1 MiB"));
        }
        let kind = match dialect {
            Dialect::Resty => match resty::Template::compile(text)?.into_constant() {
                Ok(constant) => Kind::Constant(constant),
                Err(template) => Kind::Resty(template),
            },
            Dialect::Handlebars if !text.contains("{{") => Kind::Constant(text.into()),
            Dialect::Handlebars => Kind::Handlebars(Box::new(handlebars::Template::compile(text)?)),
        };
        Ok(Self(kind))
    }

    /// Takes a text as it stands, tags and all: for fields whose `*_format` is off.
    pub fn verbatim(text: &str) -> Self {
        Self(Kind::Constant(text.into()))
    }

    /// The text, if it is the same for every event.
    pub fn as_constant(&self) -> Option<&str> {
        match &self.0 {
            Kind::Constant(text) => Some(text),
            Kind::Resty(_) | Kind::Handlebars(_) => None,
        }
    }

    /// The Lua chunk that the sandbox must run before this can be rendered, if there is one.
    pub fn lua(&self) -> Option<&str> {
        match &self.0 {
            Kind::Resty(template) => template.lua(),
            Kind::Constant(_) | Kind::Handlebars(_) => None,
        }
    }

    /// The first tags of its lines, where the sandbox must run a chunk: what Lua says about a line is
    /// about what begins there.
    pub fn tags(&self) -> &[resty::Tag] {
        match &self.0 {
            Kind::Resty(template) => template.tags(),
            Kind::Constant(_) | Kind::Handlebars(_) => &[],
        }
    }

    /// The text for this event.
    pub fn render(&self, rendering: &mut Rendering<'_>) -> Result<Cow<'_, str>, RenderError> {
        match &self.0 {
            Kind::Constant(text) => Ok(Cow::Borrowed(text)),
            Kind::Resty(template) => template.render_in(rendering).map(Cow::Owned),
            Kind::Handlebars(template) => template.render_in(rendering).map(Cow::Owned),
        }
    }
}

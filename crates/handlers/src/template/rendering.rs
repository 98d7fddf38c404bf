//! What do the templates of one attempt share? The event they see, and the room they print in.

use std::{cell::OnceCell, time::Instant, vec};

use serde_json::{Map, Value};

use super::{
    OUTPUT_LIMIT,
    error::{Place, RenderError},
    output::Output,
};

/// One attempt's rendering: every text of the hook is rendered in the same one.
#[derive(Debug)]
pub struct Rendering<'a> {
    context: &'a Map<String, Value>,
    printed: vec::IntoIter<String>,
    left: usize,
    handlebars: OnceCell<Prepared>,
}

/// What the handlebars crate wants.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The event, in its own words.
    pub(super) context: ::handlebars::Context,
    /// When the first text was begun.
    pub(super) began: Instant,
}

impl<'a> Rendering<'a> {
    /// Of templates that see these members: the event's data with `source` and `event`.
    pub fn of(context: &'a Map<String, Value>) -> Self {
        let printed = Vec::new().into_iter();
        Self { context, printed, left: OUTPUT_LIMIT, handlebars: OnceCell::new() }
    }

    /// With what the sandbox printed for the chunks of these templates, in the order in which
    /// they are rendered.
    #[must_use]
    pub fn with_printed(mut self, printed: Vec<String>) -> Self {
        self.printed = printed.into_iter();
        self
    }

    /// The members that templates see.
    pub fn context(&self) -> &'a Map<String, Value> {
        self.context
    }

    /// What the sandbox printed for the next chunk.
    pub(super) fn next_printed(&mut self) -> Result<String, RenderError> {
        let text = self.printed.next().ok_or_else(|| RenderError::Failed {
            place: Place::default(),
            message: "the template's Lua was not run".to_owned(),
        })?;
        let left = self.left.checked_sub(text.len());
        self.left = left.ok_or(RenderError::TooLong { limit: OUTPUT_LIMIT })?;
        Ok(text)
    }

    /// Somewhere to print to, with the room that is left.
    pub(super) fn output(&self) -> Output {
        Output::new(self.left)
    }

    /// The finished text of an [`output`](Self::output).
    pub(super) fn finish(&mut self, output: Output) -> String {
        self.left = output.left();
        output.into_text()
    }

    /// What texts in handlebars share: made for the first of them.
    pub(super) fn handlebars(&self) -> &Prepared {
        self.handlebars.get_or_init(|| Prepared {
            context: Value::Object(self.context.clone()).into(),
            began: Instant::now(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sandbox_printed_is_taken_in_order_and_counted() {
        let context = Map::new();
        let long = "x".repeat(OUTPUT_LIMIT);
        let mut rendering = Rendering::of(&context).with_printed(vec!["a".into(), long]);
        assert_eq!(rendering.next_printed().as_deref(), Ok("a"));
        let too_long = Err(RenderError::TooLong { limit: OUTPUT_LIMIT });
        assert_eq!(rendering.next_printed(), too_long);
        assert!(matches!(rendering.next_printed(), Err(RenderError::Failed { .. })));
    }
}

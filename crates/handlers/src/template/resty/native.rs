//! How is a template without Lua printed?

use std::{collections::HashMap, mem};

use serde_json::{Map, Value};

use super::{
    super::{
        error::RenderError,
        output::{Output, Style},
    },
    path::{Key, Path, Root},
    scan::{Kind, Piece},
};

/// A thing to do for each rendering.
#[derive(Debug)]
pub(super) enum Step {
    Text(Box<str>),
    Print {
        path: Path,
        style: Style,
    },
    /// Print these, but keep the text.
    Block {
        name: Box<str>,
        body: Box<[Step]>,
    },
}

/// What to do for a template of these pieces; `None` when any of them is Lua.
pub(super) fn steps(pieces: &[Piece<'_>]) -> Option<Box<[Step]>> {
    let mut steps = Vec::with_capacity(pieces.len());
    let mut text = String::new();
    for piece in pieces {
        let step = match &piece.kind {
            Kind::Text(more) => {
                text.push_str(more);
                continue;
            }
            Kind::Print { code, .. } if code.tokens.is_empty() => continue,
            Kind::Print { code, style } => Step::Print { path: Path::read(code)?, style: *style },
            Kind::Run(_) => return None,
            Kind::Block { name, body } => {
                Step::Block { name: (*name).into(), body: self::steps(body)? }
            }
        };
        flush(&mut text, &mut steps);
        steps.push(step);
    }
    flush(&mut text, &mut steps);
    Some(steps.into())
}

/// The text of these steps, if they print the same for every event.
pub(super) fn into_constant(mut steps: Box<[Step]>) -> Result<Box<str>, Box<[Step]>> {
    match &mut *steps {
        [] => Ok(Box::default()),
        [Step::Text(text)] => Ok(mem::take(text)),
        _ => Err(steps),
    }
}

/// Prints a template for this event.
pub(super) fn render(
    steps: &[Step],
    context: &Map<String, Value>,
    output: &mut Output,
) -> Result<(), RenderError> {
    output.expect(steps.iter().map(expected_length).sum());
    Scope { context, blocks: HashMap::new() }.render(steps, output)
}

struct Scope<'r> {
    context: &'r Map<String, Value>,
    /// What blocks have printed so far, by name.
    blocks: HashMap<&'r str, String>,
}

impl<'r> Scope<'r> {
    fn render(&mut self, steps: &'r [Step], output: &mut Output) -> Result<(), RenderError> {
        steps.iter().try_for_each(|step| match step {
            Step::Text(text) => output.push(text),
            Step::Print { path, style } => self.print(path, *style, output),
            Step::Block { name, body } => self.keep(name, body, output),
        })
    }

    fn print(&self, path: &Path, style: Style, output: &mut Output) -> Result<(), RenderError> {
        if let (Root::Context, []) = (&path.root, &*path.keys) {
            return output.push_members(self.context, style);
        }
        if let Some(text) = self.block(path) {
            return if path.keys.len() == 1 { output.push_text(text, style) } else { Ok(()) };
        }
        match path.in_event(self.context) {
            Some(value) => output.push_value(value, style),
            None => Ok(()),
        }
    }

    fn block(&self, path: &Path) -> Option<&str> {
        match (&path.root, path.keys.first()) {
            (Root::Blocks, Some(Key::Name(name))) => self.blocks.get(&**name).map(String::as_str),
            _ => None,
        }
    }

    /// A block sees the event, but not the blocks around it. What it prints counts even if it
    /// is never shown, or a template of many blocks would fill the memory.
    fn keep(
        &mut self,
        name: &'r str,
        body: &'r [Step],
        output: &mut Output,
    ) -> Result<(), RenderError> {
        let mut inner = Output::new(output.left());
        Scope { context: self.context, blocks: HashMap::new() }.render(body, &mut inner)?;
        output.leave(inner.left());
        self.blocks.insert(name, inner.into_text());
        Ok(())
    }
}

fn flush(text: &mut String, steps: &mut Vec<Step>) {
    if !text.is_empty() {
        steps.push(Step::Text(mem::take(text).into()));
    }
}

fn expected_length(step: &Step) -> usize {
    const OF_A_VALUE: usize = 24;
    match step {
        Step::Text(text) => text.len(),
        Step::Print { .. } => OF_A_VALUE,
        Step::Block { .. } => 0,
    }
}

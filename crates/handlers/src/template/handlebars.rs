//! How is a Handlebars template read, and rendered?
//!
//! By the handlebars crate, with its built-in helpers and one of ours, `{{json value}}`. Partials
//! and decorators are refused: there are no files to include, and a partial could call itself.
//! Blocks are limited in number and depth, since the crate recurses, and rendering in the time it
//! takes, since nested `{{#each}}` multiply.

mod limits;

use std::{
    io,
    sync::LazyLock,
    time::{Duration, Instant},
};

use ::handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output as HandlebarsOutput,
    RenderContext, RenderErrorReason, Renderable, Template as Parsed,
};

use super::{
    error::{Place, RenderError, TemplateError},
    output::Output,
    rendering::Rendering,
};

/// How long the texts of one attempt may take together.
const TIME_LIMIT: Duration = Duration::from_millis(250);

/// The helpers that a template may use.
const HELPERS: [&str; 17] = [
    "if", "unless", "each", "with", "lookup", "raw", "eq", "ne", "gt", "gte", "lt", "lte", "and",
    "or", "not", "len", "json",
];

static REGISTRY: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.unregister_helper("log");
    registry.register_helper("json", Box::new(Json));
    registry.register_helper(limits::STEP, Box::new(Step));
    registry
});

/// A template, compiled.
#[derive(Debug)]
pub struct Template(Parsed);

impl Template {
    /// Reads a template.
    pub fn compile(text: &str) -> Result<Self, TemplateError> {
        limits::check_text(text)?;
        let mut parsed = Parsed::compile(text).map_err(|error| {
            let (line, column) = error.pos().unwrap_or((1, 1));
            TemplateError { line, column, message: error.reason().to_string() }
        })?;
        limits::check(&mut parsed, &HELPERS)?;
        Ok(Self(parsed))
    }

    /// The text in one attempt's rendering.
    pub(super) fn render_in(&self, rendering: &mut Rendering<'_>) -> Result<String, RenderError> {
        let prepared = rendering.handlebars();
        let deadline = prepared.began + TIME_LIMIT;
        let mut printer = Printer { output: rendering.output(), deadline, stopped: None };
        let result = self.print(&prepared.context, &mut printer);
        match (printer.stopped, result) {
            (Some(reason), _) => Err(reason),
            (None, Err(error)) => Err(RenderError::Failed {
                place: Place { line: error.line_no, column: error.column_no },
                message: error.reason().to_string(),
            }),
            (None, Ok(())) => Ok(rendering.finish(printer.output)),
        }
    }

    fn print(&self, context: &Context, printer: &mut Printer) -> HelperResult {
        self.0.render(&REGISTRY, context, &mut RenderContext::new(None), printer)
    }
}

/// Prints until there is no room or no time.
struct Printer {
    output: Output,
    deadline: Instant,
    stopped: Option<RenderError>,
}

impl HandlebarsOutput for Printer {
    fn write(&mut self, text: &str) -> io::Result<()> {
        let result = if Instant::now() > self.deadline {
            Err(RenderError::TooSlow { limit_ms: TIME_LIMIT.as_millis() })
        } else {
            self.output.push(text)
        };
        result.map_err(|reason| {
            self.stopped = Some(reason);
            io::Error::other("stopped")
        })
    }
}

/// `{{json value}}`: the value as JSON, for bodies that are JSON.
struct Json;

impl HelperDef for Json {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        output: &mut dyn HandlebarsOutput,
    ) -> HelperResult {
        let value = helper.param(0).ok_or(RenderErrorReason::ParamNotFoundForIndex("json", 0))?;
        Ok(output.write(&value.value().to_string())?)
    }
}

/// Runs before every pass of an `{{#each}}`, to see whether there is time for it.
struct Step;

impl HelperDef for Step {
    fn call<'reg: 'rc, 'rc>(
        &self,
        _: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        output: &mut dyn HandlebarsOutput,
    ) -> HelperResult {
        Ok(output.write("")?)
    }
}

//! What may a Handlebars template hold?
//!
//! The crate parses, renders and drops templates by recursion, and reads some texts in the square of
//! their length: the text is bounded before the crate sees it, the parsed template before it is
//! kept.

use std::iter;

use ::handlebars::{
    Template as Parsed,
    template::{HelperTemplate, Parameter, TemplateElement},
};

use super::super::error::TemplateError;

/// The name of the helper that runs before every pass of an `{{#each}}`.
pub(super) const STEP: &str = "each:step";

/// The longest template.
const LENGTH_LIMIT: usize = 32 << 10;

/// How deep blocks and parentheses may be nested.
const DEPTH_LIMIT: usize = 16;

/// What there may only be so much of in one text.
const COUNTED: [(&str, usize, Counts); 3] = [
    ("tags", 1000, |rest| rest.starts_with("{{")),
    ("blocks", 200, opens_block),
    ("brackets after its first tag", 500, |rest| rest.starts_with(['(', '['])),
];

/// Does one of them begin here?
type Counts = fn(&str) -> bool;

/// So many backslashes after each other are too many.
const BACKSLASHES: &str = r"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\";

/// Refuses a text that would cost the crate too much.
pub(super) fn check_text(text: &str) -> Result<(), TemplateError> {
    if text.len() > LENGTH_LIMIT {
        return Err(TemplateError::at_start("a handlebars template may have at most 32 KiB"));
    }
    let refuse = |at, what| {
        let message = format!("a handlebars template may not have so many {what}");
        Err(TemplateError::at(text, at, message))
    };
    if let Some(at) = text.find(BACKSLASHES) {
        return refuse(at, "backslashes after each other");
    }
    let first_tag = text.find("{{").unwrap_or(text.len());
    for (what, limit, counts) in COUNTED {
        let places = text.char_indices().map(|(at, _)| at).filter(|at| *at >= first_tag);
        if let Some(at) = places.filter(|at| counts(&text[*at..])).nth(limit) {
            return refuse(at, what);
        }
    }
    Ok(())
}

/// Does a block or a branch of one begin here, or something that looks like it?
fn opens_block(rest: &str) -> bool {
    rest.strip_prefix("{{").is_some_and(|tag| {
        let inner = tag.trim_start_matches(|letter: char| letter == '~' || letter.is_whitespace());
        ["#", "^", "else", "{{"].iter().any(|start| inner.starts_with(start))
    })
}

/// Refuses what a template may not use, and puts a step before every pass of its loops.
pub(super) fn check(parsed: &mut Parsed, helpers: &[&str]) -> Result<(), TemplateError> {
    let step = Parsed::compile(&format!("{{{{{STEP}}}}}")).unwrap_or_default();
    Checker { helpers, step }.template(parsed, 0, (1, 1))
}

struct Checker<'h> {
    helpers: &'h [&'h str],
    step: Parsed,
}

/// Why an element is refused; the place is known one level up.
type Refusal = Result<(), String>;

impl Checker<'_> {
    /// `around` is the place of the block that this is in: a branch of it has no place itself.
    fn template(
        &self,
        parsed: &mut Parsed,
        depth: usize,
        around: (usize, usize),
    ) -> Result<(), TemplateError> {
        let places = parsed.mapping.iter().map(|it| (it.0, it.1)).chain(iter::repeat(around));
        for (element, (line, column)) in parsed.elements.iter_mut().zip(places) {
            let place = |message| TemplateError { line, column, message };
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                    self.tag(tag, depth).map_err(place)?;
                }
                TemplateElement::HelperBlock(tag) => {
                    self.tag(tag, depth).map_err(place)?;
                    self.bodies(tag, depth, (line, column))?;
                }
                _ => return Err(place("partials and decorators are not available".to_owned())),
            }
        }
        Ok(())
    }

    /// An `{{else if}}` is a block in the branch of the one before, but no deeper to its author.
    fn bodies(
        &self,
        tag: &mut HelperTemplate,
        depth: usize,
        place: (usize, usize),
    ) -> Result<(), TemplateError> {
        let is_loop = tag.name.as_name() == Some("each");
        if let Some(branch) = &mut tag.inverse {
            let is_chain = branch.mapping.is_empty();
            self.template(branch, if is_chain { depth } else { depth + 1 }, place)?;
        }
        if let Some(body) = &mut tag.template {
            self.template(body, depth + 1, place)?;
            if is_loop {
                body.elements.splice(..0, self.step.elements.iter().cloned());
                body.mapping.splice(..0, self.step.mapping.iter().cloned());
            }
        }
        Ok(())
    }

    fn tag(&self, tag: &HelperTemplate, depth: usize) -> Refusal {
        if depth >= DEPTH_LIMIT {
            return Err(format!("tags may be nested {DEPTH_LIMIT} deep"));
        }
        if tag.block || !tag.params.is_empty() || !tag.hash.is_empty() {
            self.helper(&tag.name)?;
        } else {
            self.parameter(&tag.name, depth)?;
        }
        let mut parameters = tag.params.iter().chain(tag.hash.values());
        parameters.try_for_each(|parameter| self.parameter(parameter, depth + 1))
    }

    fn helper(&self, name: &Parameter) -> Refusal {
        match name.as_name() {
            Some(name) if self.helpers.contains(&name) => Ok(()),
            Some(name) => Err(format!("there is no helper `{name}`")),
            None => Err("the name of a helper is expected".to_owned()),
        }
    }

    fn parameter(&self, parameter: &Parameter, depth: usize) -> Refusal {
        match parameter {
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(tag) => self.tag(tag, depth),
                _ => Err("a helper in parentheses is expected".to_owned()),
            },
            _ => Ok(()),
        }
    }
}

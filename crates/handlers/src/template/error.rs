//! What is wrong with a template: when it is saved, and when it is rendered.

use std::fmt;

use super::resty::Tag;

/// The author must change the template before it can be saved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TemplateError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

/// A saved template could not be rendered for this event. Trying again would not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The templates of one attempt printed more than they may.
    #[error("the templates print more than {limit} bytes")]
    TooLong {
        /// How much they may print together.
        limit: usize,
    },
    /// Rendering was stopped.
    #[error("the templates take longer than {limit_ms} ms")]
    TooSlow {
        /// How long they may take together.
        limit_ms: u128,
    },
    /// The template asked for something that does not work with this event.
    #[error("{place}{message}")]
    Failed {
        /// Where in the template, as far as it is known.
        place: Place,
        /// What does not work.
        message: String,
    },
}

/// A line of a template, and perhaps a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// From 1.
    pub line: Option<usize>,
    /// From 1, in characters.
    pub column: Option<usize>,
}

impl TemplateError {
    /// An error at a byte of the text.
    pub(super) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }

    /// An error of the text as a whole.
    pub(super) fn at_start(message: impl Into<String>) -> Self {
        Self { line: 1, column: 1, message: message.into() }
    }

    /// What Lua's compiler said about a template's chunk: `template:3: ')' expected`. The column is
    /// that of the line's first tag, or of the last one before.
    pub fn from_lua(said: &str, tags: &[Tag]) -> Self {
        let (line, message) = split_line(said);
        let line = line.unwrap_or(1);
        let tag = tags.iter().take_while(|tag| tag.line <= line).last();
        let Tag { line, column } = tag.copied().unwrap_or(Tag { line, column: 1 });
        Self { line, column, message: without_columns(message) }
    }
}

impl RenderError {
    /// What a template's chunk said when it failed: `template:3: attempt to …`.
    pub fn from_lua(said: &str) -> Self {
        let (line, message) = split_line(said);
        Self::Failed { place: Place { line, column: None }, message: message.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (None, _) => Ok(()),
            (Some(line), None) => write!(out, "line {line}: "),
            (Some(line), Some(column)) => write!(out, "line {line}, column {column}: "),
        }
    }
}

/// A message of Lua's compiler without ` (to close '(' at column 2069)`: that column is one of the
/// chunk, not of the template.
fn without_columns(message: &str) -> String {
    let Some((before, rest)) = message.split_once(" (to close ") else { return message.to_owned() };
    let after = rest.split_once("), ").map_or("", |(_, after)| after);
    format!("{before}, {after}")
}

/// `template:3: message` in its two parts; another text has no line.
fn split_line(said: &str) -> (Option<usize>, &str) {
    let parts = said.strip_prefix("template:").and_then(|rest| rest.split_once(": "));
    match parts.map(|(line, message)| (line.parse(), message)) {
        Some((Ok(line), message)) => (Some(line), message),
        _ => (None, said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        for (name, text, offset, line, column) in [
            ("at the start", "abc", 0, 1, 1),
            ("after letters of two bytes", "ééx", 4, 1, 3),
            ("on the newline itself", "ab\ncd", 2, 1, 3),
            ("after a newline", "ab\ncd", 3, 2, 1),
            ("at the end", "ab\ncd", 5, 2, 3),
            ("past the end", "ab", 9, 1, 3),
        ] {
            let error = TemplateError::at(text, offset, "x");
            assert_eq!((error.line, error.column), (line, column), "{name}");
        }
    }

    #[test]
    fn what_lua_said_is_shown_with_the_templates_line() {
        for (name, said, shown) in [
            ("with a line", "template:3: attempt to call nil", "line 3: attempt to call nil"),
            ("without one", "out of memory", "out of memory"),
            ("of another chunk", "hook:3: no", "hook:3: no"),
            ("with a line that is none", "template:x: no", "template:x: no"),
        ] {
            assert_eq!(RenderError::from_lua(said).to_string(), shown, "{name}");
        }
        let tags = [Tag { line: 2, column: 5 }, Tag { line: 6, column: 3 }];
        for (name, said, expected) in [
            ("on a line with a tag", "template:2: no", "line 2, column 5: no"),
            ("further down in it", "template:7: ')' expected", "line 6, column 3: ')' expected"),
            ("before every tag", "template:1: no", "line 1, column 1: no"),
            ("nowhere", "no", "line 1, column 1: no"),
            (
                "with a column of the chunk",
                "template:2: Expected ')' (to close '(' at column 2069), got 'y'",
                "line 2, column 5: Expected ')', got 'y'",
            ),
        ] {
            assert_eq!(TemplateError::from_lua(said, &tags).to_string(), expected, "{name}");
        }
    }
}

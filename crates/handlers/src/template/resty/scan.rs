//! Where are the tags of a template?
//!
//! lua-resty-template's compiler, rule by rule: a tag that is not closed is text; a backslash
//! before a tag makes it text, two print one; a code tag or a block takes along the blanks before
//! it and the newline after it, a comment or raw text the newline alone. Text passes through a Lua
//! long string there, hence its rules for newlines.
//!
//! Every search goes forward only: reading takes time in proportion to the text, whatever is in it.

use std::borrow::Cow;

use super::{
    super::{error::TemplateError, output::Style},
    newlines::{newline, newline_at_end, with_line_feeds},
    seek::{Seeker, Twins},
    tokens::{Code, is_blank},
};

/// How deep blocks may be nested.
const DEEPEST_BLOCK: usize = 16;

/// A part of a template.
#[derive(Debug)]
pub(super) struct Piece<'t> {
    /// Where it begins, in bytes of the whole template.
    pub(super) at: usize,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug)]
pub(super) enum Kind<'t> {
    /// Printed as it is.
    Text(Cow<'t, str>),
    /// `{{ }}` or `{* *}`.
    Print { code: Code<'t>, style: Style },
    /// `{% %}`.
    Run(Code<'t>),
    /// `{-name-}…{-name-}`: a template of its own, whose text is kept.
    Block { name: &'t str, body: Vec<Piece<'t>> },
}

/// The parts of a template, in order.
pub(super) fn scan(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    Scanner::new(text, text, 0, 0).pieces()
}

struct Scanner<'t> {
    whole: &'t str,
    /// What is being read: the whole template, or the body of a block.
    view: &'t str,
    /// Where the view begins in the whole.
    start: usize,
    depth: usize,
    /// The text that is not yet a piece begins here.
    text_from: usize,
    closers: [Seeker; Tag::COUNT],
    twins: Option<Twins<'t>>,
    pieces: Vec<Piece<'t>>,
}

/// A whole tag, or block, in the view.
#[derive(Clone, Copy)]
struct Found {
    tag: Tag,
    /// Where its opening brace stands.
    open: usize,
    /// Where the first closer after that stands; of a block, the one of its opening tag.
    close: usize,
    /// Behind all of it.
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Print(Style),
    Run,
    Comment,
    Block,
    /// A block whose name is `raw` or `verbatim`.
    Raw,
    Include,
    IncludeExpression,
}

/// What the backslashes before a tag say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backslashes {
    None,
    /// The tag is text.
    One,
    /// One backslash is text, the tag is a tag.
    Two,
}

impl Tag {
    const COUNT: usize = 7;

    fn opened_by(byte: u8) -> Option<Self> {
        Some(match byte {
            b'{' => Self::Print(Style::Escaped),
            b'*' => Self::Print(Style::Raw),
            b'%' => Self::Run,
            b'#' => Self::Comment,
            b'-' => Self::Block,
            b'(' => Self::Include,
            b'[' => Self::IncludeExpression,
            _ => return None,
        })
    }

    fn number_and_closer(self) -> (usize, &'static str) {
        match self {
            Self::Print(Style::Escaped) => (0, "}}"),
            Self::Print(Style::Raw) => (1, "*}"),
            Self::Run => (2, "%}"),
            Self::Comment => (3, "#}"),
            Self::Block | Self::Raw => (4, "-}"),
            Self::Include => (5, ")}"),
            Self::IncludeExpression => (6, "]}"),
        }
    }
}

impl<'t> Scanner<'t> {
    fn new(whole: &'t str, view: &'t str, start: usize, depth: usize) -> Self {
        Self {
            whole,
            view,
            start,
            depth,
            text_from: 0,
            closers: [Seeker::default(); Tag::COUNT],
            twins: None,
            pieces: Vec::new(),
        }
    }

    fn pieces(mut self) -> Result<Vec<Piece<'t>>, TemplateError> {
        let mut from = 0;
        while let Some(found) = self.view[from..].find('{') {
            from = self.brace(from + found)?;
        }
        self.text_until(self.view.len());
        Ok(self.pieces)
    }

    /// Reads what begins with this brace; answers where to go on.
    fn brace(&mut self, open: usize) -> Result<usize, TemplateError> {
        let Some(found) = self.tag_at(open) else { return Ok(open + 1) };
        let backslashes = self.backslashes(open);
        if backslashes == Backslashes::One {
            self.text_until(open - 1);
            self.text_from = open;
            return Ok(open + 1);
        }
        self.text_until(match found.tag {
            Tag::Run | Tag::Block => self.without_blanks(open),
            _ => open - usize::from(backslashes == Backslashes::Two),
        });
        self.tag(found)?;
        self.text_from = match found.tag {
            Tag::Print(_) => found.end,
            _ => found.end + self.newline_at(found.end),
        };
        Ok(self.text_from)
    }

    /// The tag that opens with this brace, if it is closed.
    fn tag_at(&mut self, open: usize) -> Option<Found> {
        let tag = Tag::opened_by(*self.view.as_bytes().get(open + 1)?)?;
        let (number, closer) = tag.number_and_closer();
        let close = self.closers[number].seek(self.view, closer, open + 2)?;
        let found = Found { tag, open, close, end: close + 2 };
        if tag != Tag::Block {
            return Some(found);
        }
        let opening = &self.view[open..close + 2];
        let twins = self.twins.get_or_insert_with(|| Twins::of(self.view));
        let end = twins.after(opening, close + 2)? + opening.len();
        let is_raw = matches!(self.inside(found).trim_matches(is_blank), "raw" | "verbatim");
        Some(Found { tag: if is_raw { Tag::Raw } else { Tag::Block }, end, ..found })
    }

    fn tag(&mut self, found: Found) -> Result<(), TemplateError> {
        let at = found.open + 2;
        match found.tag {
            Tag::Print(style) => {
                let code = self.code(found)?;
                self.piece(at, Kind::Print { code, style });
            }
            Tag::Run => {
                let code = self.code(found)?;
                self.piece(at, Kind::Run(code));
            }
            Tag::Comment => {}
            Tag::Raw => {
                let (at, body) = self.body(found);
                self.piece(at, Kind::Text(with_line_feeds(body)));
            }
            Tag::Block => {
                let name = self.inside(found).trim_matches(is_blank);
                let (at, body) = self.block(found)?;
                self.piece(at, Kind::Block { name, body });
            }
            Tag::Include | Tag::IncludeExpression => return Err(self.include(found.open)),
        }
        Ok(())
    }

    /// What stands between a tag's braces.
    fn inside(&self, found: Found) -> &'t str {
        &self.view[found.open + 2..found.close]
    }

    fn code(&self, found: Found) -> Result<Code<'t>, TemplateError> {
        let at = self.start + found.open + 2;
        Code::read(self.inside(found), at)
            .map_err(|trouble| TemplateError::at(self.whole, at + trouble.at, trouble.message))
    }

    /// What stands in a block, without its first newline, and where.
    fn body(&self, found: Found) -> (usize, &'t str) {
        let opening = found.close + 2 - found.open;
        let body = &self.view[found.close + 2..found.end - opening];
        let leading = newline(body.as_bytes());
        (found.close + 2 + leading, &body[leading..])
    }

    fn block(&self, found: Found) -> Result<(usize, Vec<Piece<'t>>), TemplateError> {
        if self.depth == DEEPEST_BLOCK {
            let message = format!("blocks may be nested {DEEPEST_BLOCK} deep");
            return Err(self.error(found.open, message));
        }
        let (at, body) = self.body(found);
        let body = &body[..body.len() - self.newline_before_end(body)];
        let inner = Scanner::new(self.whole, body, self.start + at, self.depth + 1);
        Ok((at, inner.pieces()?))
    }

    fn include(&self, open: usize) -> TemplateError {
        let tag = &self.view[open..open + 2];
        self.error(
            open,
            format!(
                "`{tag}` includes another template, but hooks have no template files to include; \
                 for plain text write `\\{tag}`"
            ),
        )
    }

    fn error(&self, at: usize, message: String) -> TemplateError {
        TemplateError::at(self.whole, self.start + at, message)
    }

    fn piece(&mut self, at: usize, kind: Kind<'t>) {
        self.pieces.push(Piece { at: self.start + at, kind });
    }

    /// Makes the pending text up to here a piece.
    fn text_until(&mut self, end: usize) {
        let at = self.text_from;
        let Some(mut text) = self.view.get(at..end).filter(|text| !text.is_empty()) else { return };
        // Upstream writes a newline before the text, and "\n\r" is one newline.
        if self.depth == 0 {
            text = text.strip_prefix('\r').unwrap_or(text);
        }
        self.piece(at, Kind::Text(with_line_feeds(text)));
    }

    fn backslashes(&self, open: usize) -> Backslashes {
        match &self.view.as_bytes()[..open] {
            [.., b'\\', b'\\'] => Backslashes::Two,
            [.., b'\\'] => Backslashes::One,
            _ => Backslashes::None,
        }
    }

    /// The end of the text before a tag, blanks left out.
    fn without_blanks(&self, open: usize) -> usize {
        self.view[..open].trim_end_matches([' ', '\t', '\x0b', '\0']).len()
    }

    /// The length of the newline that a tag takes along. The body of a block has passed through a
    /// long string once, so that any newline in it is one.
    fn newline_at(&self, at: usize) -> usize {
        let rest = self.view.as_bytes().get(at..).unwrap_or_default();
        if self.depth == 0 { usize::from(rest.first() == Some(&b'\n')) } else { newline(rest) }
    }

    /// The length of the newline before the end of a block, which is left out.
    fn newline_before_end(&self, body: &str) -> usize {
        if self.depth == 0 {
            usize::from(body.ends_with('\n'))
        } else {
            newline_at_end(body.as_bytes())
        }
    }
}

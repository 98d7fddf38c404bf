//! What Lua does a template become?
//!
//! A chunk for the sandbox to run under the name [`CHUNK_NAME`] with three arguments: the event as
//! a table, the value that stands for null in it (nil where null is left out), and a table of what
//! is not left to Lua: `json(table)`, `escape(text, braces)`, and Lua's own `format` and `concat`,
//! which nobody has had his hands on. It returns the text; where code has a `return` of its own, whatever
//! that returns. It needs no metatables, changes nothing but the event's table, and its lines are
//! the template's.
//!
//! A name in code is the event's member, else one of [`LUA_NAMES`], else nil: each scope (the
//! template, and every block) begins with a local variable for every name in its code. A path is
//! walked with care, so that a missing value is empty in these templates as well.

use std::{collections::BTreeSet, fmt::Write, iter, sync::LazyLock};

use super::{
    super::{error::TemplateError, output::Style},
    check,
    path::{Key, OWN_NAMES, Path, Root},
    scan::{Kind, Piece},
    tokens::{self, Code, Token, Trouble},
};

/// The name under which chunks are run: what goes wrong is then reported as `template:line: …`,
/// as [`RenderError::from_lua`](crate::template::error::RenderError::from_lua) expects it.
pub const CHUNK_NAME: &str = "=template";

/// What code finds under a name that the event does not have. What the sandbox lacks is nil.
const LUA_NAMES: [&str; 23] = [
    "_VERSION", "assert", "bit", "error", "ipairs", "kong", "math", "next", "ngx", "os", "pairs",
    "pcall", "require", "select", "string", "table", "tonumber", "tostring", "type", "unpack",
    "xpcall", "escape", "output",
];

/// The longest chunk, as the sandbox has it.
const CHUNK_LIMIT: usize = 64 << 10;

/// The most names in the code of one scope. Lua allows 200 local variables.
const NAMES_LIMIT: usize = 100;

static PRELUDE: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("prelude.lua").lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("--"));
    code.collect::<Vec<_>>().join(" ")
});

/// The chunk for a template of these pieces.
pub(super) fn of(text: &str, pieces: &[Piece<'_>]) -> Result<Box<str>, TemplateError> {
    if text.len() > CHUNK_LIMIT {
        return Err(too_long());
    }
    let mut writer = Writer { text, chunk: PRELUDE.clone(), line: 1, counted: (0, 1) };
    writer.lua_names(pieces);
    writer.scope(pieces)?;
    if writer.chunk.len() > CHUNK_LIMIT { Err(too_long()) } else { Ok(writer.chunk.into()) }
}

fn too_long() -> TemplateError {
    TemplateError::at_start("a template with Lua in it may have at most 64 KiB as a Lua chunk")
}

struct Writer<'t> {
    text: &'t str,
    chunk: String,
    /// The chunk's line.
    line: usize,
    /// A place in the template, and its line.
    counted: (usize, usize),
}

impl Writer<'_> {
    /// Keeps those of Lua's names that are used, before anything can hide them.
    fn lua_names(&mut self, pieces: &[Piece<'_>]) {
        for name in every_name(pieces).filter(|name| is_lua(name)) {
            match name {
                "escape" | "output" => {}
                "tostring" => self.chunk.push_str(" ___lua.tostring=___text"),
                name => self.put(format_args!(" ___lua.{name}={name}")),
            }
            self.put(format_args!(" if ___lua.{name} then ___theirs[___lua.{name}]=true end"));
        }
    }

    fn scope(&mut self, pieces: &[Piece<'_>]) -> Result<(), TemplateError> {
        let names = self.names(pieces)?;
        self.chunk.push_str(
            " local ___,blocks,layout={},___blocks(),nil local function echo(...) \
             for at=1,___select(\"#\",...) do ___[#___+1]=___text((___select(at,...))) end end",
        );
        for name in &names {
            let lua = if is_lua(name) { format!("___lua.{name}") } else { "nil".to_owned() };
            self.put(format_args!(" local {name}=context.{name} or {lua}"));
        }
        for piece in pieces {
            self.piece(piece, &names)?;
        }
        self.chunk.push_str(" return ___finish(___,layout)");
        Ok(())
    }

    fn piece(&mut self, piece: &Piece<'_>, names: &BTreeSet<&str>) -> Result<(), TemplateError> {
        self.go_to_line_of(piece.at);
        match &piece.kind {
            Kind::Text(text) => {
                self.chunk.push_str(" ___[#___+1]=");
                self.literal(text);
                self.chunk.push(';');
            }
            Kind::Print { code, style } => self.print(code, *style, names)?,
            Kind::Run(code) => {
                self.chunk.push(' ');
                self.code(code);
                self.chunk.push(' ');
            }
            Kind::Block { name, body } => {
                self.chunk.push_str(" blocks[");
                self.literal(name);
                self.chunk.push_str("]=(function()");
                self.scope(body)?;
                self.chunk.push_str(" end)();");
            }
        }
        Ok(())
    }

    fn print(
        &mut self,
        code: &Code<'_>,
        style: Style,
        names: &BTreeSet<&str>,
    ) -> Result<(), TemplateError> {
        let path = Path::read(code);
        if path.is_none() {
            check::expression(code).map_err(|trouble| self.error(code, trouble))?;
        }
        if code.words().next().is_none() {
            return Ok(());
        }
        self.chunk.push_str(match style {
            Style::Escaped => " ___[#___+1]=___escape(",
            Style::Raw => " ___[#___+1]=___output(",
        });
        match path {
            Some(path) => self.path(&path, names),
            None => self.code(code),
        }
        self.chunk.push_str(");");
        Ok(())
    }

    fn path(&mut self, path: &Path, names: &BTreeSet<&str>) {
        self.chunk.push_str("___path(");
        match &path.root {
            Root::Context => self.chunk.push_str("context"),
            Root::Blocks => self.chunk.push_str("blocks"),
            Root::Own => self.chunk.push_str("nil"),
            Root::Member(name) if names.contains(&**name) => self.chunk.push_str(name),
            Root::Member(name) => {
                self.chunk.push_str("context,");
                self.literal(name);
            }
        }
        for key in &path.keys {
            self.chunk.push(',');
            match key {
                Key::Name(name) => self.literal(name),
                Key::Index(index) => self.put(format_args!("{index}")),
            }
        }
        self.chunk.push(')');
        let of_the_event = |name: &str| !names.contains(name);
        if matches!(&path.root, Root::Member(name) if path.keys.is_empty() && of_the_event(name)) {
            self.chunk.push_str(" or nil");
        }
    }

    /// Code as it stands, without its comments.
    fn code(&mut self, code: &Code<'_>) {
        let mut from = 0;
        for token in &code.tokens {
            self.chunk.push_str(&code.text[from..token.at]);
            match token.kind {
                tokens::Kind::LineComment => {}
                tokens::Kind::LongComment => {
                    self.chunk.push(' ');
                    self.chunk.extend(token.text.matches('\n'));
                }
                _ => self.chunk.push_str(token.text),
            }
            from = token.at + token.text.len();
        }
        self.chunk.push_str(&code.text[from..]);
        self.line += code.text.matches('\n').count();
    }

    /// A string, on one line.
    fn literal(&mut self, text: &str) {
        self.chunk.push('"');
        for letter in text.chars() {
            match letter {
                '"' | '\\' => self.chunk.extend(['\\', letter]),
                '\n' => self.chunk.push_str("\\n"),
                control if control.is_ascii_control() => {
                    self.put(format_args!("\\{:03}", u32::from(control)));
                }
                letter => self.chunk.push(letter),
            }
        }
        self.chunk.push('"');
    }

    fn put(&mut self, what: std::fmt::Arguments<'_>) {
        self.chunk.write_fmt(what).expect("a String takes all that is written");
    }

    /// Ends lines until the chunk's is the template's at this place.
    fn go_to_line_of(&mut self, at: usize) {
        let (counted, line) = self.counted;
        let newlines = self.text.get(counted..at).map_or(0, |text| text.matches('\n').count());
        self.counted = (at, line + newlines);
        while self.line < self.counted.1 {
            self.chunk.push('\n');
            self.line += 1;
        }
    }

    /// The names in the code of this scope.
    fn names<'n>(&self, pieces: &'n [Piece<'_>]) -> Result<BTreeSet<&'n str>, TemplateError> {
        let mut names = BTreeSet::new();
        for code in pieces.iter().filter_map(code_of) {
            check::words(code).map_err(|trouble| self.error(code, trouble))?;
            for name in names_in(code) {
                if !OWN_NAMES.contains(&name.text) {
                    names.insert(name.text);
                }
                if names.len() > NAMES_LIMIT {
                    return Err(self.error(code, too_many_names(name)));
                }
            }
        }
        Ok(names)
    }

    fn error(&self, code: &Code<'_>, trouble: Trouble) -> TemplateError {
        TemplateError::at(self.text, code.at + trouble.at, trouble.message)
    }
}

fn too_many_names(name: &Token<'_>) -> Trouble {
    let message = format!(
        "the code of a template may use {NAMES_LIMIT} different names; \
         members of `context` do not count"
    );
    Trouble { at: name.at, message }
}

fn is_lua(name: &str) -> bool {
    LUA_NAMES.contains(&name)
}

/// The code of a piece that is more than a path.
fn code_of<'p, 't>(piece: &'p Piece<'t>) -> Option<&'p Code<'t>> {
    match &piece.kind {
        Kind::Run(code) => Some(code),
        Kind::Print { code, .. } => Path::read(code).is_none().then_some(code),
        Kind::Text(_) | Kind::Block { .. } => None,
    }
}

/// The names in all code, blocks included, each once.
fn every_name<'p>(pieces: &'p [Piece<'_>]) -> impl Iterator<Item = &'p str> {
    fn collect<'p>(pieces: &'p [Piece<'_>], names: &mut Vec<&'p str>) {
        for piece in pieces {
            match &piece.kind {
                Kind::Block { body, .. } => collect(body, names),
                _ => names
                    .extend(code_of(piece).into_iter().flat_map(names_in).map(|name| name.text)),
            }
        }
    }
    let mut names = Vec::new();
    collect(pieces, &mut names);
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}

/// The names in this code that may be variables.
fn names_in<'c, 't>(code: &'c Code<'t>) -> impl Iterator<Item = &'c Token<'t>> {
    let before = iter::once(None).chain(code.words().map(Some));
    before.zip(code.words()).filter_map(|(before, word)| {
        let is_member = before.is_some_and(check::leads_to_member);
        (word.kind == tokens::Kind::Name && !is_member).then_some(word)
    })
}

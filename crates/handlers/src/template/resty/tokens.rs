//! Of what words is the Lua in a tag made?
//!
//! Enough of Lua's lexer to tell names from text, to find what is not closed within its tag, and
//! to leave comments out of the chunk. Grammar is the Lua compiler's business.

/// The Lua of one tag.
#[derive(Debug)]
pub(super) struct Code<'t> {
    /// As it stands in the template.
    pub(super) text: &'t str,
    /// Where it begins, in bytes of the whole template.
    pub(super) at: usize,
    /// Its words, comments included.
    pub(super) tokens: Vec<Token<'t>>,
}

/// A word, and where it begins in its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    pub(super) text: &'t str,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    Keyword,
    Number,
    /// In quotes.
    Quoted,
    /// In long brackets.
    Long,
    /// From `--` to the end of its line.
    LineComment,
    /// In long brackets.
    LongComment,
    Symbol,
}

/// What is wrong at a place in the code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) at: usize,
    pub(super) message: String,
}

const KEYWORDS: [&str; 21] = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local",
    "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

const SYMBOLS: [&str; 32] = [
    "...", "..", "==", "~=", "<=", ">=", "::", "//", "+", "-", "*", "/", "%", "^", "#", "<", ">",
    "=", "(", ")", "{", "}", "[", "]", ";", ":", ",", ".", "+=", "-=", "*=", "/=",
];

impl<'t> Code<'t> {
    /// Reads the words of a tag's code.
    pub(super) fn read(text: &'t str, at: usize) -> Result<Self, Trouble> {
        let mut tokens = Vec::new();
        let mut from = 0;
        while let Some(found) = text[from..].find(|letter| !is_blank(letter)) {
            let token = token(text, from + found)?;
            from = token.at + token.text.len();
            tokens.push(token);
        }
        Ok(Self { text, at, tokens })
    }

    /// Its words without comments.
    pub(super) fn words(&self) -> impl DoubleEndedIterator<Item = &Token<'t>> {
        let is_comment = |kind| matches!(kind, Kind::LineComment | Kind::LongComment);
        self.tokens.iter().filter(move |token| !is_comment(token.kind))
    }
}

impl Token<'_> {
    /// Is it this symbol or keyword?
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Symbol | Kind::Keyword) && self.text == text
    }
}

fn token(code: &str, at: usize) -> Result<Token<'_>, Trouble> {
    let rest = &code[at..];
    let (kind, length) = match rest.as_bytes() {
        [b'-', b'-', ..] => comment(rest),
        [b'"' | b'\'', ..] => (Kind::Quoted, quoted(rest)),
        [b'[', b'[' | b'=', ..] if long_level(rest).is_some() => (Kind::Long, long(rest)),
        [b'0'..=b'9', ..] | [b'.', b'0'..=b'9', ..] => (Kind::Number, Some(number(rest))),
        _ => match name(rest) {
            0 => (Kind::Symbol, symbol(rest)),
            length if KEYWORDS.contains(&&rest[..length]) => (Kind::Keyword, Some(length)),
            length => (Kind::Name, Some(length)),
        },
    };
    match length {
        Some(length) => Ok(Token { at, text: &rest[..length], kind }),
        None => Err(Trouble { at, message: unfinished(kind, rest) }),
    }
}

fn unfinished(kind: Kind, rest: &str) -> String {
    match kind {
        Kind::Quoted => "this string is not closed before the tag's end".to_owned(),
        Kind::Long => "this long string is not closed before the tag's end".to_owned(),
        Kind::LongComment => "this comment is not closed before the tag's end".to_owned(),
        _ => format!(
            "`{}` means nothing in Lua",
            rest.chars().next().unwrap_or_default().escape_debug()
        ),
    }
}

fn comment(rest: &str) -> (Kind, Option<usize>) {
    let after = &rest[2..];
    if long_level(after).is_some() {
        return (Kind::LongComment, long(after).map(|length| length + 2));
    }
    (Kind::LineComment, Some(rest.find('\n').unwrap_or(rest.len())))
}

/// The length of a string in quotes; a line may only end in it behind a backslash.
fn quoted(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            b'\n' => return None,
            byte if byte == bytes[0] => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The number of equals signs in the long bracket that opens here.
fn long_level(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('[')?.trim_start_matches('=');
    inner.starts_with('[').then(|| rest.len() - inner.len() - 1)
}

fn long(rest: &str) -> Option<usize> {
    let level = long_level(rest)?;
    let closer = format!("]{}]", "=".repeat(level));
    rest.find(&closer).map(|at| at + closer.len())
}

fn number(rest: &str) -> usize {
    let mut before = b' ';
    let end = rest.bytes().position(|byte| {
        let sign_of_exponent =
            matches!(byte, b'+' | b'-') && matches!(before, b'e' | b'E' | b'p' | b'P');
        before = byte;
        !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || sign_of_exponent)
    });
    end.unwrap_or(rest.len())
}

/// The length of the name that begins here. Letters beyond ASCII count there, too.
fn name(rest: &str) -> usize {
    if rest.starts_with(|first: char| first.is_ascii_digit()) {
        return 0;
    }
    let is_part =
        |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || !letter.is_ascii();
    rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())
}

fn symbol(rest: &str) -> Option<usize> {
    let known = SYMBOLS.iter().filter(|symbol| rest.starts_with(**symbol));
    known.map(|symbol| symbol.len()).max()
}

/// What `%s` matches in Lua.
pub(super) fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t'..='\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_into_words() {
        for (name, code, words) in [
            ("a path", "a.b[1]", &["a", ".", "b", "[", "1", "]"][..]),
            ("dots", "a..b...", &["a", "..", "b", "..."]),
            ("numbers", "1.5e-3+0x1F", &["1.5e-3", "+", "0x1F"]),
            ("a number that begins with a dot", ".5", &[".5"]),
            ("strings", r#"'a"' "\"b" [==[c]]]==]"#, &["'a\"'", r#""\"b""#, "[==[c]]]==]"]),
            ("an index is no long string", "a[[[b]]]", &["a", "[[[b]]", "]"]),
            ("comparisons", "a~=b==c", &["a", "~=", "b", "==", "c"]),
            ("comments", "a--b\nc--[[d\n]]e", &["a", "--b", "c", "--[[d\n]]", "e"]),
            ("names of any letters", "größe _x1", &["größe", "_x1"]),
            ("nothing", " \t\n ", &[]),
        ] {
            let read = Code::read(code, 0).unwrap();
            assert_eq!(read.tokens.iter().map(|it| it.text).collect::<Vec<_>>(), words, "{name}");
        }
    }

    #[test]
    fn what_is_not_closed_is_found() {
        for (name, code, at) in [
            ("a string", "f('a", 2),
            ("a string that ends in a backslash", r"'a\", 0),
            ("a string over two lines", "'a\nb'", 0),
            ("a long string", "x = [=[ ]]", 4),
            ("a long comment", "x --[[ y", 2),
            ("a sign that Lua does not know", "a $ b", 2),
            ("a backtick", "`a`", 0),
        ] {
            assert_eq!(Code::read(code, 0).unwrap_err().at, at, "{name}");
        }
    }
}

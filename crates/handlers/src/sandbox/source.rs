//! What is a script called, where did it fail, and may it be compiled at all?

use super::{
    absent,
    limits::Limits,
    outcome::{FailureKind, ScriptFailure},
};

/// A message is cut after so many bytes.
pub(super) const LONGEST_MESSAGE: usize = 4 * 1024;

/// What messages call a template, as [`CHUNK_NAME`](crate::template::resty::CHUNK_NAME) has it.
pub(super) const TEMPLATE: &str = "template";

/// The name of a chunk as `LuaJIT` forms it: its first line, or as much of it as fits.
pub(super) fn chunk_name(source: &str) -> String {
    const WHOLE: usize = 48;
    const CUT: usize = 45;
    let line = source.bytes().take(WHOLE).take_while(|it| *it >= b' ').count();
    if line == source.len() {
        return format!("[string \"{source}\"]");
    }
    let cut = source.floor_char_boundary(line.min(CUT));
    format!("[string \"{}...\"]", &source[..cut])
}

/// The line in a message that begins with the chunk's name.
pub(super) fn line_of(message: &str, chunk: &str) -> Option<u32> {
    let text = message.strip_prefix(chunk)?.strip_prefix(':')?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse().ok()
}

/// A message of the sandbox's own Lua, without a line that means nothing to the script's author.
pub(super) fn without_prelude(message: String) -> String {
    let rest = message.strip_prefix("sandbox:").and_then(|it| it.split_once(": "));
    match rest {
        Some((line, rest)) if line.bytes().all(|it| it.is_ascii_digit()) => rest.to_owned(),
        _ => message,
    }
}

/// Why a source must not reach the compiler.
pub(super) fn refuse(source: &str) -> Option<&'static str> {
    let bytecode = source.bytes().next().is_some_and(|it| it == 0x1b || it < b'\t');
    if bytecode {
        return Some("attempt to load chunk with wrong mode: bytecode is refused");
    }
    // Whatever is behind it, the compiler would not see.
    source.contains('\0').then_some("a NUL in the source is refused")
}

/// The failure of functions that are too large.
pub(super) fn too_large(limits: &Limits, index: usize, chunk: String) -> ScriptFailure {
    let message = format!("{chunk}: the functions of a hook may have {} bytes", limits.source);
    ScriptFailure { kind: FailureKind::Syntax, index, chunk, line: None, message }
}

/// Says plainly what a compiler's message is about, where it is about `goto`.
pub(super) fn explain_syntax(message: String, source: &str, chunk: &str) -> String {
    match line_of_goto(source) {
        Some(line) => format!(
            "{chunk}:{line}: goto and labels are not supported; \
             use `continue` or `break`, or return from a function"
        ),
        None => message,
    }
}

/// Says which missing thing a message is about that only says `nil`.
pub(super) fn explain_nil(message: String, source: &str, line: Option<u32>) -> String {
    if !message.contains("attempt to call a nil value") && !message.contains("attempt to index nil")
    {
        return message;
    }
    let text = line.and_then(|it| source.lines().nth(it as usize - 1)).unwrap_or_default();
    match absent::named_in(text) {
        Some(name) => format!("{message} ({name} is not available to hooks)"),
        None => message,
    }
}

/// The first line with a `goto` or a label that is neither text nor comment.
fn line_of_goto(source: &str) -> Option<u32> {
    let mut line = 1;
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '-' if rest.starts_with("--") => comment(rest),
            '"' | '\'' | '`' => quoted(rest, first),
            '[' => long_bracket(rest).unwrap_or(1),
            _ if is_word(first) => {
                let word = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
                if &rest[..word] == "goto" && starts_word(rest[word..].trim_start()) {
                    return Some(line);
                }
                word
            }
            ':' if rest.starts_with("::") && starts_word(rest[2..].trim_start()) => {
                return Some(line);
            }
            _ => first.len_utf8(),
        };
        line += u32::try_from(rest[..skipped].matches('\n').count()).unwrap_or(u32::MAX);
        rest = &rest[skipped..];
    }
    None
}

fn is_word(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_'
}

fn starts_word(text: &str) -> bool {
    text.starts_with(is_word)
}

/// How long the comment is that the text starts with.
fn comment(text: &str) -> usize {
    match long_bracket(&text[2..]) {
        Some(length) => 2 + length,
        None => text.find('\n').unwrap_or(text.len()),
    }
}

/// How long the quoted string is that the text starts with.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, it) in text.char_indices().skip(1) {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if it == quote || (it == '\n' && quote != '`') => return at + it.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// How long the `[[…]]` or `[=[…]=]` is that the text starts with.
fn long_bracket(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('[')?;
    let level = rest.bytes().take_while(|it| *it == b'=').count();
    rest[level..].strip_prefix('[')?;
    let end = format!("]{}]", "=".repeat(level));
    Some(text.find(&end).map_or(text.len(), |at| at + end.len()))
}

/// The first bytes of a text, as many as a message may have.
pub(super) fn cut(bytes: &[u8]) -> String {
    let kept = &bytes[..bytes.len().min(LONGEST_MESSAGE)];
    let mut text = String::from_utf8_lossy(kept).into_owned();
    if kept.len() < bytes.len() {
        text.truncate(text.floor_char_boundary(LONGEST_MESSAGE - 3));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_called_by_its_first_line() {
        for (name, source, expected) in [
            ("one line", "return 1", r#"[string "return 1"]"#),
            ("several lines", "return 1\n", r#"[string "return 1..."]"#),
            (
                "the reference's sample",
                "return function (data, event, source, pid)\n  local user",
                r#"[string "return function (data, event, source, pid)..."]"#,
            ),
            (
                "a long line",
                "return function (data, event, source, pid) local user = data.entity",
                r#"[string "return function (data, event, source, pid) lo..."]"#,
            ),
            ("nothing", "", r#"[string ""]"#),
            ("an empty first line", "\nreturn 1", r#"[string "..."]"#),
            (
                "a letter of two bytes at the cut",
                "return 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaéaaaaaaaaaaaaaaaaaaaaa'",
                "[string \"return 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"]",
            ),
        ] {
            assert_eq!(chunk_name(source), expected, "{name}");
        }
    }

    #[test]
    fn a_message_tells_its_line() {
        let chunk = r#"[string "return 1"]"#;
        for (name, message, expected) in [
            ("at its start", r#"[string "return 1"]:3: no"#, Some(3)),
            ("of another chunk", r#"[string "return 2"]:3: no"#, None),
            ("without one", "no", None),
            ("with no number", r#"[string "return 1"]: no"#, None),
            ("with too large a number", r#"[string "return 1"]:99999999999: no"#, None),
        ] {
            assert_eq!(line_of(message, chunk), expected, "{name}");
        }
    }

    #[test]
    fn goto_is_found_where_it_is_code() {
        for (name, source, expected) in [
            ("a statement", "local a\ngoto done", Some(2)),
            ("a label", "x()\n\n::done::", Some(3)),
            ("a label with spaces", ":: done ::", Some(1)),
            ("a name of a field", "return { goto = 1 }", None),
            ("a part of a name", "gotos x", None),
            ("in a string", "return 'goto done' .. \"goto done\" .. `goto done`", None),
            ("in an escaped string", r#"return "\"goto done""#, None),
            ("in a long string", "return [==[ goto done ]] goto done ]==]", None),
            ("in a comment", "-- goto done\n--[[ goto\n done ]] return 1", None),
            ("after all that", "-- goto done\n[[\n]] 'x' goto done", Some(3)),
            ("after an unfinished string", "'abc\ngoto done", Some(2)),
            ("in an unfinished comment", "--[[ goto done", None),
            ("after letters of other scripts", "'é' … goto é1", None),
            ("nothing", "", None),
        ] {
            assert_eq!(line_of_goto(source), expected, "{name}");
        }
    }

    #[test]
    fn a_missing_thing_is_named() {
        for (name, message, source, expected) in [
            (
                "called",
                "x:1: attempt to call a nil value",
                "setfenv(1, {})",
                "x:1: attempt to call a nil value (setfenv is not available to hooks)",
            ),
            (
                "indexed",
                "x:1: attempt to index nil with 'tcp'",
                "local s = ngx.socket.tcp()",
                "x:1: attempt to index nil with 'tcp' (ngx.socket is not available to hooks)",
            ),
            (
                "the script's own",
                "x:1: attempt to call a nil value",
                "mine()",
                "x:1: attempt to call a nil value",
            ),
            ("another error", "x:1: os.execute", "os.execute()", "x:1: os.execute"),
        ] {
            assert_eq!(explain_nil(message.into(), source, Some(1)), expected, "{name}");
        }
    }

    #[test]
    fn long_messages_are_cut() {
        assert_eq!(cut(b"short"), "short");
        let long = cut("é".repeat(10_000).as_bytes());
        assert!(long.len() <= LONGEST_MESSAGE && long.ends_with('…'));
        assert!(cut(&[0xff; 10_000]).len() <= LONGEST_MESSAGE, "of no text at all");
    }
}

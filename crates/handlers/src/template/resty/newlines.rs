//! What is a newline to Lua? `\r\n` and `\n\r` are one, and so is either letter alone; in a long
//! string each becomes a line feed.

use std::borrow::Cow;

/// The length of the newline at the start.
pub(super) fn newline(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] | [b'\n', b'\r', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// The length of the newline at the end.
pub(super) fn newline_at_end(bytes: &[u8]) -> usize {
    match bytes {
        [.., b'\r', b'\n'] | [.., b'\n', b'\r'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    }
}

/// The text with every newline as a line feed.
pub(super) fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut lines = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        lines.push_str(&rest[..at]);
        lines.push('\n');
        rest = &rest[at + newline(&rest.as_bytes()[at..])..];
    }
    lines.push_str(rest);
    Cow::Owned(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_newline_becomes_a_line_feed() {
        for (text, lines) in [
            ("a\nb", "a\nb"),
            ("a\rb", "a\nb"),
            ("a\r\nb\n\rc", "a\nb\nc"),
            ("\r\r\n\n\r\r", "\n\n\n\n"),
            ("a\r", "a\n"),
            ("", ""),
        ] {
            assert_eq!(with_line_feeds(text), lines, "{text:?}");
        }
    }
}

//! What is wrong with this Lua that can be seen without a grammar?
//!
//! The rest is found by Lua's compiler, which knows lines but not columns, and would report what
//! one tag leaves open somewhere behind it.

use super::tokens::{Code, Kind, Token, Trouble};

/// Refuses words that code cannot have here.
pub(super) fn words(code: &Code<'_>) -> Result<(), Trouble> {
    let words: Vec<_> = code.words().collect();
    words.iter().enumerate().try_for_each(|(index, word)| {
        let before = index.checked_sub(1).map(|before| words[before]);
        match complaint(before, word, words.get(index + 1).copied()) {
            Some(message) => Err(Trouble { at: word.at, message }),
            None => Ok(()),
        }
    })
}

fn complaint(
    before: Option<&Token<'_>>,
    word: &Token<'_>,
    after: Option<&Token<'_>>,
) -> Option<String> {
    let text = word.text;
    let is_name = |token: &Token<'_>| token.kind == Kind::Name;
    if word.is("::") || (text == "goto" && is_name(word) && after.is_some_and(is_name)) {
        return Some("goto and its labels are not supported".to_owned());
    }
    if is_name(word) && !text.is_ascii() {
        return Some(format!(
            "`{text}` has letters that names in code cannot have; write context[\"{text}\"]"
        ));
    }
    let is_ours = is_name(word) && text.starts_with("___") && text != "___";
    (is_ours && !before.is_some_and(leads_to_member))
        .then(|| format!("`{text}`: names that begin with `___` are the template's own"))
}

/// Is the name after this a member of something, not a variable?
pub(super) fn leads_to_member(token: &Token<'_>) -> bool {
    token.is(".") || token.is(":")
}

/// Refuses code that does not begin or end as an expression does, or leaves a bracket open.
pub(super) fn expression(code: &Code<'_>) -> Result<(), Trouble> {
    if let Some(comment) = code.tokens.last().filter(|last| last.kind == Kind::LineComment) {
        let message = "this comment would hide the tag's end; write {# #} outside of it".to_owned();
        return Err(Trouble { at: comment.at, message });
    }
    if let Some(first) = code.words().next().filter(|first| !begins_a_value(first)) {
        return Err(trouble(first, "an expression cannot begin with"));
    }
    if let Some(last) = code.words().next_back().filter(|last| !ends_a_value(last)) {
        return Err(trouble(last, "an expression cannot end with"));
    }
    brackets(code)
}

fn brackets(code: &Code<'_>) -> Result<(), Trouble> {
    let mut open = Vec::<&Token<'_>>::new();
    for token in code.words().filter(|token| token.kind == Kind::Symbol) {
        match (token.text, open.last().map(|opening| opening.text)) {
            ("(" | "[" | "{", _) => open.push(token),
            (")", Some("(")) | ("]", Some("[")) | ("}", Some("{")) => drop(open.pop()),
            (")" | "]" | "}", _) => return Err(trouble(token, "nothing is open for this")),
            _ => {}
        }
    }
    match open.pop() {
        Some(token) => Err(trouble(token, "not closed before the tag's end:")),
        None => Ok(()),
    }
}

fn trouble(token: &Token<'_>, what: &str) -> Trouble {
    Trouble { at: token.at, message: format!("{what} `{}`", token.text) }
}

fn begins_a_value(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Symbol => matches!(token.text, "(" | "{" | "-" | "#" | "..."),
        Kind::Keyword => matches!(token.text, "nil" | "true" | "false" | "not" | "function"),
        _ => true,
    }
}

fn ends_a_value(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Symbol => matches!(token.text, ")" | "}" | "]" | "..."),
        Kind::Keyword => matches!(token.text, "nil" | "true" | "false" | "end"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_code_cannot_have_are_refused_at_their_place() {
        for (code, at) in [
            ("goto done", Some(0)),
            ("x = 1 ::done::", Some(6)),
            ("a = größe", Some(4)),
            ("a.größe = 1", Some(2)),
            ("x, ___path = 1", Some(3)),
            ("x.___path = ___[1]", None),
            ("goto = 1", None),
            ("x = 'größe ::' -- größe", None),
        ] {
            let result = words(&Code::read(code, 0).unwrap());
            assert_eq!(result.err().map(|trouble| trouble.at), at, "{code}");
        }
    }

    #[test]
    fn what_cannot_be_an_expression_is_refused_at_its_place() {
        for (code, at) in [
            ("1 +", Some(2)),
            ("end", Some(0)),
            ("* 2", Some(0)),
            ("a.b.", Some(3)),
            ("a --[[c]] and", Some(10)),
            ("a -- c", Some(2)),
            ("-- c", Some(0)),
            ("f(a", Some(1)),
            ("a) .. (b", Some(1)),
            ("f({1, 2)", Some(7)),
            ("t[1", Some(1)),
            ("#t", None),
            ("-1", None),
            ("not a", None),
            ("f(a)[1]", None),
            ("{1, 2}", None),
            ("function() end", None),
            ("a -- c\n + 1", None),
            ("'('", None),
            ("a, true", None),
        ] {
            let result = expression(&Code::read(code, 0).unwrap());
            assert_eq!(result.err().map(|trouble| trouble.at), at, "{code}");
        }
    }
}

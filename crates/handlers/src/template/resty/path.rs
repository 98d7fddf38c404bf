//! Which member of the event does a tag name?
//!
//! `a.b`, `a["b"]`, `a[1]` and any chain of them; an array's first element is 1, as in Lua. What is
//! not there is nothing, at any depth. A name is a member of the event and nothing else: Lua's own
//! names and the template's are never found.

use serde_json::{Map, Value};

use super::tokens::{Code, Kind, Token};

/// Names that a template has for itself, so that members of the event with such a name are only
/// reached through `context`.
pub(super) const OWN_NAMES: [&str; 7] =
    ["context", "blocks", "layout", "include", "echo", "template", "___"];

/// A way into the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) root: Root,
    pub(super) keys: Box<[Key]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    /// The event.
    Context,
    /// What named blocks printed.
    Blocks,
    /// A member of the event.
    Member(Box<str>),
    /// One of the template's own names, which has no value to print.
    Own,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Name(Box<str>),
    /// From 1.
    Index(usize),
}

impl Path {
    /// The path that this code is, unless it is anything else.
    pub(super) fn read(code: &Code<'_>) -> Option<Self> {
        let mut tokens = code.tokens.as_slice();
        let root = match tokens.split_off_first()? {
            Token { kind: Kind::Name, text, .. } => Root::of(text),
            _ => return None,
        };
        let mut keys = Vec::new();
        while !tokens.is_empty() {
            keys.push(next_key(&mut tokens)?);
        }
        let blocks_themselves = root == Root::Blocks && keys.is_empty();
        (!blocks_themselves).then(|| Self { root, keys: keys.into() })
    }

    /// What the path leads to from here. A name that leads to `false` leads nowhere, as upstream.
    pub(super) fn in_event<'v>(&self, context: &'v Map<String, Value>) -> Option<&'v Value> {
        match (&self.root, &*self.keys) {
            (Root::Member(name), []) => {
                context.get(&**name).filter(|it| **it != Value::Bool(false))
            }
            (Root::Member(name), keys) | (Root::Context, [Key::Name(name), keys @ ..]) => {
                follow(context.get(&**name)?, keys)
            }
            (Root::Blocks, keys) => follow(context.get("blocks")?, keys),
            (Root::Context | Root::Own, _) => None,
        }
    }
}

impl Root {
    fn of(name: &str) -> Self {
        match name {
            "context" => Self::Context,
            "blocks" => Self::Blocks,
            own if OWN_NAMES.contains(&own) => Self::Own,
            member => Self::Member(member.into()),
        }
    }
}

fn next_key(tokens: &mut &[Token<'_>]) -> Option<Key> {
    let (key, rest) = match *tokens {
        [dot, Token { kind: Kind::Name, text, .. }, rest @ ..] if dot.is(".") => {
            (Key::Name((*text).into()), rest)
        }
        [open, key, close, rest @ ..] if open.is("[") && close.is("]") => {
            (key_in_brackets(key)?, rest)
        }
        _ => return None,
    };
    *tokens = rest;
    Some(key)
}

fn key_in_brackets(token: &Token<'_>) -> Option<Key> {
    match token.kind {
        Kind::Quoted if !token.text.contains('\\') => {
            let inner = token.text.get(1..token.text.len() - 1)?;
            Some(Key::Name(inner.into()))
        }
        Kind::Number
            if token.text.len() < 16 && token.text.bytes().all(|it| it.is_ascii_digit()) =>
        {
            token.text.parse().ok().map(Key::Index)
        }
        _ => None,
    }
}

fn follow<'v>(value: &'v Value, keys: &[Key]) -> Option<&'v Value> {
    keys.iter().try_fold(value, |value, key| match (value, key) {
        (Value::Object(members), Key::Name(name)) => members.get(&**name),
        (Value::Array(elements), Key::Index(index)) => elements.get(index.checked_sub(1)?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_what_it_names() {
        let Value::Object(event) = json!({
            "a": {"b": {"c": [1, {"d": "deep"}]}, "x y": 2, "1": "text key"},
            "list": ["first", "second"],
            "off": false, "inner": {"off": false},
            "context": "hidden", "layout": "hidden",
        }) else {
            unreachable!()
        };
        for (code, value) in [
            ("list[1]", Some(json!("first"))),
            ("list [ 2 ]", Some(json!("second"))),
            ("list[0]", None),
            ("list[3]", None),
            ("list.first", None),
            ("list['1']", None),
            ("a.b.c[2].d", Some(json!("deep"))),
            ("a['b']\n.c[1]", Some(json!(1))),
            ("a[\"x y\"]", Some(json!(2))),
            ("a[1]", None),
            ("a.b.missing.at.any.depth", None),
            ("missing.at.any.depth", None),
            ("list[1].of.a.string", None),
            ("off", None),
            ("inner.off", Some(json!(false))),
            ("context.off", Some(json!(false))),
            ("context.a['x y']", Some(json!(2))),
            ("context.context", Some(json!("hidden"))),
            ("context[1]", None),
            ("layout", None),
            ("layout.anything", None),
            ("string.upper", None),
            ("_G", None),
        ] {
            let path = Path::read(&Code::read(code, 0).unwrap()).unwrap();
            assert_eq!(path.in_event(&event), value.as_ref(), "{code}");
        }
    }

    #[test]
    fn what_is_more_than_a_path_is_none() {
        for code in [
            "",
            "1",
            "'a'",
            "nil",
            "true",
            "end",
            "a.end",
            "a.",
            "a[",
            "a[]",
            "a[b]",
            "a[-1]",
            "a[1.5]",
            "a[0x1]",
            "a['\\n']",
            "a[[b]]",
            "a:b()",
            "a()",
            "a b",
            "(a)",
            "a.b-c",
            "#a",
            "not a",
            "a..b",
            "a, b",
            "a --[[c]]",
            "a[12345678901234567890]",
            "blocks",
        ] {
            assert_eq!(Path::read(&Code::read(code, 0).unwrap()), None, "{code}");
        }
    }
}

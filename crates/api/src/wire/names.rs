//! Where does an argument's value go? Names with dots and brackets, and the tree they build.
//!
//! The rules are the gateway's: `config.url` and `config[url]` nest, `x[]` and `x[2]` make
//! lists, pieces that share a beginning are merged in order. Lua has one kind of table for lists
//! and objects, so the tree has too until it is turned into JSON: what is numbered from 1 without
//! a hole is an array, everything else is an object. A sparse list (`x[0]`, or `x[2]` alone) is
//! therefore an object of its numbers, which no field of a hook takes for a list.

use std::{borrow::Cow, collections::BTreeMap, mem};

use serde_json::{Map, Value};

use super::infer::lua_number;

/// The deepest that a name may nest.
const MOST_DEPTH: usize = 64;

/// A value, or what names have built of several.
#[derive(Debug)]
pub(super) enum Node {
    Leaf(Value),
    Table(Table),
}

/// A Lua table: numbered items and named members, the latter in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Table {
    items: BTreeMap<u32, Node>,
    members: Vec<(String, Node)>,
}

/// A step from a table to what it holds.
enum Step<'a> {
    Member(&'a str),
    Item(u32),
    /// `[]`: after the last item.
    Append,
}

/// May brackets with a word in them nest? In the names of bodies they do; in those of queries
/// they belong to the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Brackets {
    Nest,
    Stay,
}

/// A name that nests deeper than anybody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooDeep;

impl Table {
    /// Puts the value of one argument where its name says.
    pub(super) fn add(
        &mut self,
        name: &str,
        value: Node,
        brackets: Brackets,
    ) -> Result<(), TooDeep> {
        let name = unescape_brackets(name);
        let pieces: Vec<_> = pieces(&name).into_iter().map(|it| steps(it, brackets)).collect();
        if pieces.iter().map(Vec::len).sum::<usize>() > MOST_DEPTH {
            return Err(TooDeep);
        }
        let node = pieces.into_iter().rev().fold(value, nest);
        self.absorb(node);
        Ok(())
    }

    /// The tree as a JSON object.
    pub(super) fn into_object(self) -> Map<String, Value> {
        let items = self.items.into_iter().map(|(index, node)| (index.to_string(), node));
        items.chain(self.members).map(|(name, node)| (name, node.into_value())).collect()
    }

    fn of_item(index: u32, node: Node) -> Self {
        Self { items: BTreeMap::from([(index, node)]), ..Self::default() }
    }

    fn of_member(name: &str, node: Node) -> Self {
        Self { members: vec![(name.to_owned(), node)], ..Self::default() }
    }

    /// Takes in a value after the last of the list, or merges another table.
    fn absorb(&mut self, node: Node) {
        match node {
            Node::Leaf(_) => {
                self.items.insert(self.last().saturating_add(1), node);
            }
            Node::Table(table) => self.merge(table),
        }
    }

    fn merge(&mut self, other: Self) {
        for (index, node) in other.items {
            match self.items.get_mut(&index) {
                Some(present) => present.join(node),
                None => drop(self.items.insert(index, node)),
            }
        }
        for (name, node) in other.members {
            match self.members.iter_mut().find(|(it, _)| *it == name) {
                Some((_, present)) => present.join(node),
                None => self.members.push((name, node)),
            }
        }
    }

    fn is_list(&self) -> bool {
        self.members.is_empty()
            && !self.items.is_empty()
            && self.items.keys().copied().eq(1..=self.last())
    }

    fn last(&self) -> u32 {
        self.items.last_key_value().map_or(0, |(index, _)| *index)
    }
}

impl Node {
    /// The values of a name that came several times.
    pub(super) fn list(values: Vec<Value>) -> Self {
        let items = (1..).zip(values.into_iter().map(Self::Leaf)).collect();
        Self::Table(Table { items, ..Table::default() })
    }

    /// What is here and what comes to the same place are one table from now on.
    fn join(&mut self, node: Self) {
        let mut table = match mem::replace(self, Self::Leaf(Value::Null)) {
            Self::Table(table) => table,
            leaf @ Self::Leaf(_) => Table::of_item(1, leaf),
        };
        table.absorb(node);
        *self = Self::Table(table);
    }

    fn into_value(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::Table(table) if table.is_list() => {
                table.items.into_values().map(Self::into_value).collect()
            }
            Self::Table(table) => table.into_object().into(),
        }
    }
}

/// Wraps a node into the tables that a piece of a name stands for, from the inside out.
fn nest(node: Node, piece: Vec<Step<'_>>) -> Node {
    let last = piece.len().saturating_sub(1);
    piece.into_iter().enumerate().rev().fold(node, |node, (at, step)| match (step, node) {
        (Step::Member(name), node) => Node::Table(Table::of_member(name, node)),
        (Step::Item(index), node) => Node::Table(Table::of_item(index, node)),
        // At the end of a piece, a table is the list that was meant.
        (Step::Append, table @ Node::Table(_)) if at == last => table,
        (Step::Append, node) => Node::Table(Table::of_item(1, node)),
    })
}

/// Splits a name at its dots, but for those in brackets. A name that begins or ends with a dot
/// is not split: the gateway calls it `name`, whatever it is.
fn pieces(name: &str) -> Vec<&str> {
    if name.starts_with('.') || name.ends_with('.') {
        return vec!["name"];
    }
    let last_closing = name.rfind(']').unwrap_or(0);
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(c) = name[at..].chars().next() {
        at += c.len_utf8();
        if c == '.' {
            pieces.push(&name[start..at - 1]);
            start = at;
            continue;
        }
        while name[at..].starts_with('[') && at < last_closing {
            at += name[at..].find(']').map_or(0, |closing| closing + 1);
        }
    }
    pieces.push(&name[start..]);
    pieces.retain(|piece| !piece.is_empty());
    if pieces.is_empty() { vec![name] } else { pieces }
}

/// The steps of a piece: its name, then its brackets. Text between or after brackets is dropped.
fn steps(piece: &str, brackets: Brackets) -> Vec<Step<'_>> {
    let after_first = piece.chars().next().map_or(0, char::len_utf8);
    let Some(opening) = piece[after_first..].find('[').map(|at| at + after_first) else {
        return vec![Step::Member(piece)];
    };
    let (name, mut rest) = piece.split_at(opening);
    let mut keys = Vec::new();
    while let Some((key, after)) = rest.split_once('[').and_then(|(_, inner)| inner.split_once(']'))
    {
        keys.push(key);
        rest = after;
    }
    let is_map = keys.iter().any(|key| !key.is_empty() && lua_number(key).is_none());
    if keys.is_empty() || (is_map && brackets == Brackets::Stay) {
        return vec![Step::Member(piece)];
    }
    std::iter::once(name).chain(keys).map(step).collect()
}

fn step(key: &str) -> Step<'_> {
    let index = lua_number(key).filter(|number| number.fract() == 0.0);
    match index.filter(|number| (0.0..=f64::from(i32::MAX)).contains(number)) {
        _ if key.is_empty() => Step::Append,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, and within the range just above"
        )]
        Some(number) => Step::Item(number as u32),
        None => Step::Member(key),
    }
}

/// Brackets that are still percent-encoded in pairs (in the names of multipart bodies) count too.
fn unescape_brackets(name: &str) -> Cow<'_, str> {
    let find = |text: &str, code: &str| {
        text.as_bytes().windows(code.len()).position(|it| it.eq_ignore_ascii_case(code.as_bytes()))
    };
    let mut rest = name;
    let mut unescaped = String::new();
    while let Some(opening) = find(rest, "%5B")
        && let Some(length) = find(&rest[opening + 3..], "%5D")
    {
        let closing = opening + 3 + length;
        unescaped.push_str(&rest[..opening]);
        unescaped.push('[');
        unescaped.push_str(&rest[opening + 3..closing]);
        unescaped.push(']');
        rest = &rest[closing + 3..];
    }
    if unescaped.is_empty() {
        return Cow::Borrowed(name);
    }
    unescaped.push_str(rest);
    Cow::Owned(unescaped)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decoded(names: &[&str], brackets: Brackets) -> Value {
        let mut table = Table::default();
        for (name, value) in names.iter().zip(1..) {
            table.add(name, Node::Leaf(value.into()), brackets).unwrap();
        }
        table.into_object().into()
    }

    #[test]
    fn a_name_says_where_its_value_goes() {
        for (name, names, expected) in [
            ("a plain name", &["a"][..], json!({"a": 1})),
            ("dots", &["a.b.c"], json!({"a": {"b": {"c": 1}}})),
            ("two dots are one", &["a..b"], json!({"a": {"b": 1}})),
            ("a dot in front", &[".a"], json!({"name": 1})),
            ("a dot within brackets", &["a[b.c].d"], json!({"a": {"b.c": {"d": 1}}})),
            ("a list within a record", &["a.b[]"], json!({"a": {"b": [1]}})),
            ("a value after a hole", &["a[2]", "a"], json!({"a": {"2": 1, "3": 2}})),
            ("two values for one place", &["a[]", "a[1]"], json!({"a": [[1, 2]]})),
            ("a list of records", &["a[1].b", "a[2].b"], json!({"a": [{"b": 1}, {"b": 2}]})),
            ("holes", &["a[1]", "a[3]"], json!({"a": {"1": 1, "3": 2}})),
            ("numbers in any order", &["a[2]", "a[1]"], json!({"a": [2, 1]})),
            ("a hexadecimal number", &["a[0x1]"], json!({"a": [1]})),
            ("a negative number", &["a[-1]"], json!({"a": {"-1": 1}})),
            ("a number in front of brackets", &["1[a]"], json!({"1": {"a": 1}})),
            ("brackets at the beginning", &["[a]"], json!({"[a]": 1})),
            ("then more brackets", &["[5][a]"], json!({"[5]": {"a": 1}})),
            ("text after brackets", &["a[b]c"], json!({"a": {"b": 1}})),
            ("nothing added to a list of records", &["a[].b"], json!({"a": {"b": 1}})),
            ("a value and a member", &["a", "a.b"], json!({"a": {"1": 1, "b": 2}})),
            ("a member and a value", &["a.b", "a"], json!({"a": {"1": 2, "b": 1}})),
            ("escaped brackets", &["a%5Bb%5d"], json!({"a": {"b": 1}})),
            ("half a pair of escaped brackets", &["a%5Bb"], json!({"a%5Bb": 1})),
            ("not only ASCII", &["ä[ö].ü"], json!({"ä": {"ö": {"ü": 1}}})),
        ] {
            assert_eq!(decoded(names, Brackets::Nest), expected, "{name}");
        }
    }

    #[test]
    fn in_a_query_words_in_brackets_belong_to_the_name() {
        assert_eq!(decoded(&["a[b]"], Brackets::Stay), json!({"a[b]": 1}));
        assert_eq!(decoded(&["a[1]"], Brackets::Stay), json!({"a": [1]}));
    }

    #[test]
    fn a_name_nests_only_so_deep() {
        for (name, text, expected) in [
            ("as deep as it gets", vec!["a"; MOST_DEPTH].join("."), Ok(())),
            ("deeper, by dots", vec!["a"; MOST_DEPTH + 1].join("."), Err(TooDeep)),
            ("deeper, by brackets", "a".to_owned() + &"[1]".repeat(MOST_DEPTH), Err(TooDeep)),
            ("much deeper", "a".to_owned() + &"[]".repeat(100_000), Err(TooDeep)),
        ] {
            let added = Table::default().add(&text, Node::Leaf(Value::Null), Brackets::Nest);
            assert_eq!(added, expected, "{name}");
        }
    }
}

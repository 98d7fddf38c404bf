//! One entry of a pattern's list: does it hold for a value?

use std::net::IpAddr;

use ipnet::IpNet;
use memchr::memmem;
use serde_json::Value;

/// A text that is matched as it is, or whatever its letters' case.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Text {
    Exact(String),
    AnyCase(String),
}

/// What a text must look like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Look {
    Prefix(Text),
    Suffix(Text),
    Equals(Text),
    Wildcard(Wildcard),
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// Equal; numbers by value.
    Equals(Value),
    Looks(Look),
    /// A value, and none of these.
    NotAny(Vec<Value>),
    /// A value, and none that looks like these.
    LooksNot(Vec<Look>),
    Numeric(Range),
    Cidr(IpNet),
    /// Any value.
    Present,
    /// No value, anywhere at the path of this number.
    Absent(usize),
}

/// Numbers between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Range {
    pub(super) from: Option<Bound>,
    pub(super) to: Option<Bound>,
}

/// An end of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) number: f64,
    pub(super) is_included: bool,
}

/// Pieces with anything in between: `a*b` has two.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wildcard(pub(super) Vec<String>);

impl Test {
    pub(super) fn holds(&self, leaf: &Value) -> bool {
        match self {
            Self::Equals(value) => equal(value, leaf),
            Self::Looks(look) => leaf.as_str().is_some_and(|it| look.fits(it)),
            Self::NotAny(values) => !values.iter().any(|it| equal(it, leaf)),
            Self::LooksNot(looks) => {
                leaf.as_str().is_none_or(|text| !looks.iter().any(|it| it.fits(text)))
            }
            Self::Numeric(range) => leaf.as_f64().is_some_and(|it| range.includes(it)),
            Self::Cidr(network) => {
                let address = leaf.as_str().and_then(|it| it.parse::<IpAddr>().ok());
                address.is_some_and(|it| network.contains(&it))
            }
            Self::Present => true,
            Self::Absent(_) => false,
        }
    }
}

/// Equal; of two numbers their values, however they are written: `300`, `300.0` and `3.0e2`.
fn equal(wanted: &Value, leaf: &Value) -> bool {
    match (wanted, leaf) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        _ => wanted == leaf,
    }
}

/// The letters of a text without their case, each for itself: what stands around a letter must
/// not change it, or the beginning of a text would not be its prefix.
pub(super) fn without_case(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

impl Look {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Prefix(Text::Exact(start)) => text.starts_with(start.as_str()),
            Self::Suffix(Text::Exact(end)) => text.ends_with(end.as_str()),
            Self::Equals(Text::Exact(same)) => text == same,
            Self::Prefix(Text::AnyCase(start)) => {
                let mut letters = without_case(text);
                start.chars().all(|it| letters.next() == Some(it))
            }
            Self::Suffix(Text::AnyCase(end)) => {
                let mut letters = without_case(text).rev();
                end.chars().rev().all(|it| letters.next() == Some(it))
            }
            Self::Equals(Text::AnyCase(same)) => without_case(text).eq(same.chars()),
            Self::Wildcard(wildcard) => wildcard.fits(text, &mut memmem::find),
        }
    }
}

impl Range {
    fn includes(&self, number: f64) -> bool {
        let above =
            self.from.is_none_or(|it| number > it.number || it.is_included && number >= it.number);
        let below =
            self.to.is_none_or(|it| number < it.number || it.is_included && number <= it.number);
        above && below
    }
}

impl Wildcard {
    /// Each piece at the first place where it fits after the one before: where any place fits,
    /// the first does. So each piece is searched for once, behind where the last one was found.
    pub(super) fn fits(
        &self,
        text: &str,
        find: &mut impl FnMut(&[u8], &[u8]) -> Option<usize>,
    ) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, between)) = rest.split_last() else { return text == first };
        let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
        for piece in between {
            match find(left.as_bytes(), piece.as_bytes()) {
                Some(at) => left = &left[at + piece.len()..],
                None => return false,
            }
        }
        left.ends_with(last.as_str())
    }
}

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
    /// No value, anywhere at this path.
    Absent,
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
            Self::Absent => false,
        }
    }
}

/// Equal; of two numbers, their values are compared, as gateways count in doubles.
fn equal(wanted: &Value, leaf: &Value) -> bool {
    match (wanted, leaf) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        _ => wanted == leaf,
    }
}

impl Look {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Prefix(Text::Exact(start)) => text.starts_with(start.as_str()),
            Self::Suffix(Text::Exact(end)) => text.ends_with(end.as_str()),
            Self::Equals(Text::Exact(same)) => text == same,
            Self::Prefix(Text::AnyCase(start)) => text.to_lowercase().starts_with(start.as_str()),
            Self::Suffix(Text::AnyCase(end)) => text.to_lowercase().ends_with(end.as_str()),
            Self::Equals(Text::AnyCase(same)) => text.to_lowercase() == *same,
            Self::Wildcard(wildcard) => wildcard.fits(text),
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
    /// the first does. The time grows with the text, and no faster.
    fn fits(&self, text: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, between)) = rest.split_last() else { return text == first };
        let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
        for piece in between {
            match memmem::find(left.as_bytes(), piece.as_bytes()) {
                Some(at) => left = &left[at + piece.len()..],
                None => return false,
            }
        }
        left.ends_with(last.as_str())
    }
}

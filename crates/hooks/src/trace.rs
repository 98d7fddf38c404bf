//! Which story does this belong to? A trace that somebody began outside goes on through us.
//!
//! An event keeps the `traceparent` that it was posted with (W3C Trace Context, level 1:
//! <https://www.w3.org/TR/trace-context/>). Each attempt is a span of that trace, and its receiver
//! is told so by the same header.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A place in a trace: what a `traceparent` header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

/// Why a text is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent: 00-<32 hexadecimal digits>-<16>-<2> is, with ids that are not zero")]
pub struct TraceParentError;

impl TraceParent {
    /// The place with these ids; `None` where one of them is zero, which means "no id".
    pub fn new(trace: u128, span: u64, is_sampled: bool) -> Option<Self> {
        let is_there = trace != 0 && span != 0;
        is_there.then_some(Self { trace, span, flags: u8::from(is_sampled) })
    }

    /// The trace.
    pub fn trace_id(&self) -> u128 {
        self.trace
    }

    /// The span within it.
    pub fn span_id(&self) -> u64 {
        self.span
    }

    /// Does whoever began the trace record it?
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span: fastrand::u64(1..), ..*self }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    /// Reads version 00, and what is known of later ones.
    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let mut parts = text.split('-');
        let mut next = |len: usize| {
            let part = parts.next().filter(|it| it.len() == len)?;
            let is_hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            let digits = part.bytes().all(is_hex).then_some(part)?;
            u128::from_str_radix(digits, 16).ok()
        };
        let (version, trace, span, flags) = (next(2), next(32), next(16), next(2));
        let has_more = parts.next().is_some();
        let is_known =
            |version: &u128| if has_more { (1..0xff).contains(version) } else { *version < 0xff };
        version.filter(is_known).ok_or(TraceParentError)?;
        let trace = trace.filter(|it| *it != 0).ok_or(TraceParentError)?;
        let span = span.and_then(|it| u64::try_from(it).ok()).filter(|it| *it != 0);
        let flags = flags.and_then(|it| u8::try_from(it).ok());
        // Of the flags only this one means something in version 00.
        let flags = flags.ok_or(TraceParentError)? & 1;
        Ok(Self { trace, span: span.ok_or(TraceParentError)?, flags })
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceParent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_the_specification_allows_is_read() {
        for (name, text, is_one) in [
            ("its example", EXAMPLE, true),
            ("not sampled", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true),
            (
                "a later version, with more",
                "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                true,
            ),
            (
                "version 00 with more",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                false,
            ),
            (
                "the version that none is",
                "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                false,
            ),
            ("a trace of zeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
            ("a span of zeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false),
            ("capital digits", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
            ("a short id", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false),
            ("signs", "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
            ("no flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false),
            ("nothing", "", false),
        ] {
            assert_eq!(text.parse::<TraceParent>().is_ok(), is_one, "{name}");
        }
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        let read: TraceParent = EXAMPLE.parse().unwrap();
        assert_eq!(read.to_string(), EXAMPLE);
        assert_eq!(serde_json::from_str::<TraceParent>(&format!("\"{EXAMPLE}\"")).unwrap(), read);
        assert!(read.is_sampled());
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent: TraceParent = EXAMPLE.parse().unwrap();
        let child = parent.child();
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_ne!(child.span_id(), parent.span_id());
        assert_eq!(child.is_sampled(), parent.is_sampled());
    }
}

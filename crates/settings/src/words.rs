//! Settings that are one of a few words.

use hooks::deliver::DeliveryLog;

/// A setting that is one of a few words.
pub trait Words: Copy + Send + Sync + 'static {
    /// All words that are understood, and what they mean.
    const WORDS: &'static [(&'static str, Self)];

    /// What a word means.
    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(it, _)| *it == word).map(|(_, meaning)| *meaning)
    }
}

/// The algorithm of `x-kong-signature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// As the reference's.
    #[default]
    Sha1,
    /// As newer gateways'.
    Sha256,
}

impl Words for Signature {
    const WORDS: &'static [(&'static str, Self)] =
        &[("sha1", Self::Sha1), ("sha256", Self::Sha256)];
}

/// Something that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

impl Words for Switch {
    /// YAML's older readers make `true` of `on`.
    const WORDS: &'static [(&'static str, Self)] =
        &[("on", Self::On), ("off", Self::Off), ("true", Self::On), ("false", Self::Off)];
}

impl Words for bool {
    const WORDS: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

impl Words for DeliveryLog {
    const WORDS: &'static [(&'static str, Self)] =
        &[("all", Self::All), ("failures", Self::Failures)];
}

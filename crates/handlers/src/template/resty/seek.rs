//! Where is the next one of these?
//!
//! Asked from ever later places, every answer is found with one reading of the text: a text full
//! of tags that nobody closes takes no longer than any other.

use std::collections::HashMap;

/// The longest opening tag of a block; a longer one is text.
const LONGEST_BLOCK_TAG: usize = 128;

/// Remembers where it last found something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Seeker {
    #[default]
    NotAsked,
    At(usize),
    Nowhere,
}

impl Seeker {
    /// The first place of the needle from here on; always the same needle and text, and never a
    /// smaller `from` than before.
    pub(super) fn seek(&mut self, text: &str, needle: &str, from: usize) -> Option<usize> {
        let known = match *self {
            Self::At(at) => at >= from,
            Self::Nowhere => true,
            Self::NotAsked => false,
        };
        if !known {
            let found = text.get(from..).and_then(|rest| rest.find(needle));
            *self = found.map_or(Self::Nowhere, |at| Self::At(from + at));
        }
        match *self {
            Self::At(at) => Some(at),
            Self::Nowhere | Self::NotAsked => None,
        }
    }
}

/// Where the opening tags of blocks stand, by tag: a block ends where its tag stands again.
#[derive(Debug)]
pub(super) struct Twins<'t>(HashMap<&'t str, Vec<usize>>);

impl<'t> Twins<'t> {
    /// All that look like one.
    pub(super) fn of(text: &'t str) -> Self {
        let mut places = HashMap::<_, Vec<_>>::new();
        let (mut from, mut closer) = (0, Seeker::default());
        while let Some(found) = text[from..].find("{-") {
            let open = from + found;
            let Some(close) = closer.seek(text, "-}", open + 2) else { break };
            if close + 2 - open <= LONGEST_BLOCK_TAG {
                places.entry(&text[open..close + 2]).or_default().push(open);
            }
            from = open + 2;
        }
        Self(places)
    }

    /// The first place of this tag from here on.
    pub(super) fn after(&self, tag: &str, from: usize) -> Option<usize> {
        let places = self.0.get(tag)?;
        places.get(places.partition_point(|&place| place < from)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_from_ever_later_on() {
        let mut seeker = Seeker::default();
        for (from, at) in [(0, Some(2)), (2, Some(2)), (3, Some(6)), (7, None), (9, None)] {
            assert_eq!(seeker.seek("ab%}cd%}e", "%}", from), at, "from {from}");
        }
    }

    #[test]
    fn a_blocks_end_is_its_tag_again() {
        let twins = Twins::of("{-a-}{-b-}{-a-}{- a-}");
        for (name, tag, from, at) in [
            ("the first", "{-a-}", 0, Some(0)),
            ("the next", "{-a-}", 5, Some(10)),
            ("no more", "{-a-}", 11, None),
            ("blanks make another tag", "{- a-}", 0, Some(15)),
            ("never seen", "{-c-}", 0, None),
        ] {
            assert_eq!(twins.after(tag, from), at, "{name}");
        }
    }
}

//! What must never be shown: bytes that sign.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A signing secret, as typed. It cannot be printed: `Debug` hides it, there is no `Display`
/// and no `Serialize`; who needs it says [`Secret::expose`], which is easy to search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as the administrator typed it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself: for signing, storing, and the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(***)")
    }
}

/// What a webhook signs with: the present secret, and those it replaced a short while ago.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signing {
    /// The present secret; unsigned where there is none.
    #[serde(with = "stored", default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// At most two replaced ones, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
}

/// A secret that was replaced and still signs beside the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The old secret.
    #[serde(with = "stored")]
    pub secret: Secret,
    /// The end of its grace.
    pub until: Timestamp,
}

impl Signing {
    /// How long a replaced secret goes on signing.
    pub const GRACE: std::time::Duration = std::time::Duration::from_hours(24);
    const MOST_REPLACED: usize = 2;

    /// Signs with `secret` alone.
    pub fn with(secret: Option<Secret>) -> Self {
        Self { secret, replaced: Vec::new() }
    }

    /// What signs after `next` took the place of the present secret: the old one stays on for
    /// [`Self::GRACE`]. Taking the secret away drops all of them at once.
    #[must_use]
    pub fn rotated(self, next: Option<Secret>, now: Timestamp) -> Self {
        if next.is_none() || next == self.secret {
            let replaced = if next.is_none() { Vec::new() } else { self.replaced };
            return Self { secret: next, replaced };
        }
        let leaving = self.secret.map(|secret| Replaced { secret, until: now + Self::GRACE });
        let replaced = leaving
            .into_iter()
            .chain(self.replaced)
            .filter(|old| old.until > now && Some(&old.secret) != next.as_ref())
            .take(Self::MOST_REPLACED)
            .collect();
        Self { secret: next, replaced }
    }

    /// Every secret that signs at `now`, the present one first.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let old = self.replaced.iter().filter(move |old| old.until > now).map(|old| &old.secret);
        self.secret.iter().chain(old)
    }
}

/// How a secret is written into the store, and nowhere else.
mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Secret;

    pub(super) trait Stored: Sized {
        type Text: Serialize + for<'a> Deserialize<'a>;
        fn text(&self) -> Self::Text;
        fn from_text(text: Self::Text) -> Self;
    }

    impl Stored for Secret {
        type Text = String;
        fn text(&self) -> String {
            self.expose().to_owned()
        }
        fn from_text(text: String) -> Self {
            Self::new(text)
        }
    }

    impl Stored for Option<Secret> {
        type Text = Option<String>;
        fn text(&self) -> Option<String> {
            self.as_ref().map(Stored::text)
        }
        fn from_text(text: Option<String>) -> Self {
            text.map(Secret::new)
        }
    }

    pub(super) fn serialize<T: Stored, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        value.text().serialize(to)
    }

    pub(super) fn deserialize<'a, T: Stored, D: Deserializer<'a>>(from: D) -> Result<T, D::Error> {
        T::Text::deserialize(from).map(T::from_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn names(signing: &Signing, at: i64) -> Vec<&str> {
        signing.in_force(Timestamp::from_seconds(at)).map(Secret::expose).collect()
    }

    fn rotate(signing: Signing, to: Option<&str>, at: i64) -> Signing {
        signing.rotated(to.map(Secret::new), Timestamp::from_seconds(at))
    }

    #[test]
    fn a_replaced_secret_signs_for_a_day_beside_the_new_one() {
        let first = Signing::with(Some(Secret::new("a")));
        let second = rotate(first, Some("b"), 0);
        assert_eq!(names(&second, DAY - 1), ["b", "a"]);
        assert_eq!(names(&second, DAY), ["b"], "the grace is over");

        let third = rotate(second.clone(), Some("c"), 10);
        let fourth = rotate(third, Some("d"), 20);
        assert_eq!(names(&fourth, 30), ["d", "c", "b"], "at most two old ones");

        assert_eq!(names(&rotate(second.clone(), Some("b"), 50), 60), ["b", "a"], "no change");
        assert_eq!(names(&rotate(second.clone(), Some("a"), 50), 60), ["a", "b"], "taken back");
        assert!(names(&rotate(second, None, 50), 60).is_empty(), "null drops all");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let signing = Signing::with(Some(Secret::new("canary")));
        assert!(!format!("{signing:?}").contains("canary"));
    }
}

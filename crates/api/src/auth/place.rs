//! Has somebody there shown too many wrong tokens?
//!
//! A place is an IPv4 address, or the /64 that an IPv6 address is in: that is what one customer
//! gets. All of whom it is not known where they are, are at one place.

use std::{
    collections::VecDeque,
    net::IpAddr,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_lock::Mutex as AsyncMutex;
use hooks::time::Timestamp;
use lru::LruCache;

/// Where requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// An address.
    V4([u8; 4]),
    /// The first half of an address.
    V6([u16; 4]),
    /// It is not known where.
    Somewhere,
}

impl Place {
    /// Where this address is.
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        match address.map(|it| it.to_canonical()) {
            None => Self::Somewhere,
            Some(IpAddr::V4(address)) => Self::V4(address.octets()),
            Some(IpAddr::V6(address)) => {
                let [network @ .., _, _, _, _] = address.segments();
                Self::V6(network)
            }
        }
    }
}

/// How many places are remembered: some 2 MB. Beyond that, those are forgotten that nobody asked
/// from for longest.
const MOST_PLACES: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// The places that unknown tokens were shown at, with what was shown there.
pub(super) struct Places(Mutex<LruCache<Place, Arc<AsyncMutex<Guesses>>>>);

impl Default for Places {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST_PLACES)))
    }
}

impl Places {
    /// Whoever holds it shows a token there, and nobody else does.
    pub(super) fn turn(&self, place: Place) -> Arc<AsyncMutex<Guesses>> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.get_or_insert(place, Arc::default))
    }
}

/// When wrong tokens were shown at a place, the latest last.
#[derive(Debug, Default)]
pub(super) struct Guesses(VecDeque<Timestamp>);

impl Guesses {
    /// How many wrong tokens may be shown within [`Self::SPAN`].
    const MOST: usize = 10;
    const SPAN: Duration = Duration::from_mins(1);

    /// How long to wait before the next one may be shown, if that is not now.
    pub(super) fn wait(&mut self, now: Timestamp) -> Option<Duration> {
        self.0.retain(|it| it.distance(now) < Self::SPAN);
        let oldest = self.0.front().filter(|_| self.0.len() >= Self::MOST)?;
        Some((*oldest + Self::SPAN).since(now).unwrap_or(Duration::from_millis(1)))
    }

    /// One more was shown.
    pub(super) fn add(&mut self, now: Timestamp) {
        if self.0.len() >= Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_what_one_customer_has() {
        let place = |text: &str| Place::of(Some(text.parse().unwrap()));
        for (name, one, other, is_same) in [
            ("an address", "192.0.2.1", "192.0.2.1", true),
            ("its neighbour", "192.0.2.1", "192.0.2.2", false),
            ("the same, in IPv6's words", "192.0.2.1", "::ffff:192.0.2.1", true),
            ("in one network", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("in the next one", "2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ] {
            assert_eq!(place(one) == place(other), is_same, "{name}");
        }
        assert_eq!(Place::of(None), Place::Somewhere);
    }

    #[test]
    fn ten_guesses_a_minute_are_free() {
        let at = |seconds: i64| Timestamp::from_seconds(1_000 + seconds);
        let mut guesses = Guesses::default();
        for second in 0..10 {
            assert_eq!(guesses.wait(at(second)), None, "{second}");
            guesses.add(at(second));
        }
        for (name, now, expected) in [
            ("at once", 9, Some(51)),
            ("just before the first is a minute old", 59, Some(1)),
            ("the first is a minute old", 60, None),
            ("so is the second", 61, None),
            ("after a clock was set back", -600, None),
        ] {
            let mut guesses = Guesses(guesses.0.clone());
            assert_eq!(guesses.wait(at(now)), expected.map(Duration::from_secs), "{name}");
        }
        assert_eq!(guesses.wait(at(60)), None);
        guesses.add(at(60));
        assert_eq!(guesses.wait(at(60)), Some(Duration::from_secs(1)), "one for one");
    }

    #[test]
    fn only_so_many_places_are_remembered() {
        let places = Places::default();
        for number in 0..20_000_u32 {
            places.turn(Place::V4(number.to_be_bytes()));
        }
        assert_eq!(places.0.lock().unwrap().len(), 10_000);
    }
}

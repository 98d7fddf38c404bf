//! Who is who: typed ids, so that one kind can never be taken for another.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use uuid::{ContextV7, Uuid};

use crate::time::Timestamp;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id as the UUID that it is.
            pub fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(out)
            }
        }
    };
}

uuid_id! {
    /// A hook, as the admin API names it.
    HookId
}
uuid_id! {
    /// One acceptance of one event. Two posts of the same event are two occurrences;
    /// a redelivered queue message is the same one.
    OccurrenceId
}
uuid_id! {
    /// One event owed to one hook. Receivers see it as `webhook-id`, the same on every attempt.
    DeliveryId
}
uuid_id! {
    /// One `POST /events`: the second part of an event's order.
    RequestId
}
uuid_id! {
    /// A wish to have deliveries sent again.
    RecoveryId
}
uuid_id! {
    /// A message that could not be processed at all.
    PoisonId
}
uuid_id! {
    /// An access token, as the admin API names it. Never the token itself.
    TokenId
}

impl HookId {
    /// A new random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl RecoveryId {
    /// A new random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl TokenId {
    /// A new random id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl OccurrenceId {
    /// A new id that sorts by the time of acceptance (UUID version 7, RFC 9562).
    pub fn at(accepted: Timestamp) -> Self {
        Self(uuid_v7(accepted))
    }
}

impl OccurrenceId {
    /// When it was accepted, by its own word.
    pub fn accepted(&self) -> Option<Timestamp> {
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        let whole = Timestamp::from_seconds(i64::try_from(seconds).ok()?);
        Some(whole + Duration::from_nanos(nanos.into()))
    }
}

impl RequestId {
    /// A new id that sorts by the time of acceptance (UUID version 7, RFC 9562) and, within a
    /// process, after every id that was made before it for that time or an earlier one.
    pub fn at(accepted: Timestamp) -> Self {
        static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());
        let order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = u64::try_from(accepted.as_millis()).unwrap_or(0);
        let nanos = u32::try_from(millis % 1_000).expect("below 1,000") * 1_000_000;
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(&*order, millis / 1_000, nanos)))
    }
}

impl DeliveryId {
    /// The same event owed to the same hook is the same delivery, however often the
    /// queue hands the event over: identity does the deduplication.
    ///
    /// The id (UUID version 8, RFC 9562) says where a ledger keeps the delivery, so that one row
    /// serves who knows the id and who lists a hook's newest: it begins with the time of
    /// acceptance and ends with the [`HookTag`]; the 50 bits between are a hash.
    pub fn of(occurrence: OccurrenceId, hook: HookId, generation: Generation) -> Self {
        let mut name = [0; 24];
        name[..16].copy_from_slice(hook.as_uuid().as_bytes());
        name[16..].copy_from_slice(&generation.0.to_be_bytes());
        let mut bytes = *Uuid::new_v5(occurrence.as_uuid(), &name).as_bytes();
        bytes[..6].copy_from_slice(&occurrence.as_uuid().as_bytes()[..6]);
        bytes[13..].copy_from_slice(&HookTag::of(hook).0);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// When its event was accepted, to the millisecond.
    pub fn accepted(&self) -> Timestamp {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        Timestamp::from_millis(i64::from_be_bytes(bytes))
    }

    /// What it knows of its hook.
    pub fn tag(&self) -> HookTag {
        HookTag(self.0.as_bytes()[13..].try_into().expect("three of sixteen bytes"))
    }
}

/// 24 bits of a hook's id: few hooks share one, and each delivery's id has room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HookTag([u8; 3]);

impl HookTag {
    /// The tag of this hook's deliveries.
    pub fn of(hook: HookId) -> Self {
        let hash = Uuid::new_v5(hook.as_uuid(), b"tag");
        Self(hash.as_bytes()[..3].try_into().expect("three of sixteen bytes"))
    }
}

impl fmt::Display for HookTag {
    /// Six hexadecimal digits.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(out, "{a:02x}{b:02x}{c:02x}")
    }
}

fn uuid_v7(at: Timestamp) -> Uuid {
    let random = u128::from(fastrand::u64(..)) << 64 | u128::from(fastrand::u64(..));
    uuid::Builder::from_unix_timestamp_millis(
        u64::try_from(at.as_millis()).unwrap_or(0),
        random.to_be_bytes()[..10].first_chunk().expect("ten of sixteen bytes"),
    )
    .into_uuid()
}

/// Which life of a hook id this is. An id that was deleted and created again is another
/// hook: what was owed to the first one is cancelled, and its gate memory is not inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(u64);

impl Generation {
    /// A new generation, different from every other one of the same hook id.
    /// It stays below 2^53, so that every JSON reader keeps it exact.
    pub fn random() -> Self {
        Self(fastrand::u64(..1 << 53))
    }

    /// The number.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl From<u64> for Generation {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_delivery_is_the_same_for_the_same_cause_and_another_for_any_other() {
        let of = |occurrence: u128, hook: u128, generation: u64| {
            DeliveryId::of(
                Uuid::from_u128(occurrence).into(),
                Uuid::from_u128(hook).into(),
                generation.into(),
            )
        };
        assert_eq!(of(1, 2, 3), of(1, 2, 3));
        for (name, other) in [
            ("another occurrence", of(9, 2, 3)),
            ("another hook", of(1, 9, 3)),
            ("another generation", of(1, 2, 9)),
        ] {
            assert_ne!(of(1, 2, 3), other, "{name}");
        }
    }

    #[test]
    fn a_delivery_id_says_when_and_whose() {
        let at = Timestamp::from_millis(1_795_255_200_123);
        let (hook, other) = (HookId::from(SOME), HookId::from(Uuid::from_u128(8)));
        let id = DeliveryId::of(OccurrenceId::at(at), hook, 1.into());
        assert_eq!(id.accepted(), at);
        assert_eq!(id.tag(), HookTag::of(hook));
        assert_ne!(HookTag::of(other), HookTag::of(hook));
        assert_eq!(id.as_uuid().get_version_num(), 8);
        let later = OccurrenceId::at(at + Duration::from_millis(1));
        assert!(id < DeliveryId::of(later, other, 9.into()), "they sort by time");
    }

    #[test]
    fn a_delivery_id_has_no_dot_for_it_is_signed_between_dots() {
        let id = DeliveryId::of(SOME.into(), SOME.into(), 1.into());
        assert!(!id.to_string().contains('.'));
    }

    #[test]
    fn occurrence_ids_sort_by_time() {
        let early = OccurrenceId::at(Timestamp::from_millis(1_000));
        let late = OccurrenceId::at(Timestamp::from_millis(1_001));
        assert!(early < late);
        assert_eq!(late.accepted(), Some(Timestamp::from_millis(1_001)));
    }

    #[test]
    fn requests_of_one_millisecond_keep_their_order() {
        let at = Timestamp::from_millis(1_795_255_200_123);
        let ids: Vec<_> = (0..1_000).map(|_| RequestId::at(at)).collect();
        assert!(ids.is_sorted());
        assert!(ids.last() < Some(&RequestId::at(at + Duration::from_millis(1))));
    }
}

//! Where is what? A row's key follows from what the caller knows of it, so that no row is looked
//! for with the help of another one.

use hooks::{
    delivery::Status,
    digest::Digest,
    gate::GateKey,
    id::{DeliveryId, Generation, HookId, HookTag, PoisonId, RecoveryId},
    ports::{Claim, DeliveryQuery},
};
use uuid::Uuid;

use crate::{fault::Fault, item::Key};

/// Over how many partitions the deliveries of a hook are spread: one takes a thousand units of
/// writing a second.
pub(super) const SHARDS: u8 = 8;

/// Where poison is listed.
pub(super) const POISONS: &str = "poison";

/// The row of a delivery. Its id says whose it is and when it was accepted: the rows of a shard
/// are in the order of time.
pub(super) fn delivery(id: DeliveryId) -> Key {
    Key::new(log(id.tag(), shard(id)), id.to_string())
}

/// A shard of the log of all hooks that share this tag.
pub(super) fn log(tag: HookTag, shard: u8) -> String {
    format!("d#{tag}#{shard}")
}

/// What says that a delivery has this status: there is one for each that is not delivered.
pub(super) fn mark(hook: HookId, status: Status, id: DeliveryId) -> Key {
    Key::new(marks(hook, status, shard(id)), id.to_string())
}

/// A shard of what of a hook's has this status.
pub(super) fn marks(hook: HookId, status: Status, shard: u8) -> String {
    format!("i#{hook}#{}#{shard}", status.as_str())
}

/// What of a delivery is kept apart from its row.
pub(super) fn apart(id: DeliveryId) -> String {
    format!("a#{id}")
}

/// The memories of the gates of one life of a hook.
pub(crate) fn gates(hook: HookId, generation: Generation) -> String {
    format!("g#{hook}#{generation}")
}

/// What a gate remembers.
pub(super) fn gate(gate: &GateKey) -> Key {
    Key::new(gates(gate.hook, gate.generation), gate.group.to_string())
}

/// How a hook's receiver is doing.
pub(super) fn health(hook: HookId, generation: Generation) -> Key {
    Key::new(format!("h#{hook}#{generation}"), "health")
}

/// Who claimed this. Keys of events may be longer than keys of rows.
pub(super) fn claim(claim: &Claim) -> Result<Key, Fault> {
    let key = serde_json::to_string(&claim.key)?;
    let digest = Digest::of_texts([claim.workspace.as_str(), claim.source.as_str(), &key]);
    Ok(Key::new(format!("c#{digest}"), "claim"))
}

/// How far a recovery has come.
pub(super) fn recovery(id: RecoveryId) -> Key {
    Key::new(format!("r#{id}"), "recovery")
}

/// What is said of a message that could not be processed.
pub(super) fn poison(id: PoisonId) -> Key {
    Key::new(POISONS, id.to_string())
}

/// The text of such a message, in parts.
pub(super) fn poison_text(id: PoisonId) -> String {
    format!("poison#{id}")
}

/// In which of the shards a delivery is: by bits of the hash in its id.
fn shard(id: DeliveryId) -> u8 {
    id.as_uuid().as_bytes()[12] % SHARDS
}

/// The ids that a page may hold, the first and the last of them included; `None` where there can
/// be none. An id begins with the time of acceptance, to the millisecond.
pub(super) fn ids(query: &DeliveryQuery) -> Option<(String, String)> {
    let first_at = |millis: i64| match u64::try_from(millis) {
        Ok(millis) if millis < 1 << 48 => Some(u128::from(millis) << 80),
        Ok(_) => None,
        Err(_) => Some(0),
    };
    let first = query.since.map_or(Some(0), |it| first_at(it.as_millis()))?;
    let until = query.until.and_then(|it| first_at(it.as_millis()));
    let after = query.page.after.map(|it| it.id.as_uuid().as_u128());
    let last = match until.into_iter().chain(after).min() {
        Some(end) => end.checked_sub(1)?,
        None => u128::MAX,
    };
    let text = |id| Uuid::from_u128(id).to_string();
    (first <= last).then(|| (text(first), text(last)))
}

#[cfg(test)]
mod tests {
    use hooks::{
        id::OccurrenceId,
        ports::{DeliveryCursor, PageRequest},
        time::Timestamp,
    };

    use super::*;

    const LOWEST: &str = "00000000-0000-0000-0000-000000000000";
    const HIGHEST: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

    fn hook() -> HookId {
        Uuid::from_u128(7).into()
    }

    fn id(millis: i64) -> DeliveryId {
        let occurrence = OccurrenceId::at(Timestamp::from_millis(millis));
        DeliveryId::of(occurrence, hook(), 1.into())
    }

    #[test]
    fn keys_are_what_the_table_in_the_architecture_says() {
        let id: DeliveryId = "01a201ea-5c00-8123-8456-78905abbccdd".parse().unwrap();
        let hook = "00000000-0000-0000-0000-000000000007";
        let generation = Generation::from(5);
        for (key, pk, sk) in [
            (delivery(id), "d#bbccdd#2".to_owned(), id.to_string()),
            (mark(self::hook(), Status::Parked, id), format!("i#{hook}#parked#2"), id.to_string()),
            (health(self::hook(), generation), format!("h#{hook}#5"), "health".to_owned()),
        ] {
            assert_eq!((key.pk, key.sk), (pk, sk));
        }
        assert_eq!(gates(self::hook(), generation), format!("g#{hook}#5"));
        assert_eq!(apart(id), format!("a#{id}"));
    }

    #[test]
    fn deliveries_are_spread_evenly_over_the_shards() {
        let mut counts = [0; SHARDS as usize];
        for millis in 0..8_000 {
            counts[usize::from(shard(id(millis)))] += 1;
        }
        assert!(counts.iter().all(|it| (850..1_150).contains(it)), "{counts:?}");
    }

    #[test]
    fn keys_of_any_length_are_claimed_by_a_short_one_of_their_own() {
        let claimed = |workspace: &str, key: String| {
            claim(&Claim {
                workspace: hooks::name::Workspace::parse(workspace).unwrap(),
                source: hooks::name::SourceName::parse("crud").unwrap(),
                key: hooks::event::EventKey::Id(key),
                owner: OccurrenceId::at(Timestamp::from_millis(0)),
                at: Timestamp::from_millis(0),
                until: Timestamp::from_millis(1),
            })
            .unwrap()
        };
        let long = claimed("default", "x".repeat(100_000));
        assert!(long.pk.len() < 100, "{}", long.pk);
        assert_ne!(long, claimed("default", "x".repeat(100_001)));
        assert_ne!(long, claimed("other", "x".repeat(100_000)));
    }

    #[test]
    fn a_page_holds_the_ids_from_its_beginning_to_its_end_or_its_cursor() {
        let at = Timestamp::from_millis;
        let cursor = |id: DeliveryId| DeliveryCursor { accepted: id.accepted(), id };
        let (early, late) = (id(1_000), id(2_000));
        let before = |id: DeliveryId| Uuid::from_u128(id.as_uuid().as_u128() - 1).to_string();
        let second = "00000000-03e8-0000-0000-000000000000";
        let last_before_it = "00000000-03e7-ffff-ffff-ffffffffffff";
        let own = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        for (name, since, until, after, expected) in [
            ("everything", None, None, None, own(LOWEST, HIGHEST)),
            ("since a second", Some(1_000), None, None, own(second, HIGHEST)),
            ("until a second", None, Some(1_000), None, own(LOWEST, last_before_it)),
            ("below a cursor", None, None, Some(late), own(LOWEST, &before(late))),
            ("a cursor beyond the end", None, Some(1_000), Some(late), own(LOWEST, last_before_it)),
            ("a cursor below the end", None, Some(9_000), Some(early), own(LOWEST, &before(early))),
            ("an end at the beginning", Some(1_000), Some(1_000), None, None),
            ("an end before the beginning", Some(2_000), Some(1_000), None, None),
            ("a cursor before the beginning", Some(2_000), None, Some(early), None),
            ("since before all time", Some(i64::MIN), None, None, own(LOWEST, HIGHEST)),
            ("until before all time", None, Some(-5), None, None),
            ("since after all time", Some(i64::MAX), None, None, None),
            ("until after all time", None, Some(i64::MAX), None, own(LOWEST, HIGHEST)),
            ("below the lowest id", None, None, Some(LOWEST.parse().unwrap()), None),
        ] {
            let page = PageRequest { size: 10, after: after.map(cursor) };
            let (since, until) = (since.map(at), until.map(at));
            let query = DeliveryQuery { hook: hook(), status: None, since, until, page };
            assert_eq!(ids(&query), expected, "{name}");
        }
    }
}

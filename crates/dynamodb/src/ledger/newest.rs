//! What comes next, of rows that are spread over shards? The newest of what stands first in each.

use std::collections::VecDeque;

use futures_util::future::try_join_all;
use hooks::{id::DeliveryId, ports::PortResult};

use super::{WHAT, entry, keys::SHARDS};
use crate::{
    Dynamo, Table,
    fault::Fault,
    item::Item,
    requests::{Found, Range, Sort},
};

/// So many requests make a page, however few of the rows are wanted; each reads a megabyte at
/// most. The rest is for the next page.
const MOST_REQUESTS: usize = 64;

/// Each time that more of a shard is asked for, it is so many times as much.
const GROWTH: usize = 4;

/// Shards, read side by side.
pub(super) struct Newest<'a> {
    dynamo: &'a Dynamo,
    shards: Vec<Shard>,
    requests: usize,
}

struct Shard {
    range: Range,
    /// Read, and not handed out.
    read: VecDeque<(DeliveryId, Item)>,
    rest: Rest,
}

/// What of a shard was not read.
enum Rest {
    All,
    /// What comes after this id, which has this key.
    Below(DeliveryId, Item),
    Nothing,
}

/// The next rows.
pub(super) struct Taken {
    /// In their order.
    pub(super) rows: Vec<Item>,
    /// What follows them.
    pub(super) then: Then,
}

/// What follows.
#[derive(Debug, PartialEq)]
pub(super) enum Then {
    /// More of it, perhaps.
    More,
    /// Nothing.
    End,
    /// Whatever is older than this: enough was read for one page.
    Older(DeliveryId),
}

impl<'a> Newest<'a> {
    /// The rows of these partitions from the last of these ids to the first, of which about so many
    /// are wanted.
    pub(super) fn of(
        dynamo: &'a Dynamo,
        partitions: impl Iterator<Item = String>,
        (first, last): (String, String),
        attributes: &'static [&'static str],
        wanted: usize,
    ) -> Self {
        let shard = |pk| Shard {
            range: Range {
                pk,
                sort: Sort::Between(first.clone(), last.clone()),
                limit: Some(share(wanted)),
                descending: true,
                attributes,
            },
            read: VecDeque::new(),
            rest: Rest::All,
        };
        Self { dynamo, shards: partitions.map(shard).collect(), requests: 0 }
    }

    /// The next rows, so many at most.
    pub(super) async fn take(&mut self, most: usize) -> PortResult<Taken> {
        let mut rows = Vec::new();
        while rows.len() < most {
            while self.shards.iter().any(Shard::is_to_be_read) && self.requests < MOST_REQUESTS {
                self.read().await?;
            }
            match next_of(&mut self.shards) {
                Ok(row) => rows.push(row),
                Err(then) => return Ok(Taken { rows, then }),
            }
        }
        Ok(Taken { rows, then: Then::More })
    }

    /// Reads more of each shard of which it is not known what comes next.
    async fn read(&mut self) -> PortResult<()> {
        let shards = self.shards.iter_mut().filter(|it| it.is_to_be_read());
        let reading: Vec<_> = shards.map(|it| it.read_more(self.dynamo)).collect();
        self.requests += reading.len();
        try_join_all(reading).await.map(drop)
    }
}

impl Shard {
    fn is_to_be_read(&self) -> bool {
        self.read.is_empty() && !matches!(self.rest, Rest::Nothing)
    }

    async fn read_more(&mut self, dynamo: &Dynamo) -> PortResult<()> {
        let from = match &self.rest {
            Rest::Below(_, key) => Some(key.clone()),
            Rest::All | Rest::Nothing => None,
        };
        let found = dynamo.query_once(WHAT, Table::Ledger, &self.range, from).await?;
        self.take_in(found).map_err(|it| it.of(WHAT))
    }

    fn take_in(&mut self, Found { items, rest }: Found) -> Result<(), Fault> {
        for item in items {
            self.read.push_back((entry::id(&item)?, item));
        }
        self.rest = match rest {
            Some(key) => Rest::Below(entry::id(&key)?, key),
            None => Rest::Nothing,
        };
        self.range.limit = self.range.limit.map(|it| it.saturating_mul(GROWTH));
        Ok(())
    }

    /// The newest id that was read, and not handed out.
    fn first(&self) -> Option<DeliveryId> {
        self.read.front().map(|(id, _)| *id)
    }

    /// The id that was read last, where it is not known what comes next.
    fn unread_below(&self) -> Option<DeliveryId> {
        match &self.rest {
            Rest::Below(id, _) if self.read.is_empty() => Some(*id),
            _ => None,
        }
    }
}

/// The newest of what stands first in each shard, unless something newer may not have been read.
fn next_of(shards: &mut [Shard]) -> Result<Item, Then> {
    let unread = shards.iter().filter_map(Shard::unread_below).max();
    let newest = shards.iter_mut().max_by_key(|it| it.first());
    let newest = newest.filter(|it| it.first() > unread).and_then(|it| it.read.pop_front());
    newest.map(|(_, row)| row).ok_or(unread.map_or(Then::End, Then::Older))
}

/// How many of so many rows to ask a shard for: what it has of them on average, and so much more
/// that it seldom has to be asked again.
fn share(wanted: usize) -> usize {
    let average = wanted.div_ceil(SHARDS.into());
    average + 2 * average.isqrt() + 1
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::item::{Key, Row};

    fn row(id: u128) -> Item {
        Row::at(&Key::new("a shard", Uuid::from_u128(id).to_string())).into_item()
    }

    /// A shard of which these were read, and what is below the last of them was not, if that is so.
    fn shard(read: &[u128], is_more: bool) -> Shard {
        let range = Range { limit: Some(10), ..Range::default() };
        let mut shard = Shard { range, read: VecDeque::new(), rest: Rest::All };
        let items: Vec<_> = read.iter().copied().map(row).collect();
        let rest = items.last().cloned().filter(|_| is_more);
        shard.take_in(Found { items, rest }).unwrap();
        shard
    }

    #[test]
    fn what_may_have_something_newer_before_it_is_left_for_the_next_page() {
        for (name, shards, expected, then) in [
            ("nothing", vec![shard(&[], false)], &[][..], Then::End),
            ("one shard", vec![shard(&[3, 2, 1], false)], &[3, 2, 1], Then::End),
            (
                "several",
                vec![shard(&[8, 2], false), shard(&[], false), shard(&[9, 5, 1], false)],
                &[9, 8, 5, 2, 1],
                Then::End,
            ),
            (
                "one is not read to its end",
                vec![shard(&[8, 6], true), shard(&[9, 7, 5, 1], false)],
                &[9, 8, 7, 6],
                Then::Older(Uuid::from_u128(6).into()),
            ),
            (
                "two are not",
                vec![shard(&[8, 3], true), shard(&[9, 7], true), shard(&[6], false)],
                &[9, 8, 7],
                Then::Older(Uuid::from_u128(7).into()),
            ),
        ] {
            let mut shards = shards;
            for id in expected {
                assert_eq!(next_of(&mut shards), Ok(row(*id)), "{name}");
            }
            assert_eq!(next_of(&mut shards), Err(then), "{name}");
        }
    }

    #[test]
    fn each_time_a_shard_is_asked_for_more() {
        let mut shard = shard(&[3], true);
        assert_eq!(shard.range.limit, Some(10 * GROWTH));
        shard.take_in(Found { items: vec![row(2)], rest: None }).unwrap();
        assert_eq!(shard.range.limit, Some(10 * GROWTH * GROWTH));
        assert!(!shard.is_to_be_read());
    }

    #[test]
    fn a_shard_is_asked_for_its_share_and_some_more() {
        for (wanted, expected) in [(1, 4), (2, 4), (26, 9), (101, 20), (1_001, 149)] {
            assert_eq!(share(wanted), expected, "{wanted}");
        }
    }
}

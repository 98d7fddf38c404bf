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
            let unread = self.shards.iter().filter_map(Shard::unread_below).max();
            let newest = self.shards.iter_mut().max_by_key(|it| it.first());
            match (newest.filter(|it| it.first() > unread), unread) {
                (Some(shard), _) => rows.extend(shard.read.pop_front().map(|(_, row)| row)),
                (None, Some(id)) => return Ok(Taken { rows, then: Then::Older(id) }),
                (None, None) => return Ok(Taken { rows, then: Then::End }),
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

/// How many of so many rows to ask a shard for: what it has of them on average, and so much more
/// that it seldom has to be asked again.
fn share(wanted: usize) -> usize {
    let average = wanted.div_ceil(SHARDS.into());
    average + 2 * average.isqrt() + 1
}

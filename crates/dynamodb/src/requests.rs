//! How is a table asked? Always consistently, and until the whole answer is there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, TransactWriteItem, WriteRequest,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hooks::ports::PortResult;
use uuid::Uuid;

use crate::{
    Dynamo, Table,
    fault::{Fault, Patience, insisting},
    item::{Item, Key},
    tables::{PARTITION_KEY, SORT_KEY},
};

/// `DynamoDB`'s: the most keys in one request for items.
const MOST_KEYS: usize = 100;

/// `DynamoDB`'s: the most items in one batch of writes.
const MOST_WRITES: usize = 25;

/// How many requests of one call are under way at a time.
const AT_ONCE: usize = 4;

/// A part of a partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    /// The partition.
    pub(crate) pk: String,
    /// Which of its sort keys.
    pub(crate) sort: Sort,
    /// How many items at most; all, where it does not say.
    pub(crate) limit: Option<usize>,
    /// The last ones first?
    pub(crate) descending: bool,
    /// Only these attributes, and the keys; everything, where there are none.
    pub(crate) attributes: &'static [&'static str],
}

/// Which sort keys of a partition, in the order of their bytes.
#[derive(Debug, Clone, Default)]
pub(crate) enum Sort {
    /// All of them.
    #[default]
    All,
    /// Those that come after this one.
    After(String),
    /// Those from this one to that one, which are among them.
    Between(String, String),
}

impl Sort {
    /// The condition, and the values that it names.
    fn condition(&self) -> (&'static str, Vec<(&'static str, &str)>) {
        match self {
            Self::All => ("pk = :pk", vec![]),
            Self::After(sk) => ("pk = :pk AND sk > :a", vec![(":a", sk)]),
            Self::Between(from, to) => {
                ("pk = :pk AND sk BETWEEN :a AND :b", vec![(":a", from), (":b", to)])
            }
        }
    }
}

/// What one request for a range answered.
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    /// Where the range goes on, if it does.
    pub(crate) rest: Option<Item>,
}

impl Dynamo {
    /// One item.
    pub(crate) async fn get(
        &self,
        what: &'static str,
        table: Table,
        key: &Key,
    ) -> PortResult<Option<Item>> {
        let request = self.client.get_item().table_name(self.tables.name(table));
        let request = request.set_key(Some(key.item())).consistent_read(true);
        Ok(request.send().await.map_err(|it| Fault::from(it).of(what))?.item)
    }

    /// Items in the order of their keys, each of which may be asked for more than once.
    pub(crate) async fn get_all(
        &self,
        what: &'static str,
        table: Table,
        keys: &[Key],
    ) -> PortResult<Vec<Option<Item>>> {
        let mut distinct: Vec<&Key> = keys.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let chunks: Vec<Vec<Item>> =
            distinct.chunks(MOST_KEYS).map(|it| it.iter().map(|it| it.item()).collect()).collect();
        let found: Vec<Vec<Item>> = stream::iter(chunks)
            .map(|chunk| self.get_chunk(what, table, chunk))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut by_key = HashMap::new();
        for item in found.into_iter().flatten() {
            by_key.insert(Key::of(&item).map_err(|it| it.of(what))?, item);
        }
        Ok(keys.iter().map(|key| by_key.get(key).cloned()).collect())
    }

    /// What of these there is. `DynamoDB` answers what it has the throughput for, and 16 MB at most.
    async fn get_chunk(
        &self,
        what: &'static str,
        table: Table,
        mut keys: Vec<Item>,
    ) -> PortResult<Vec<Item>> {
        let table = self.tables.name(table);
        let (mut found, mut patience) = (Vec::new(), Patience::default());
        loop {
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true);
            let wanted = wanted.build().expect("it has keys");
            let answer = self.client.batch_get_item().request_items(table, wanted).send().await;
            let answer = answer.map_err(|it| Fault::from(it).of(what))?;
            let items = answer.responses.unwrap_or_default().remove(table).unwrap_or_default();
            let left = answer.unprocessed_keys.unwrap_or_default().remove(table);
            keys = left.map(|it| it.keys).unwrap_or_default();
            if keys.is_empty() {
                found.extend(items);
                return Ok(found);
            }
            if items.is_empty() {
                patience.wait("keys were left out".into()).await.map_err(|it| it.of(what))?;
            } else {
                patience = Patience::default();
            }
            found.extend(items);
        }
    }

    /// A range, as far as its limit; every request of it may add a megabyte.
    pub(crate) async fn query(
        &self,
        what: &'static str,
        table: Table,
        range: &Range,
    ) -> PortResult<Vec<Item>> {
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let left = range.limit.map(|limit| limit - all.len());
            let part = Range { limit: left, ..range.clone() };
            let Found { items, rest } = self.query_once(what, table, &part, from).await?;
            all.extend(items);
            let is_full = range.limit.is_some_and(|limit| all.len() >= limit);
            if is_full || rest.is_none() {
                return Ok(all);
            }
            from = rest;
        }
    }

    /// As much of a range as one request answers: a megabyte, or up to its limit.
    pub(crate) async fn query_once(
        &self,
        what: &'static str,
        table: Table,
        range: &Range,
        from: Option<Item>,
    ) -> PortResult<Found> {
        let (condition, values) = range.sort.condition();
        let mut request = self
            .client
            .query()
            .table_name(self.tables.name(table))
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()))
            .scan_index_forward(!range.descending)
            .set_limit(range.limit.map(|it| i32::try_from(it).unwrap_or(i32::MAX)))
            .set_exclusive_start_key(from)
            .consistent_read(true);
        for (name, value) in values {
            request = request.expression_attribute_values(name, AttributeValue::S(value.into()));
        }
        if !range.attributes.is_empty() {
            let mut names = Vec::new();
            for (number, name) in
                [PARTITION_KEY, SORT_KEY].iter().chain(range.attributes).enumerate()
            {
                names.push(format!("#{number}"));
                request = request.expression_attribute_names(format!("#{number}"), *name);
            }
            request = request.projection_expression(names.join(", "));
        }
        let answer = request.send().await.map_err(|it| Fault::from(it).of(what))?;
        let rest = answer.last_evaluated_key.filter(|it| !it.is_empty());
        Ok(Found { items: answer.items.unwrap_or_default(), rest })
    }

    /// Writes all of it or nothing. However often it has to be asked for, it happens once:
    /// `DynamoDB` knows a transaction that it has carried out by its token, and answers as it did
    /// the first time.
    pub(crate) async fn transact(
        &self,
        what: &'static str,
        writes: Vec<TransactWriteItem>,
    ) -> PortResult<()> {
        let request = self
            .client
            .transact_write_items()
            .client_request_token(Uuid::new_v4().to_string())
            .set_transact_items(Some(writes));
        insisting(what, || {
            let request = request.clone();
            async { request.send().await.map(drop).map_err(Fault::of_transaction) }
        })
        .await
    }

    /// Deletes items, in no order, and not in one step.
    pub(crate) async fn delete_all(
        &self,
        what: &'static str,
        table: Table,
        keys: &[Key],
    ) -> PortResult<()> {
        stream::iter(keys.chunks(MOST_WRITES))
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, |chunk| self.delete_chunk(what, table, chunk))
            .await
    }

    async fn delete_chunk(&self, what: &'static str, table: Table, keys: &[Key]) -> PortResult<()> {
        let table = self.tables.name(table);
        let delete = |key: &Key| {
            let delete = DeleteRequest::builder().set_key(Some(key.item()));
            let delete = delete.build().expect("it has a key");
            WriteRequest::builder().delete_request(delete).build()
        };
        let mut writes: Vec<_> = keys.iter().map(delete).collect();
        let mut patience = Patience::default();
        loop {
            let answer = self.client.batch_write_item().request_items(table, writes).send().await;
            let answer = answer.map_err(|it| Fault::from(it).of(what))?;
            writes = answer.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
            if writes.is_empty() {
                return Ok(());
            }
            patience.wait("writes were left out".into()).await.map_err(|it| it.of(what))?;
        }
    }
}

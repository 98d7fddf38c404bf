//! Which deliveries does a hook have? Newest first, page by page, and how many they are.
//!
//! What was delivered, and everything together, is read from the rows themselves. What has any
//! other status is marked, and its rows are looked up by their marks: there may be a few such among
//! a million of others.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hooks::{
    delivery::Status,
    id::{DeliveryId, HookTag},
    ports::{DeliveryCursor, DeliveryEntry, DeliveryQuery, Page, PageRequest, PortResult},
    time::Timestamp,
};

use super::{
    WHAT, age,
    entry::{self, LISTED},
    keys::{self, SHARDS},
    newest::{Newest, Taken, Then},
};
use crate::{
    Dynamo, Table,
    fault::Fault,
    item::{Item, number_of},
    requests::{Range, Sort},
};

/// A page ends after the row with which it reaches this.
const MOST_BYTES: usize = 1024 * 1024;

/// How many rows of a page are looked at, or looked up by their marks, at a time.
const AT_A_TIME: usize = 400;

/// Is what has this status marked, so that it is found among others?
fn marked(status: Option<Status>) -> Option<Status> {
    status.filter(|it| *it != Status::Delivered)
}

/// The partitions that a query is about.
pub(super) fn partitions(query: &DeliveryQuery) -> impl Iterator<Item = String> + use<> {
    let (hook, marked) = (query.hook, marked(query.status));
    (0..SHARDS).map(move |shard| match marked {
        Some(status) => keys::marks(hook, status, shard),
        None => keys::log(HookTag::of(hook), shard),
    })
}

/// A page in the making.
struct Filling<'a> {
    query: &'a DeliveryQuery,
    now: Timestamp,
    items: Vec<DeliveryEntry>,
    bytes: usize,
}

impl Filling<'_> {
    /// Takes a row that is wanted; answers whether one was that does not fit on the page any more.
    fn takes(&mut self, row: &Item) -> Result<bool, Fault> {
        if !is_wanted(row, self.query, self.now)? {
            return Ok(false);
        }
        if self.items.len() >= self.query.page.size.max(1) || self.bytes >= MOST_BYTES {
            return Ok(true);
        }
        let listed = entry::listed(row)?;
        let sizes = LISTED.iter().filter_map(|name| row.get(*name)?.as_s().ok());
        self.bytes += sizes.map(String::len).sum::<usize>();
        self.items.push(listed);
        Ok(false)
    }

    /// The page, where more follows it.
    fn with_more(self) -> Page<DeliveryEntry, DeliveryCursor> {
        let next = self.items.last().map(|it| cursor(it.id));
        Page { items: self.items, next }
    }
}

/// What comes after this delivery.
fn cursor(id: DeliveryId) -> DeliveryCursor {
    DeliveryCursor { accepted: id.accepted(), id }
}

/// Is this what was asked for? Rows of other hooks may share its partition.
fn is_wanted(row: &Item, query: &DeliveryQuery, now: Timestamp) -> Result<bool, Fault> {
    let status = entry::progress(row)?.status;
    Ok(age::lives(row, now)?
        && entry::hook(row)? == query.hook
        && query.status.is_none_or(|it| it == status))
}

impl Dynamo {
    /// A page of a hook's log.
    pub(super) async fn page(
        &self,
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> PortResult<Page<DeliveryEntry, DeliveryCursor>> {
        let Some(ids) = keys::ids(query) else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let is_marked = marked(query.status).is_some();
        let attributes = if is_marked { &["ends"] } else { LISTED };
        let wanted = query.page.size.max(1).saturating_add(1);
        let mut newest = Newest::of(self, partitions(query), ids, attributes, wanted);
        let mut page = Filling { query, now, items: Vec::new(), bytes: 0 };
        loop {
            let most = (wanted - page.items.len()).min(AT_A_TIME);
            let Taken { mut rows, then } = newest.take(most).await?;
            if is_marked {
                rows = self.marked_rows(&rows).await?;
            }
            for row in &rows {
                if page.takes(row).map_err(|it| it.of(WHAT))? {
                    return Ok(page.with_more());
                }
            }
            let next = match then {
                Then::More => continue,
                Then::Older(id) => Some(cursor(id)),
                Then::End => None,
            };
            return Ok(Page { items: page.items, next });
        }
    }

    /// The rows that these marks are about, as far as they are there.
    async fn marked_rows(&self, marks: &[Item]) -> PortResult<Vec<Item>> {
        let key = |mark: &Item| entry::id(mark).map(keys::delivery);
        let keys: Vec<_> =
            marks.iter().map(key).collect::<Result<_, _>>().map_err(|it| it.of(WHAT))?;
        let rows = self.get_all(WHAT, Table::Ledger, &keys).await?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// How many deliveries a query would list, on whichever page.
    pub(super) async fn count_all(&self, query: &DeliveryQuery, now: Timestamp) -> PortResult<u64> {
        let whole = PageRequest { size: 1, after: None };
        let query = &DeliveryQuery { page: whole, ..query.clone() };
        let Some(ids) = &keys::ids(query) else { return Ok(0) };
        let counts: Vec<u64> = stream::iter(partitions(query))
            .map(|partition| self.count_shard(partition, ids, query, now))
            .buffer_unordered(SHARDS.into())
            .try_collect()
            .await?;
        Ok(counts.into_iter().sum())
    }

    async fn count_shard(
        &self,
        partition: String,
        ids: &(String, String),
        query: &DeliveryQuery,
        now: Timestamp,
    ) -> PortResult<u64> {
        let is_marked = marked(query.status).is_some();
        let filter = Filter::of(query, now);
        let Counted { found, looked_at } = self.count_rows(&partition, ids, &filter).await?;
        if !is_marked || found == looked_at {
            return Ok(found);
        }
        // Marks that have ended, or whose row is kept for longer than they say.
        let range = Range {
            pk: partition,
            sort: Sort::Between(ids.0.clone(), ids.1.clone()),
            attributes: &["ends"],
            ..Range::default()
        };
        let mut marks = self.query(WHAT, Table::Ledger, &range).await?;
        let has_ended = |mark: &Item| age::lives(mark, now).is_ok_and(|lives| !lives);
        marks.retain(has_ended);
        let rows = self.marked_rows(&marks).await?;
        let wanted: Result<Vec<_>, _> = rows.iter().map(|row| is_wanted(row, query, now)).collect();
        let wanted = wanted.map_err(|it| it.of(WHAT))?;
        Ok(found + wanted.iter().filter(|it| **it).count() as u64)
    }

    /// How many rows of a partition there are like this, of how many.
    async fn count_rows(
        &self,
        partition: &str,
        (first, last): &(String, String),
        filter: &Filter,
    ) -> PortResult<Counted> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let request = self
            .client
            .query()
            .table_name(self.tables.name(Table::Ledger))
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .filter_expression(filter.text)
            .set_expression_attribute_names(filter.names.clone())
            .set_expression_attribute_values(Some(filter.values.clone()))
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .select(Select::Count)
            .consistent_read(true);
        let (mut counted, mut from) = (Counted::default(), None);
        loop {
            let answer = request.clone().set_exclusive_start_key(from).send().await;
            let answer = answer.map_err(|it| Fault::from(it).of(WHAT))?;
            counted.found += u64::try_from(answer.count).unwrap_or(0);
            counted.looked_at += u64::try_from(answer.scanned_count).unwrap_or(0);
            from = answer.last_evaluated_key.filter(|it| !it.is_empty());
            if from.is_none() {
                return Ok(counted);
            }
        }
    }
}

/// What `DynamoDB` counted.
#[derive(Default)]
struct Counted {
    found: u64,
    looked_at: u64,
}

/// Which rows `DynamoDB` counts.
struct Filter {
    text: &'static str,
    names: Option<HashMap<String, String>>,
    values: HashMap<String, AttributeValue>,
}

impl Filter {
    /// Those that a query is about, or their marks.
    fn of(query: &DeliveryQuery, now: Timestamp) -> Self {
        let mut values = HashMap::from([(":now".to_owned(), number_of(now.as_millis()))]);
        let mut names = None;
        let text = match query.status {
            Some(Status::Delivered) => {
                names = Some(HashMap::from([("#status".to_owned(), "status".to_owned())]));
                let status = Status::Delivered.as_str().to_owned();
                values.insert(":status".to_owned(), AttributeValue::S(status));
                "ends > :now AND hook = :hook AND #status = :status"
            }
            None => "ends > :now AND hook = :hook",
            Some(_) => return Self { text: "ends > :now", names, values },
        };
        values.insert(":hook".to_owned(), AttributeValue::S(query.hook.to_string()));
        Self { text, names, values }
    }
}

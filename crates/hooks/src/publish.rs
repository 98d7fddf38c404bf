//! Takes events in: accepted means on the queue.
//!
//! A request is taken whole or not at all: one unknown event refuses all of them, before anything
//! is sent. When a send fails in the middle, some events may run although the answer is an error;
//! the caller repeats, and with ids of their own nothing runs twice.

mod lots;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    access::By,
    audit::{self, Change},
    catalog::{self, Catalog, EventSpec, Published},
    event::{Data, Event, EventKey, Order},
    id::{OccurrenceId, RequestId},
    name::{EventName, SourceName, Workspace},
    ports::{CatalogStore, Clock, PortError, PortResult, TaskQueue},
    publish::lots::Lots,
    time::Timestamp,
    trace::TraceParent,
};

/// An event as somebody posts it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The action that caused it.
    pub source: SourceName,
    /// Its name within the source.
    pub event: EventName,
    /// Everything else about it.
    pub data: Data,
    /// What makes two posts of it the same event.
    pub id: Option<String>,
    /// When it happened, by the caller's clock.
    pub time: Option<Timestamp>,
    /// The process that saw it.
    pub pid: Option<i64>,
}

/// What a request says of all its events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Posting<'a> {
    /// The request's own idempotency key, for events without an id.
    pub key: Option<&'a str>,
    /// The trace that it is part of.
    pub trace: Option<TraceParent>,
}

/// Why a request was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Some of its events are not in the catalog; none was taken.
    #[error("{} of the events are not in the catalog", .0.len())]
    Unknown(Vec<UnknownEvent>),
    /// It could not be brought onto the queue, not all of it at least.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// An event that nobody published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    /// Its place in the request.
    pub index: usize,
    /// What is wrong and what to do, naming it.
    pub message: String,
}

/// Takes events in.
pub struct Publisher {
    store: Arc<dyn CatalogStore>,
    clock: Arc<dyn Clock>,
    catalog: Mutex<Known>,
    lots: Lots,
}

/// The catalog, and when it was read.
struct Known {
    catalog: Arc<Catalog>,
    read: Timestamp,
}

impl Publisher {
    /// The largest message that events are packed into, where they fit: what SQS bills as one request.
    pub const PACK_BYTES: usize = 64 * 1024;
    /// How long what was read of the catalog is enough to accept by.
    const TRUSTED: Duration = Duration::from_secs(10);

    /// Publishes to `queue` what `store` knows.
    pub fn new(
        store: Arc<dyn CatalogStore>,
        queue: Arc<dyn TaskQueue>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let known = Known { catalog: Arc::default(), read: Timestamp::from_millis(0) };
        Self { store, clock, catalog: Mutex::new(known), lots: Lots::new(queue) }
    }

    /// Accepts the events of one request, in order, and answers who they are.
    pub async fn publish(
        &self,
        workspace: &Workspace,
        events: Vec<NewEvent>,
        posting: Posting<'_>,
    ) -> Result<Vec<OccurrenceId>, PublishError> {
        self.refuse_unknown(&events).await?;
        let mut ids = Vec::with_capacity(events.len());
        let sent = self.lots.send(self.clock.now(), |at| {
            let events = accept(workspace, events, posting, at);
            ids.extend(events.iter().map(|event| event.id));
            events
        });
        sent.await?;
        metrics::counter!("event_hooks_accepted_total").increment(ids.len() as u64);
        Ok(ids)
    }

    /// Refuses events that are not in the catalog. What was read in the last ten seconds is enough
    /// to accept; the catalog is read again before anything is refused.
    pub async fn refuse_unknown(&self, events: &[NewEvent]) -> Result<(), PublishError> {
        let now = self.clock.now();
        let known = {
            let known = self.catalog.lock().unwrap_or_else(PoisonError::into_inner);
            (known.read.distance(now) < Self::TRUSTED).then(|| Arc::clone(&known.catalog))
        };
        if known.is_some_and(|known| unknown(&known, events).is_empty()) {
            return Ok(());
        }
        let fresh = Arc::new(Catalog::with(self.store.published().await?));
        let catalog = Arc::clone(&fresh);
        *self.catalog.lock().unwrap_or_else(PoisonError::into_inner) = Known { catalog, read: now };
        match unknown(&fresh, events) {
            none if none.is_empty() => Ok(()),
            some => Err(PublishError::Unknown(some)),
        }
    }
}

fn unknown(catalog: &Catalog, events: &[NewEvent]) -> Vec<UnknownEvent> {
    let mut judged = HashMap::new();
    let unknown = events.iter().enumerate().filter(|(_, it)| {
        !*judged
            .entry((&it.source, &it.event))
            .or_insert_with(|| catalog.knows(&it.source, &it.event))
    });
    unknown
        .map(|(index, NewEvent { source, event, .. })| UnknownEvent {
            index,
            message: format!(
                "event '{event}' of source '{source}' is not in the catalog; \
                 publish it with PUT /event-hooks/sources/{{source}}/{{event}}"
            ),
        })
        .collect()
}

/// Gives events their identity and order.
pub(crate) fn accept(
    workspace: &Workspace,
    events: Vec<NewEvent>,
    posting: Posting<'_>,
    now: Timestamp,
) -> Vec<Event> {
    let request = RequestId::at(now);
    let key = |id: Option<String>, index: u32| match (id, posting.key) {
        (Some(id), _) => Some(EventKey::Id(id)),
        (None, Some(key)) => Some(EventKey::Request { key: key.to_owned(), index }),
        (None, None) => None,
    };
    events
        .into_iter()
        .zip(0..)
        .map(|(new, index)| Event {
            id: OccurrenceId::at(now),
            order: Order { accepted: now, request, index },
            workspace: workspace.clone(),
            source: new.source,
            event: new.event,
            data: new.data,
            key: key(new.id, index),
            time: new.time,
            pid: new.pid,
            trace: posting.trace,
        })
        .collect()
}

/// The published entries: what the third level of the catalog's routes reads and writes.
pub struct Sources {
    store: Arc<dyn CatalogStore>,
}

/// What became of a wish to remove an entry of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// It is gone, or what is built in has its place again.
    Done,
    /// It is built in, and nobody published over it.
    BuiltIn,
    /// There is none.
    NotFound,
}

impl Sources {
    /// The entries of this store, over what is built in.
    pub fn new(store: Arc<dyn CatalogStore>) -> Self {
        Self { store }
    }

    /// Everything, as of now.
    pub async fn catalog(&self) -> PortResult<Catalog> {
        Ok(Catalog::with(self.store.published().await?))
    }

    /// Publishes an entry, in the place of one with the same names.
    pub async fn publish(&self, by: &By, entry: &Published) -> PortResult<()> {
        let names = (&entry.source, &entry.event);
        let before = self.published(names).await?;
        let done = self.store.publish(entry).await;
        if before.as_ref() != Some(&entry.spec) {
            let after = Some(&entry.spec);
            let change = Change::of_source("source.publish", names, before.as_ref(), after);
            audit::note(by, &change, &done);
        }
        done
    }

    /// Removes what was published under these names.
    pub async fn withdraw(
        &self,
        by: &By,
        source: &SourceName,
        event: &EventName,
    ) -> PortResult<Withdrawn> {
        let before = self.published((source, event)).await?;
        let done = self.store.withdraw(source, event).await;
        if !matches!(done, Ok(false)) {
            let names = (source, event);
            let change = Change::of_source("source.withdraw", names, before.as_ref(), None);
            audit::note(by, &change, &done);
        }
        Ok(match done? {
            true => Withdrawn::Done,
            false if catalog::is_built_in(source, event) => Withdrawn::BuiltIn,
            false => Withdrawn::NotFound,
        })
    }

    async fn published(
        &self,
        (source, event): (&SourceName, &EventName),
    ) -> PortResult<Option<EventSpec>> {
        let published = self.store.published().await?;
        let it = published.into_iter().find(|it| it.source == *source && it.event == *event);
        Ok(it.map(|it| it.spec))
    }
}

//! [`TaskQueue`], and the half that receives.
//!
//! A task that was handed out is *leased*: nobody else gets it until it is acknowledged, released
//! or buried, or the process dies; leases of a dead process are void when the store is opened.
//! How often a task was handed out is counted on disk, so that one that kills the process is found
//! out.

mod backlog;
mod turns;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use hooks::{
    ports::{LONGEST_DELAY, Outgoing, PortError, PortResult, TaskQueue},
    task::Queue,
    time::Timestamp,
};
use rusqlite::{Connection, params};
use tokio::sync::Notify;

pub(crate) use self::backlog::Backlog;
pub use self::backlog::Waiting;
use crate::{
    Store,
    fault::Fault,
    writer::{Inbox, Survives, Terms},
};

const WHAT: &str = "the queue";

/// The longest that [`Store::wait`] waits: clocks may be moved.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Bodies of more than this are not handed out at once, however many messages were asked for.
const MOST_BYTES: usize = 1024 * 1024;

const NEXT_DUE: &str = "SELECT due FROM task WHERE queue = ?1 AND leased = 0 ORDER BY due LIMIT 1";

/// Due later than any task is when it is sent: a clock said so that has since been put back.
const IMPOSSIBLE_DELAY: Duration = LONGEST_DELAY.saturating_add(Duration::from_mins(1));

/// The length is looked up without reading the text.
const SIZE: &str =
    "SELECT queue, octet_length(body) FROM task JOIN task_body USING (id) WHERE id = ?1";

/// Makes tasks due that are due later than that, so many at once as may be handed out.
const MAKE_DUE: &str = "UPDATE task SET due = ?2 WHERE id IN
    (SELECT id FROM task WHERE queue = ?1 AND leased = 0 AND due > ?3 ORDER BY due LIMIT ?4)";

/// A task that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What to acknowledge, release or bury it by.
    pub id: i64,
    /// The task, encoded.
    pub body: String,
    /// How often it was handed out, this time included.
    pub receives: u32,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Tasks for events that are not acknowledged, whether handed out or not.
    pub events: u64,
    /// The same for retries.
    pub retries: u64,
    /// Tasks that were buried.
    pub dead: u64,
}

/// What the queues know besides their rows.
pub(crate) struct Queues {
    /// Ids are never used again within a process: what is late is late for its own task.
    last_id: AtomicI64,
    backlog: Arc<Backlog>,
    each: HashMap<Queue, OneQueue>,
}

#[derive(Default)]
struct OneQueue {
    /// Rung when something may be due.
    bell: Notify,
    /// The group that was looked at last.
    last_turn: Arc<Mutex<String>>,
}

impl Queues {
    /// With tasks of ids up to this one, which are counted.
    pub(crate) fn with(last_id: i64, backlog: Arc<Backlog>) -> Self {
        let each = Queue::ALL.map(|it| (it, OneQueue::default())).into();
        Self { last_id: last_id.into(), backlog, each }
    }

    fn of(&self, queue: Queue) -> &OneQueue {
        self.each.get(&queue).expect("made with both queues")
    }

    fn ring_all(&self) {
        self.each.values().for_each(|it| it.bell.notify_waiters());
    }
}

/// Makes the leases of a dead process void; answers the highest id that was ever given and may
/// still be known.
pub(crate) fn take_over(connection: &Connection) -> rusqlite::Result<i64> {
    connection.execute("UPDATE task SET leased = 0 WHERE leased <> 0", [])?;
    connection.query_row(
        "SELECT max((SELECT coalesce(max(id), 0) FROM task),
                    (SELECT coalesce(max(id), 0) FROM dead_letter))",
        [],
        |row| row.get(0),
    )
}

/// A task on its way to the writer.
struct Row {
    id: i64,
    queue: Queue,
    group: String,
    due: Timestamp,
    sent: Timestamp,
    body: String,
}

impl Row {
    fn insert(&self, connection: &Connection, backlog: &Backlog) -> Result<(), Fault> {
        connection
            .prepare_cached(
                "INSERT INTO task (id, queue, leased, turn, due, receives, sent)
                 VALUES (?1, ?2, 0, ?3, ?4, 0, ?5)",
            )?
            .execute(params![
                self.id,
                self.queue.as_str(),
                self.group,
                self.due.as_millis(),
                self.sent.as_millis(),
            ])?;
        connection
            .prepare_cached("INSERT INTO task_body (id, body) VALUES (?1, ?2)")?
            .execute(params![self.id, self.body])?;
        backlog.came(self.queue, self.body.len());
        Ok(())
    }
}

/// Messages between the writer and the one who asked for them. Where nobody takes them, because
/// the caller was cancelled, they go back into the queue.
struct Handed {
    messages: Vec<Message>,
    inbox: Inbox,
}

impl Handed {
    fn take(mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        if self.messages.is_empty() {
            return;
        }
        let messages = std::mem::take(&mut self.messages);
        self.inbox.write_unattended(terms(Survives::Process, 0), move |connection| {
            messages.iter().try_for_each(|it| put_back(connection, it))
        });
    }
}

/// Ends this lease of a task, unless it was handed out again since.
fn put_back(connection: &Connection, message: &Message) -> Result<(), Fault> {
    connection
        .prepare_cached("UPDATE task SET leased = 0 WHERE id = ?1 AND receives = ?2")?
        .execute(params![message.id, message.receives])?;
    Ok(())
}

fn lease(connection: &Connection, ids: Vec<i64>) -> Result<Vec<Message>, Fault> {
    let mut messages = Vec::with_capacity(ids.len());
    let mut bytes = 0;
    for id in ids {
        if bytes >= MOST_BYTES {
            break;
        }
        let receives = connection
            .prepare_cached(
                "UPDATE task SET leased = 1, receives = receives + 1 WHERE id = ?1
                 RETURNING receives",
            )?
            .query_row([id], |row| row.get(0))?;
        let body: String = connection
            .prepare_cached("SELECT body FROM task_body WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        bytes += body.len();
        messages.push(Message { id, body, receives });
    }
    Ok(messages)
}

fn make_due(
    connection: &Connection,
    queue: Queue,
    now: Timestamp,
    most: usize,
) -> Result<(), Fault> {
    let impossible = (now + IMPOSSIBLE_DELAY).as_millis();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection.prepare_cached(MAKE_DUE)?.execute(params![
        queue.as_str(),
        now.as_millis(),
        impossible,
        most
    ])?;
    Ok(())
}

/// Removes a task, if it is still there.
fn remove(connection: &Connection, backlog: &Backlog, id: i64) -> Result<(), Fault> {
    let mut size = connection.prepare_cached(SIZE)?;
    let mut rows = size.query([id])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let text = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
    backlog.went(row.get_ref(0)?.as_str().unwrap_or_default(), text);
    drop(rows);
    connection.prepare_cached("DELETE FROM task WHERE id = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM task_body WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn terms(survives: Survives, bytes: usize) -> Terms {
    Terms::asked(WHAT, survives, bytes)
}

fn check(delay: Duration) -> PortResult<()> {
    if delay <= LONGEST_DELAY {
        return Ok(());
    }
    let source = format!("{delay:?} is longer than {LONGEST_DELAY:?}").into();
    Err(PortError::Corrupt { what: "a task's delay", source })
}

#[async_trait]
impl TaskQueue for Store {
    async fn send(&self, tasks: Vec<Outgoing>) -> PortResult<()> {
        tasks.iter().try_for_each(|it| check(it.delay))?;
        let (sent, queues) = (self.now(), &self.inner.queues);
        let row = |it: Outgoing| Row {
            id: queues.last_id.fetch_add(1, Ordering::Relaxed) + 1,
            queue: it.queue,
            group: it.group,
            due: sent + it.delay,
            sent,
            body: it.task.encode(),
        };
        let rows: Vec<_> = tasks.into_iter().map(row).collect();
        let bytes = rows.iter().map(|it| it.body.len()).sum();
        let backlog = Arc::clone(&queues.backlog);
        self.write(terms(Survives::PowerCut, bytes).certain(), move |connection| {
            rows.iter().try_for_each(|it| it.insert(connection, &backlog))
        })
        .await?;
        queues.ring_all();
        Ok(())
    }
}

/// The half that receives.
impl Store {
    /// Hands out what is due, at most so many messages: oldest due first, except that a group of
    /// which many are in hand already comes after the others.
    ///
    /// A caller that is cancelled while it waits for the answer gets nothing, and loses nothing.
    pub async fn receive(&self, queue: Queue, most: usize) -> PortResult<Vec<Message>> {
        let inbox = self.inner.writer.inbox().clone();
        let last_turn = Arc::clone(&self.inner.queues.of(queue).last_turn);
        let now = self.now();
        let handed = self.write(terms(Survives::Process, 0).certain(), move |connection| {
            make_due(connection, queue, now, most)?;
            let mut last_turn = last_turn.lock().unwrap_or_else(PoisonError::into_inner);
            let due = turns::choose(connection, queue, now, most, &mut last_turn)?;
            Ok(Handed { messages: lease(connection, due)?, inbox })
        });
        Ok(handed.await?.take())
    }

    /// Done with these: they are not handed out again.
    pub async fn acknowledge(&self, ids: &[i64]) -> PortResult<()> {
        let (ids, backlog) = (ids.to_vec(), Arc::clone(&self.inner.queues.backlog));
        self.write(terms(Survives::Process, 0).noted(), move |connection| {
            ids.iter().try_for_each(|id| remove(connection, &backlog, *id))
        })
        .await
    }

    /// Not done with this one: it is handed out again after a delay.
    pub async fn release(&self, id: i64, delay: Duration) -> PortResult<()> {
        self.hand_out_again(id, delay, "UPDATE task SET leased = 0, due = ?2 WHERE id = ?1").await
    }

    /// The same through no fault of its own: it counts as handed out once, so that however long a
    /// store or a disk is in trouble, no message is put aside for that.
    pub async fn forgive(&self, id: i64, delay: Duration) -> PortResult<()> {
        const FORGIVE: &str =
            "UPDATE task SET leased = 0, due = ?2, receives = min(receives, 1) WHERE id = ?1";
        self.hand_out_again(id, delay, FORGIVE).await
    }

    async fn hand_out_again(&self, id: i64, delay: Duration, sql: &'static str) -> PortResult<()> {
        check(delay)?;
        let due = self.now() + delay;
        self.write(terms(Survives::Process, 0), move |connection| {
            connection.prepare_cached(sql)?.execute([id, due.as_millis()])?;
            Ok(())
        })
        .await?;
        self.inner.queues.ring_all();
        Ok(())
    }

    /// Nobody can ever do this one: it is kept aside, with the reason.
    pub async fn bury(&self, id: i64, reason: &str) -> PortResult<()> {
        let (now, reason) = (self.now(), reason.to_owned());
        let backlog = Arc::clone(&self.inner.queues.backlog);
        self.write(terms(Survives::PowerCut, reason.len()), move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO dead_letter (id, queue, turn, receives, sent, buried, reason, body)
                     SELECT id, queue, turn, receives, sent, ?2, ?3, body
                     FROM task JOIN task_body USING (id) WHERE id = ?1",
                )?
                .execute(params![id, now.as_millis(), reason])?;
            remove(connection, &backlog, id)
        })
        .await
    }

    /// How much there is to do.
    pub async fn depth(&self) -> PortResult<Depth> {
        let dead: i64 = self
            .read(WHAT, |connection| {
                let mut counted = connection.prepare_cached("SELECT count(*) FROM dead_letter")?;
                Ok(counted.query_row([], |row| row.get(0))?)
            })
            .await?;
        let [events, retries] = Queue::ALL.map(|it| self.waiting(it).tasks);
        Ok(Depth { events, retries, dead: dead.cast_unsigned() })
    }

    /// What waits in this queue, at no cost.
    pub fn waiting(&self, queue: Queue) -> Waiting {
        self.inner.queues.backlog.waiting(queue)
    }

    /// Returns when something may be due in this queue, or after a second, whichever is first.
    pub async fn wait(&self, queue: Queue) {
        let mut rung = std::pin::pin!(self.inner.queues.of(queue).bell.notified());
        // From here on a task that is sent ends the waiting, even while we look for one.
        rung.as_mut().enable();
        let next = self.next_due(queue).await.unwrap_or(None);
        let longest = next.map_or(LONGEST_WAIT, |due| due.since(self.now()).unwrap_or_default());
        // A bell and the end of the time mean the same: look again.
        let _ = tokio::time::timeout(longest.min(LONGEST_WAIT), rung).await;
    }

    async fn next_due(&self, queue: Queue) -> PortResult<Option<Timestamp>> {
        self.read(WHAT, move |connection| {
            let mut next = connection.prepare_cached(NEXT_DUE)?;
            let mut rows = next.query([queue.as_str()])?;
            let due = rows.next()?.map(|row| row.get(0)).transpose()?;
            Ok(due.map(Timestamp::from_millis))
        })
        .await
    }
}

//! Load: so many connections that post as fast as they are answered, or as a clock says.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

use crate::{
    client::Connection,
    event::Request,
    failure::{Failure, Result},
    moment, spread,
};

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// How many events were accepted.
    pub(crate) accepted: u64,
    /// How many requests were refused for now: 429 with `Retry-After`.
    pub(crate) refused: u64,
    /// When the first of these was, from the beginning.
    pub(crate) first_refused: Option<Duration>,
    /// How long it took in all.
    pub(crate) took: Duration,
    /// How long each accepted request took, in milliseconds.
    pub(crate) times: Vec<f64>,
}

impl Tally {
    /// How many events were accepted in a second.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
    pub(crate) fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64()
    }

    /// What is above so much of the times.
    pub(crate) fn quantile(&mut self, share: f64) -> f64 {
        spread::quantile(&mut self.times, share)
    }

    fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        let firsts = [self.first_refused, other.first_refused];
        self.first_refused = firsts.into_iter().flatten().min();
        self.times.extend(other.times);
    }
}

/// Posts over so many connections at once, each as fast as it is answered, for so long.
pub(crate) async fn closed(
    address: SocketAddr,
    connections: usize,
    request: &Request,
    length: Duration,
) -> Result<Tally> {
    let opened = (0..connections).map(|_| Connection::open(address));
    let opened = try_join_all(opened).await?;
    let began = Instant::now();
    let running = opened.into_iter().map(|mut connection| async move {
        let mut tally = Tally::default();
        while began.elapsed() < length {
            post(&mut connection, &request.bytes, request.count(), &mut tally).await?;
        }
        Ok::<_, Failure>(tally)
    });
    sum(running, began).await
}

/// What came of all connections together, when the last of them has ended.
async fn sum(
    running: impl Iterator<Item = impl Future<Output = Result<Tally>>>,
    began: Instant,
) -> Result<Tally> {
    let mut sum = Tally::default();
    for tally in try_join_all(running).await? {
        sum.add(tally);
    }
    sum.took = began.elapsed();
    Ok(sum)
}

async fn post(
    connection: &mut Connection,
    request: &[u8],
    events: u64,
    tally: &mut Tally,
) -> Result<()> {
    let began = Instant::now();
    let answer = connection.exchange(request).await?;
    match answer.status() {
        200..300 => {
            tally.accepted += events;
            tally.times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        429 if answer.header("retry-after").is_some() => tally.refused += 1,
        other => {
            let said = String::from_utf8_lossy(answer.body);
            return Err(format!("POST /events answered {other}: {said}").into());
        }
    }
    Ok(())
}

/// Posts as fast as is answered, but no further ahead of `done` than a window.
pub(crate) struct Windowed {
    /// How many events may be posted and not done.
    pub(crate) window: u64,
    /// How many are done, which somebody else finds out.
    pub(crate) done: Arc<AtomicU64>,
    /// Ends it.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Windowed {
    /// Posts numbered events until it is stopped.
    pub(crate) async fn run(
        &self,
        address: SocketAddr,
        connections: usize,
        request: &Request,
    ) -> Result<Tally> {
        let posted = AtomicU64::new(0);
        let began = Instant::now();
        let running = (0..connections).map(|_| async {
            let mut connection = Connection::open(address).await?;
            let (mut request, mut tally) = (request.clone(), Tally::default());
            let count = request.count();
            while !self.stop.load(Ordering::Relaxed) {
                let done = self.done.load(Ordering::Relaxed);
                if posted.load(Ordering::Relaxed) + count > done + self.window {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                }
                request.stamp(posted.fetch_add(count, Ordering::Relaxed), moment::now());
                post(&mut connection, &request.bytes, count, &mut tally).await?;
            }
            Ok::<_, Failure>(tally)
        });
        sum(running, began).await
    }
}

/// How late the last requests may be.
const GRACE: Duration = Duration::from_secs(1);

/// Posts when a clock says so, whatever becomes of what was posted before: who waits for answers
/// asks less of a system that is late.
pub(crate) struct Paced {
    /// How many events in a second.
    pub(crate) rate: f64,
    /// For how long.
    pub(crate) length: Duration,
    /// Over how many connections. With all of them waiting for an answer, requests are late; the
    /// time of their events is when they were due.
    pub(crate) connections: usize,
}

impl Paced {
    /// Posts numbered events.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
    pub(crate) async fn run(&self, address: SocketAddr, request: &Request) -> Result<Tally> {
        let count = request.count();
        let every = count as f64 / self.rate;
        let next = AtomicU64::new(0);
        let (began, zero) = (Instant::now(), moment::now());
        let running = (0..self.connections).map(|_| async {
            let mut connection = Connection::open(address).await?;
            let (mut request, mut tally) = (request.clone(), Tally::default());
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let due = Duration::from_secs_f64(turn as f64 * every);
                // What could not be sent in time is not offered any more.
                if due > self.length || began.elapsed() > self.length + GRACE {
                    return Ok::<_, Failure>(tally);
                }
                tokio::time::sleep_until((began + due).into()).await;
                let due = u64::try_from(due.as_nanos()).unwrap_or(u64::MAX);
                request.stamp(1 + turn * count, zero + due);
                post(&mut connection, &request.bytes, count, &mut tally).await?;
                if tally.refused > 0 && tally.first_refused.is_none() {
                    tally.first_refused = Some(began.elapsed());
                }
            }
        });
        sum(running, began).await
    }
}

//! Who gets the webhooks: a server that keeps connections, answers as its path says, and notes what
//! came when.
//!
//! `/take/NAME` answers 200 at once, or with `?after=MS` so much later; `/fail/NAME` answers 503;
//! `/hold/NAME` answers when `/~/release` was asked for. NAME tells one who counts from another.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{client, event, failure::Result, message::Message, moment, say};

/// What came under one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// How many requests.
    pub(crate) requests: u64,
    /// When the first of them was there, in nanoseconds of the machine's clock.
    pub(crate) first: u64,
    /// When the last of them was.
    pub(crate) last: u64,
    /// Over how many connections.
    pub(crate) connections: u64,
}

impl Count {
    /// How many came in a second, from the first to the last.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53 here")]
    pub(crate) fn rate(&self) -> f64 {
        let took = Duration::from_nanos(self.last.saturating_sub(self.first)).as_secs_f64();
        self.requests.saturating_sub(1) as f64 / took
    }
}

/// An event that came: its number, when it was posted, when it was there.
pub(crate) type Arrival = (u64, u64, u64);

#[derive(Default)]
struct Book {
    count: Count,
    connections: HashSet<u64>,
    arrivals: Vec<Arrival>,
    sample: Vec<u8>,
}

/// Everything that is known.
struct Desk {
    books: Mutex<HashMap<String, Book>>,
    released: watch::Sender<bool>,
}

/// Receives until the process ends.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say!("listens on http://{}", listener.local_addr()?);
    let desk = Arc::new(Desk { books: Mutex::default(), released: watch::channel(false).0 });
    for connection in 0.. {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(attend(stream, connection, Arc::clone(&desk)));
    }
    Ok(())
}

/// Answers whoever is on this connection until they leave.
async fn attend(mut stream: TcpStream, connection: u64, desk: Arc<Desk>) {
    let mut read = Vec::with_capacity(16 * 1_024);
    loop {
        while let Some(message) = Message::of(&read) {
            let length = message.length;
            let answer = desk.answer(message, &read[..length], connection).await;
            if stream.write_all(&answer).await.is_err() {
                return;
            }
            read.drain(..length);
        }
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return,
            Ok(_) => (),
        }
    }
}

impl Desk {
    async fn answer(&self, message: Message<'_>, raw: &[u8], connection: u64) -> Vec<u8> {
        let now = moment::now();
        let (path, query) = message.path().split_once('?').unwrap_or((message.path(), ""));
        let mut parts = path.trim_start_matches('/').splitn(2, '/');
        let (deed, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if deed == "~" {
            return self.tell(name);
        }
        self.note(name, message, raw, connection, now);
        if deed == "hold" {
            let _ = self.released.subscribe().wait_for(|it| *it).await;
        } else if let Some(after) = query.strip_prefix("after=").and_then(|it| it.parse().ok()) {
            tokio::time::sleep(Duration::from_millis(after)).await;
        }
        match deed {
            "fail" => b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno".to_vec(),
            _ => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec(),
        }
    }

    fn note(&self, name: &str, message: Message<'_>, raw: &[u8], connection: u64, now: u64) {
        let mut books = self.books();
        if !books.contains_key(name) {
            books.insert(name.to_owned(), Book::default());
        }
        let Some(book) = books.get_mut(name) else { return };
        if book.count.requests == 0 {
            book.count.first = now;
            book.sample = raw.to_vec();
        }
        book.count.requests += 1;
        book.count.last = now;
        if book.connections.insert(connection) {
            book.count.connections += 1;
        }
        let number = |of| event::digits(message.body, of);
        if let Some(posted) = number(event::POSTED).filter(|posted| *posted > 0) {
            book.arrivals.push((number(event::SERIAL).unwrap_or_default(), posted, now));
        }
    }

    /// Answers those who measure.
    fn tell(&self, question: &str) -> Vec<u8> {
        let (what, name) = question.split_once('/').unwrap_or((question, ""));
        let mut books = self.books();
        let nothing = Book::default();
        let book = books.get(name).unwrap_or(&nothing);
        let body = match what {
            "count" => json!(book.count).to_string(),
            "arrivals" => json!(book.arrivals).to_string(),
            "sample" => json!(String::from_utf8_lossy(&book.sample)).to_string(),
            "forget" => {
                books.clear();
                String::new()
            }
            "release" => {
                let _ = self.released.send(true);
                String::new()
            }
            _ => return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        };
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    fn books(&self) -> MutexGuard<'_, HashMap<String, Book>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a receiver that runs elsewhere has had under this name.
pub(crate) async fn count(receiver: SocketAddr, name: &str) -> Result<Count> {
    let count = client::ask(receiver, "GET", &format!("/~/count/{name}"), None).await?;
    Ok(serde_json::from_value(count)?)
}

/// The events among it, in the order in which they came.
pub(crate) async fn arrivals(receiver: SocketAddr, name: &str) -> Result<Vec<Arrival>> {
    let arrivals = client::ask(receiver, "GET", &format!("/~/arrivals/{name}"), None).await?;
    Ok(serde_json::from_value(arrivals)?)
}

/// Waits until it has had so many, and answers what it has had then.
pub(crate) async fn await_requests(
    receiver: SocketAddr,
    name: &str,
    requests: u64,
    patience: Duration,
) -> Result<Count> {
    const PAUSE: Duration = Duration::from_millis(20);

    let began = tokio::time::Instant::now();
    loop {
        let count = count(receiver, name).await?;
        if count.requests >= requests {
            return Ok(count);
        }
        if began.elapsed() > patience {
            let had = count.requests;
            return Err(format!("after {patience:?} {name} has had {had} of {requests}").into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

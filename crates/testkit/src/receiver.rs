//! Somebody to send webhooks to: it answers by a script and remembers every request.
//!
//! A receiver lives on a port of its own on loopback, and is gone, connections and all, when it
//! is dropped. It speaks HTTP, whatever its [`Manner`]; who does not is in [`crate::hostile`].
//!
//! Where what is tested runs elsewhere, on AWS, `EVENT_HOOKS_TEST_RECEIVERS` is the address of this
//! machine under which it is reached from there.

mod said;

use std::{
    collections::VecDeque,
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedRwLockWriteGuard, RwLock},
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use self::said::Said;
use crate::certificates::{self, Certificate};

/// How long [`Receiver::next`] waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// A receiver of webhooks, on loopback.
#[derive(Debug)]
pub struct Receiver {
    scheme: &'static str,
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

/// What a receiver says to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, besides the ones that every answer has.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// How long it thinks before it answers.
    pub delay: Duration,
    /// How it is said.
    pub manner: Manner,
}

/// How a receiver says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// The answer, whole; the connection stays open.
    Polite,
    /// The answer, whole; then the connection is closed.
    Close,
    /// No answer: the connection is closed.
    HangUp,
    /// Status, headers and body; then nothing, not even the end.
    Stall,
    /// Status, headers and body; then the connection is closed before the end.
    BreakOff,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// What stands behind the question mark, where there is one.
    pub query: Option<String>,
    /// The headers, in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// When it had arrived, to its last byte.
    pub at: Instant,
}

/// A receiver says nothing for as long as this is held.
#[derive(Debug)]
pub struct Silence(#[expect(dead_code, reason = "it is dropped")] OwnedRwLockWriteGuard<()>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    arrived: Notify,
    /// Written to by who keeps it silent.
    answering: Arc<RwLock<()>>,
}

#[derive(Debug)]
struct State {
    script: VecDeque<Answer>,
    otherwise: Judge,
    requests: Vec<Received>,
    taken: usize,
    connections: usize,
}

/// Knows what to answer.
struct Judge(Box<dyn FnMut(&Received) -> Answer + Send>);

impl fmt::Debug for Judge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Judge")
    }
}

impl Receiver {
    /// A receiver of plain HTTP on 127.0.0.1.
    pub async fn http() -> Self {
        Self::http_on(Ipv4Addr::LOCALHOST.into()).await
    }

    /// A receiver of plain HTTP on this address.
    pub async fn http_on(ip: IpAddr) -> Self {
        Self::start("http", ip, None).await
    }

    /// A receiver on 127.0.0.1 with a certificate that it signed itself.
    pub async fn https() -> Self {
        Self::https_on(Ipv4Addr::LOCALHOST.into()).await
    }

    /// A receiver on this address with a certificate that it signed itself.
    pub async fn https_on(ip: IpAddr) -> Self {
        Self::https_with(ip, Certificate::SelfSigned).await
    }

    /// A receiver on this address with this certificate.
    pub async fn https_with(ip: IpAddr, certificate: Certificate) -> Self {
        Self::start("https", ip, Some(certificates::acceptor(certificate, &[]))).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, ending in a slash.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// Says these to the next requests, one each, in order.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.lock().script.extend(answers);
    }

    /// Says this to every request for which the script has nothing; 200 until then.
    pub fn always(&self, answer: Answer) {
        self.judge(move |_| answer.clone());
    }

    /// Asks this about every request for which the script has nothing.
    pub fn judge(&self, judge: impl FnMut(&Received) -> Answer + Send + 'static) {
        self.shared.lock().otherwise = Judge(Box::new(judge));
    }

    /// Takes requests, and answers none of them until what this returns is dropped.
    pub async fn silent(&self) -> Silence {
        Silence(Arc::clone(&self.shared.answering).write_owned().await)
    }

    /// The next request that no call of `next` has returned yet. Panics when none has come
    /// within five seconds.
    pub async fn next(&self) -> Received {
        self.next_within(PATIENCE).await
    }

    /// The same, with a patience of its own.
    pub async fn next_within(&self, patience: Duration) -> Received {
        let next = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if let Some(request) = self.shared.lock().take() {
                    return request;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(patience, next).await.unwrap_or_else(|_| {
            panic!("no further request within {patience:?}; so far: {:#?}", self.requests())
        })
    }

    /// Everything that has arrived so far.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.lock().requests.clone()
    }

    /// Forgets everything that has arrived so far.
    pub fn forget(&self) {
        let mut state = self.shared.lock();
        state.requests.clear();
        state.taken = 0;
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    async fn start(scheme: &'static str, ip: IpAddr, tls: Option<TlsAcceptor>) -> Self {
        let elsewhere = (ip == IpAddr::V4(Ipv4Addr::LOCALHOST)).then(reached_at).flatten();
        let bound = if elsewhere.is_some() { Ipv4Addr::UNSPECIFIED.into() } else { ip };
        let listener = TcpListener::bind((bound, 0)).await.expect("loopback has a free port");
        let mut address = listener.local_addr().expect("a bound socket has an address");
        address.set_ip(elsewhere.unwrap_or(ip));
        let shared = Arc::new(Shared::default());
        let server = tokio::spawn(accept(listener, tls, Arc::clone(&shared))).abort_handle();
        Self { scheme, address, shared, server }
    }
}

fn reached_at() -> Option<IpAddr> {
    let address = std::env::var("EVENT_HOOKS_TEST_RECEIVERS").ok()?;
    Some(address.parse().expect("EVENT_HOOKS_TEST_RECEIVERS is an address"))
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Answer {
    /// An empty answer of this status, at once.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            delay: Duration::ZERO,
            manner: Manner::Polite,
        }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with this body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// The same after so long.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same in this manner.
    #[must_use]
    pub fn manner(self, manner: Manner) -> Self {
        Self { manner, ..self }
    }
}

impl Received {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }
}

impl Default for Shared {
    fn default() -> Self {
        let state = State {
            script: VecDeque::new(),
            otherwise: Judge(Box::new(|_| Answer::status(200))),
            requests: Vec::new(),
            taken: 0,
            connections: 0,
        };
        Self { state: Mutex::new(state), arrived: Notify::new(), answering: Arc::default() }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request and says what to answer.
    fn arrived(&self, request: Received) -> Answer {
        let mut state = self.lock();
        let scripted = state.script.pop_front();
        let answer = scripted.unwrap_or_else(|| (state.otherwise.0)(&request));
        state.requests.push(request);
        self.arrived.notify_waiters();
        answer
    }
}

impl State {
    fn take(&mut self) -> Option<Received> {
        let request = self.requests.get(self.taken)?.clone();
        self.taken += 1;
        Some(request)
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.lock().connections += 1;
        connections.spawn(welcome(stream, tls.clone(), Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn welcome(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    match tls {
        None => serve(stream, shared).await,
        // A sender that does not like the certificate goes away: that is what some tests are for.
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, shared).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(|request| respond(request, Arc::clone(&shared)));
    // It ends with an error whenever one of the two sides hangs up.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, shared: Arc<Shared>) -> io::Result<Response<Said>> {
    let answer = shared.arrived(received(request).await?);
    drop(shared.answering.read().await);
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    match answer.manner {
        Manner::HangUp => return Err(io::ErrorKind::ConnectionAborted.into()),
        Manner::Close => response = response.header("connection", "close"),
        Manner::Polite | Manner::Stall | Manner::BreakOff => {}
    }
    response.body(Said::new(answer.body, answer.manner)).map_err(io::Error::other)
}

async fn received(request: Request<Incoming>) -> io::Result<Received> {
    let (head, body) = request.into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Received {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers.iter().map(|(name, it)| (name.to_string(), text(it))).collect(),
        body: body.collect().await.map_err(io::Error::other)?.to_bytes(),
        at: Instant::now(),
    })
}

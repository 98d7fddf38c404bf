//! What could a receiver do to its sender?
//!
//! A [`HostileReceiver`] misbehaves in one [`Manner`], byte by byte: there is no HTTP server
//! in it that could mend its ways. It counts what it hears, so that a test can say that nothing
//! was sent twice. It lives on a port of its own on loopback, and is gone, connections and all,
//! when it is dropped.

mod manner;
mod conduct;
mod gzip;
mod acting;

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

pub use self::manner::Manner;
use self::{
    acting::act,
    conduct::{Conduct, Hears, Then, Transport},
};
use crate::certificates;

/// A receiver of webhooks on loopback that means harm.
#[derive(Debug)]
pub struct HostileReceiver {
    scheme: &'static str,
    address: SocketAddr,
    heard: Arc<Heard>,
    server: AbortHandle,
}

#[derive(Debug, Default)]
struct Heard {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

impl HostileReceiver {
    /// A receiver that behaves in this manner.
    pub async fn start(manner: Manner) -> Self {
        let conduct = manner.conduct();
        let scheme = if conduct.transport == Transport::Plain { "http" } else { "https" };
        let listener = listener(&conduct).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let heard = Arc::<Heard>::default();
        let server = if conduct.accepts {
            tokio::spawn(accept(listener, conduct, Arc::clone(&heard)))
        } else {
            let waiting = crowd(address).await;
            tokio::spawn(async move {
                pending::<()>().await;
                drop((listener, waiting));
            })
        };
        Self { scheme, address, heard, server: server.abort_handle() }
    }

    /// Its URL, ending in a slash.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `webhook-id` of every request whose head it has heard, in their order; empty for a
    /// request without one.
    pub fn requests(&self) -> Vec<String> {
        self.heard.requests().clone()
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::SeqCst)
    }
}

impl Drop for HostileReceiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Heard {
    fn requests(&self) -> MutexGuard<'_, Vec<String>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listener(conduct: &Conduct) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    if conduct.hears == Hears::Head {
        // What it does not read shall not fit into its buffer either.
        socket.set_recv_buffer_size(4096)?;
    }
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(if conduct.accepts { 1024 } else { 1 })
}

/// Fills the queue of a listener that does not accept, until nobody else gets into it.
async fn crowd(address: SocketAddr) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    loop {
        let socket = TcpSocket::new_v4().expect("there are sockets left");
        match timeout(Duration::from_millis(50), socket.connect(address)).await {
            Ok(connected) => crowd.push(connected.expect("somebody listens")),
            Err(_) => return crowd,
        }
    }
}

async fn accept(listener: TcpListener, conduct: Conduct, heard: Arc<Heard>) {
    let conduct = Arc::new(conduct);
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        heard.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(welcome(stream, Arc::clone(&conduct), Arc::clone(&heard)));
        while connections.try_join_next().is_some() {}
    }
}

async fn welcome(stream: TcpStream, conduct: Arc<Conduct>, heard: Arc<Heard>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if matches!(conduct.then, Then::Reset) {
        stream.set_zero_linger()?;
    }
    match conduct.transport {
        Transport::Plain | Transport::PlainForTls => act(stream, &conduct, &heard).await,
        Transport::Tls(certificate, protocols) => {
            let tls = certificates::acceptor(certificate, protocols);
            act(tls.accept(stream).await?, &conduct, &heard).await
        }
    }
}

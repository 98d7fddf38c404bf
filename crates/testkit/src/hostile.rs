//! What could a receiver do to its sender?
//!
//! A [`HostileReceiver`] misbehaves in one [`Manner`], byte by byte: there is no HTTP server
//! in it that could mend its ways. It counts what it hears, so that a test can say that nothing
//! was sent twice. It lives on a port of its own on loopback, and is gone, connections and all,
//! when it is dropped.

mod manner;
mod conduct;
mod bomb;
mod hearing;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

pub use self::manner::Manner;
use self::{
    conduct::{Conduct, Then, Transport},
    hearing::hear,
};
use crate::certificates;

/// A receiver of webhooks on loopback that means harm.
#[derive(Debug)]
pub struct HostileReceiver {
    scheme: &'static str,
    address: SocketAddr,
    ledger: Arc<Ledger>,
    server: Option<AbortHandle>,
    /// What fills the queue of a receiver that never accepts.
    _waiting: Vec<TcpStream>,
}

/// What was heard so far.
#[derive(Debug, Default)]
struct Ledger {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

/// How long it lets what was said travel, before it does something that could overtake it.
const A_MOMENT: Duration = Duration::from_millis(50);

impl HostileReceiver {
    /// A receiver that behaves in this manner.
    pub async fn start(manner: Manner) -> Self {
        let conduct = manner.conduct();
        let scheme = if conduct.transport == Transport::Plain { "http" } else { "https" };
        Self::with(scheme, conduct).await.expect("loopback has a free port")
    }

    /// Its URL, ending in a slash.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `webhook-id` of every request whose head has arrived, in their order; empty for a
    /// request without one. Manners that do not listen hear none.
    pub fn requests(&self) -> Vec<String> {
        self.ledger.requests().clone()
    }

    /// How many connections it has accepted.
    pub fn connections(&self) -> usize {
        self.ledger.connections.load(Ordering::SeqCst)
    }

    async fn with(scheme: &'static str, conduct: Conduct) -> io::Result<Self> {
        let (ledger, accepts) = (Arc::default(), conduct.accepts);
        let listener = listener(&conduct)?;
        let address = listener.local_addr()?;
        if !accepts {
            let waiting = fill(&listener).await?;
            // A listener that is leaked would outlive the test; one that waits does not.
            let server = tokio::spawn(async move {
                let _listener = listener;
                std::future::pending::<()>().await;
            });
            let server = Some(server.abort_handle());
            return Ok(Self { scheme, address, ledger, server, _waiting: waiting });
        }
        let server = tokio::spawn(accept(listener, Arc::new(conduct), Arc::clone(&ledger)));
        let server = Some(server.abort_handle());
        Ok(Self { scheme, address, ledger, server, _waiting: Vec::new() })
    }
}

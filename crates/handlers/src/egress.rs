//! How does a request leave this process?
//!
//! By one door. [`Egress`] is the only thing that dials, for deliveries, pings and tests alike: it
//! judges where a request may go, resolves a name once, and connects to what was judged.
//! Redirects are answers like any other, proxies in the environment are not asked, and nothing is
//! sent twice.
//!
//! A connection that is kept alive was judged when it was made, by the same policy: a policy
//! lasts as long as its [`Egress`].

mod names;
mod networks;
mod policy;
mod resolver;
mod send_error;
mod tls;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hooks::target_url::TargetUrl;
use http::{HeaderMap, Method};

pub use self::{
    policy::{Policy, Refusal, Rule},
    resolver::Resolve,
    send_error::SendError,
};

/// The door.
pub struct Egress {
    policy: Arc<Policy>,
    timeout: Duration,
    verifying: reqwest::Client,
    unverified: reqwest::Client,
}

/// A request to send.
#[derive(Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Where to. Credentials in it are sent as Basic, unless `headers` has an `authorization`.
    pub url: &'a TargetUrl,
    /// All headers but `host` and `content-length`.
    pub headers: HeaderMap,
    /// The body, byte by byte.
    pub body: Bytes,
    /// Is the receiver's certificate checked?
    pub ssl_verify: bool,
    /// How long it may take, where that is less than the door gives every request.
    pub within: Option<Duration>,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, of a redirect too.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came, undecompressed, at most [`Answer::MOST_READ`] of it. It ends where
    /// the receiver broke it off.
    pub body: Bytes,
}

impl Answer {
    /// How much of a body is read.
    pub const MOST_READ: usize = 64 * 1024;
}

/// The door cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// TLS does not work.
    #[error("cannot set up outbound TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The client does not work.
    #[error("cannot set up the outbound client: {0}")]
    Client(#[from] reqwest::Error),
}

/// How long a connection may take, TLS and all, where the time-out is not shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection waits for the next request, and how many of them per receiver: every
/// one holds a file descriptor, of which a function has 1,024.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
const MOST_IDLE_PER_HOST: usize = 256;

impl Egress {
    /// A door that lets through what `policy` allows. `timeout` is for a request in all, from
    /// the lookup of its host to the end of the answer.
    pub fn new(policy: Policy, timeout: Duration) -> Result<Self, EgressError> {
        Self::with_resolver(policy, timeout, Arc::new(resolver::System::new()))
    }

    /// The same with a resolver of one's own, for tests.
    pub fn with_resolver(
        policy: Policy,
        timeout: Duration,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, EgressError> {
        Self::with_roots(policy, timeout, resolver, tls::mozilla())
    }

    /// The same, trusting these roots and no others, for tests.
    pub fn with_roots(
        policy: Policy,
        timeout: Duration,
        resolver: Arc<dyn Resolve>,
        roots: rustls::RootCertStore,
    ) -> Result<Self, EgressError> {
        let policy = Arc::new(policy);
        let guarded = Arc::new(resolver::Guarded { policy: Arc::clone(&policy), resolver });
        let client = |tls| client(tls, Arc::clone(&guarded));
        let verifying = client(tls::verifying(roots)?)?;
        let unverified = client(tls::unverified()?)?;
        Ok(Self { policy, timeout, verifying, unverified })
    }

    /// Would a request to this target be let through, as far as can be told without looking its
    /// name up?
    pub fn judge(&self, target: &TargetUrl) -> Result<(), Refusal> {
        self.policy.judge(target).inspect_err(log)
    }

    /// How long a request may take in all.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends a request, once, and waits for the answer.
    pub async fn send(&self, request: Request<'_>) -> Result<Answer, SendError> {
        let within = request.within.map_or(self.timeout, |within| within.min(self.timeout));
        let sent = match tokio::time::timeout(within, self.exchange(request)).await {
            Ok(sent) => sent,
            Err(_) => Err(SendError::Timeout(within)),
        };
        if let Err(SendError::Refused(refusal)) = &sent {
            log(refusal);
        }
        sent
    }

    async fn exchange(&self, request: Request<'_>) -> Result<Answer, SendError> {
        // Addresses in the URL never pass the resolver.
        self.policy.judge(request.url).map_err(SendError::Refused)?;
        let client = if request.ssl_verify { &self.verifying } else { &self.unverified };
        let response = client
            .request(request.method, request.url.as_url().clone())
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| send_error::sorted(&error))?;
        Ok(read(response).await)
    }
}

/// Reads the beginning of an answer and drops the rest, and the connection with it.
async fn read(mut response: reqwest::Response) -> Answer {
    let mut body = Vec::new();
    // An error here is a receiver that breaks off. The status is its word all the same.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= Answer::MOST_READ {
            body.truncate(Answer::MOST_READ);
            break;
        }
    }
    Answer {
        status: response.status().as_u16(),
        headers: std::mem::take(response.headers_mut()),
        body: body.into(),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one door")]
fn client(
    tls: rustls::ClientConfig,
    resolver: Arc<resolver::Guarded>,
) -> Result<reqwest::Client, EgressError> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(resolver)
        .no_proxy()
        .no_gzip()
        .no_deflate()
        .no_brotli()
        .no_zstd()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MOST_IDLE_PER_HOST)
        .build()?;
    Ok(client)
}

fn log(refusal: &Refusal) {
    tracing::warn!(host = refusal.host(), rule = %refusal.rule(), "target refused");
}

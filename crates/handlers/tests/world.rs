//! What the tests stand on: doors, resolvers and hooks.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use handlers::{
    AllHandlers, LogSink,
    egress::{Answer, Egress, Policy, Request, Resolve, SendError},
    sandbox::{Sandbox, SandboxConfig},
    signature::SignatureAlgorithm,
};
use hooks::target_url::TargetUrl;
use http::{HeaderMap, Method};
use testkit::certificates;

/// What `local` allows where nobody says otherwise.
pub(crate) const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

pub(crate) fn policy(allow: &[&str]) -> Policy {
    Policy::new(allow.iter().map(|net| net.parse().unwrap()).collect())
}

/// A door with five seconds for every request.
pub(crate) fn egress(allow: &[&str]) -> Egress {
    Egress::new(policy(allow), Duration::from_secs(5)).unwrap()
}

/// A door that trusts what [`certificates::authority`] has signed, and nobody else.
pub(crate) fn trusting(timeout: Duration, resolver: Arc<dyn Resolve>) -> Egress {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificates::authority()).unwrap();
    Egress::with_roots(policy(&LOOPBACK), timeout, resolver, roots).unwrap()
}

pub(crate) fn handlers(egress: Egress) -> AllHandlers {
    handlers_that_sign(egress, SignatureAlgorithm::Sha1)
}

pub(crate) fn handlers_that_sign(egress: Egress, algorithm: SignatureAlgorithm) -> AllHandlers {
    let log = LogSink::json(Box::new(io::sink()));
    let program = env!("CARGO_BIN_EXE_lua-worker").into();
    let sandbox = Sandbox::new(SandboxConfig { program, ..SandboxConfig::default() });
    AllHandlers::new(Arc::new(egress), algorithm, log, sandbox)
}

pub(crate) fn target(url: &str) -> TargetUrl {
    TargetUrl::parse(url).unwrap()
}

/// Posts an empty object, whoever the receiver is.
pub(crate) async fn post(egress: &Egress, url: &TargetUrl) -> Result<Answer, SendError> {
    let (method, headers, body) = (Method::POST, HeaderMap::new(), Bytes::from_static(b"{}"));
    egress.send(Request { method, url, headers, body, ssl_verify: false, within: None }).await
}

/// A resolver that answers by a script and counts.
#[derive(Default)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Vec<SocketAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    /// Answers the first lookup with the first of these, and so on; then there is no such name.
    pub(crate) fn new(answers: impl IntoIterator<Item = Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Resolve for Scripted {
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let answer = self.answers.lock().unwrap().pop_front();
        answer.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))
    }
}

/// What came of it, and how long it took.
pub(crate) async fn timed<T>(doing: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let done = doing.await;
    (done, begun.elapsed())
}

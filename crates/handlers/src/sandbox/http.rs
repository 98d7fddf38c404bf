//! How does a script call the world? It asks; the parent sends, through egress, or does not.

use std::time::Duration;

use async_trait::async_trait;

use super::protocol::{Answer, Ask, Octets};

/// What makes the requests of scripts.
///
/// **Promise:** a request goes where egress allows it, and nowhere else; at most 64 KiB of an
/// answer are read.
#[async_trait]
pub trait LuaHttp: Send + Sync {
    /// Makes the request. The error is for the script, which sees it as `nil, error`; it tells no
    /// secret.
    async fn request(&self, request: LuaRequest) -> Result<LuaAnswer, String>;
}

/// A request that a script makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LuaRequest {
    /// As the script gave it, `GET` if it did not.
    pub method: String,
    /// As the script gave it, with its `query` and `path`. Nothing about it is checked yet.
    pub url: String,
    /// As the script gave them. Nothing about them is checked yet.
    pub headers: Vec<(String, String)>,
    /// As the script gave it.
    pub body: Option<Vec<u8>>,
    /// Shall the receiver's certificate be checked? `None` where the script does not say.
    pub ssl_verify: Option<bool>,
    /// How long it may take; never longer than what is left of the run's time for requests.
    pub timeout: Duration,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LuaAnswer {
    /// The status.
    pub status: u16,
    /// The words beside the status.
    pub reason: String,
    /// The headers, as they came.
    pub headers: Vec<(String, String)>,
    /// As much of the body as was read.
    pub body: Vec<u8>,
}

impl LuaRequest {
    pub(super) fn new(ask: Ask, left: Duration) -> Self {
        let asked = ask.timeout_ms.map_or(left, Duration::from_millis);
        Self {
            method: ask.method,
            url: ask.url,
            headers: ask.headers,
            body: ask.body.map(|Octets(body)| body),
            ssl_verify: ask.ssl_verify,
            timeout: asked.min(left),
        }
    }
}

/// No more of an answer reaches a script, whoever made the request.
const LONGEST_ANSWER: usize = 1 << 20;

impl From<LuaAnswer> for Answer {
    fn from(mut answer: LuaAnswer) -> Self {
        answer.body.truncate(LONGEST_ANSWER);
        Self {
            status: answer.status,
            reason: answer.reason,
            headers: answer.headers,
            body: Octets(answer.body),
        }
    }
}

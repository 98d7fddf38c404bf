//! How much may a script take?

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The budget of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processor time. A script that used it up is stopped, and cannot catch that.
    pub cpu: Duration,
    /// How much longer a script may take that cannot be stopped, before its worker is killed.
    pub grace: Duration,
    /// Time on the clock, for machines that hand out processor time in crumbs. Waiting for an
    /// answer to a request is not counted.
    pub wall: Duration,
    /// Bytes on the heap of the Lua state.
    pub memory: usize,
    /// Bytes of source, all functions of a hook together.
    pub source: usize,
    /// Bytes of log.
    pub log_bytes: usize,
    /// Lines of log.
    pub log_lines: usize,
    /// Bytes of JSON that the results of all functions may have; what is beyond is left out.
    pub result: usize,
    /// Bytes that the templates of one job may yield, together.
    pub output: usize,
    /// Requests that a script may make.
    pub requests: usize,
    /// How long all requests may take, together.
    pub http_wait: Duration,
    /// Bytes of a request's body.
    pub request_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_millis(100),
            grace: Duration::from_millis(150),
            wall: Duration::from_secs(2),
            memory: 32 << 20,
            source: 64 << 10,
            log_bytes: 64 << 10,
            log_lines: 100,
            result: 64 << 10,
            output: 1 << 20,
            requests: 10,
            http_wait: Duration::from_secs(10),
            request_body: 1 << 20,
        }
    }
}

impl Limits {
    /// How much processor time a run may take at the very most.
    pub(super) fn most_cpu(&self) -> Duration {
        self.cpu + self.grace
    }

    /// How much time on the clock a run may take at the very most, requests apart.
    pub(super) fn most_wall(&self) -> Duration {
        self.wall + self.grace
    }
}

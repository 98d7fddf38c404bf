//! The last way of a hook's request: signed, sent, and judged. The same for both kinds of webhooks.

use std::time::Duration;

use bytes::Bytes;
use hooks::{delivery::Report, ports::Run, secret::Signing, target_url::TargetUrl};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::USER_AGENT};

use crate::{
    egress::{Egress, Request},
    report,
    signature::{self, SignatureAlgorithm},
};

/// What a hook without a `user-agent` of its own is sent as.
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("event-hooks/", env!("CARGO_PKG_VERSION")));

/// The attempt's place in the trace that its event was posted in, if it was (W3C Trace Context). A
/// hook that names one itself has its own.
const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request that has everything but what is ours to add.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a TargetUrl,
    /// The hook's own headers.
    pub(crate) headers: HeaderMap,
    /// The bytes that are signed and sent.
    pub(crate) body: Bytes,
    pub(crate) signing: &'a Signing,
    pub(crate) ssl_verify: bool,
    /// How long it may take, where something else has taken time before.
    pub(crate) within: Option<Duration>,
}

/// Sends a request, once.
pub(crate) async fn send(
    outgoing: Outgoing<'_>,
    run: Run<'_>,
    egress: &Egress,
    algorithm: SignatureAlgorithm,
) -> Report {
    let Outgoing { method, url, mut headers, body, signing, ssl_verify, within } = outgoing;
    let line = report::request_line(&method, url);
    headers.entry(USER_AGENT).or_insert(AGENT);
    if let Some(trace) = run.event.trace {
        let trace = HeaderValue::try_from(trace.to_string()).expect("hexadecimal and hyphens");
        headers.entry(TRACE_PARENT).or_insert(trace);
    }
    sign(&mut headers, signing, algorithm, run, &body);
    let shown = report::shown_headers(&headers);
    let sent = egress.send(Request { method, url, headers, body, ssl_verify, within }).await;
    report::of_exchange(line, shown, sent, run.at)
}

/// Adds the headers of Standard Webhooks, and both signatures where there is a secret.
fn sign(
    headers: &mut HeaderMap,
    signing: &Signing,
    algorithm: SignatureAlgorithm,
    run: Run<'_>,
    body: &[u8],
) {
    let mut insert = |name: &'static str, value: String| {
        let value = HeaderValue::try_from(value).expect("ids, numbers, hexadecimal and Base64");
        headers.insert(name, value);
    };
    insert(signature::WEBHOOK_ID, run.delivery.to_string());
    insert(signature::WEBHOOK_TIMESTAMP, run.at.as_seconds().to_string());
    let secrets = signing.in_force(run.at);
    if let Some(signatures) = signature::sign_standard(secrets, run.delivery, run.at, body) {
        insert(signature::WEBHOOK_SIGNATURE, signatures);
    }
    if let Some(secret) = &signing.secret {
        insert(signature::KONG_SIGNATURE, signature::sign_kong(algorithm, secret, body));
    }
}

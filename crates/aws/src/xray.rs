//! How does X-Ray hear of spans? By one datagram for each that has ended, to the daemon that Lambda
//! runs beside a function.
//!
//! Nothing waits for it, and nothing fails with it: what cannot be sent at once is dropped.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use hooks::{ports::Clock, time::Timestamp};
use serde_json::{Map, Value, json};
use tracing::{
    Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::{FilterFn, filter_fn},
    layer::Context,
    registry::LookupSpan,
};

use crate::{fields::Fields, trace};

/// What stands in front of each document.
const HEADER: &str = "{\"format\":\"json\",\"version\":1}\n";

/// Sends spans that know their place in a trace, and are recorded by whoever began it.
pub(crate) struct XRay {
    socket: UdpSocket,
    clock: Arc<dyn Clock>,
}

/// A span that has not ended.
struct Open {
    began: Timestamp,
    fields: Fields,
}

/// Spans that know their place in a trace: those with these fields.
pub(crate) fn wanted() -> FilterFn {
    filter_fn(|it: &Metadata<'_>| {
        let has = |name| it.fields().field(name).is_some();
        it.is_span() && has("trace_id") && has("parent_id") && has("span_id")
    })
}

impl XRay {
    /// Sends to the daemon there.
    pub(crate) fn start(daemon: SocketAddr, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let own: SocketAddr = match daemon {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(own)?;
        socket.set_nonblocking(true)?;
        socket.connect(daemon)?;
        Ok(Self { socket, clock })
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for XRay {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(Open { began: self.clock.now(), fields });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Open { fields, .. }) = span.extensions_mut().get_mut() {
            values.record(fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        if let Some(document) = open.document(span.name(), self.clock.now()) {
            let _ = self.socket.send(format!("{HEADER}{document}").as_bytes());
        }
    }
}

impl Open {
    /// The span as X-Ray takes it; `None` where nobody records its trace.
    fn document(self, name: &str, ended: Timestamp) -> Option<Value> {
        let Fields(mut fields) = self.fields;
        if fields.shift_remove("sampled") == Some(Value::Bool(false)) {
            return None;
        }
        let mut id = |name| match fields.shift_remove(name) {
            Some(Value::String(id)) => Some(id),
            _ => None,
        };
        let (trace, parent, own) = (id("trace_id")?, id("parent_id")?, id("span_id")?);
        let trace = u128::from_str_radix(&trace, 16).ok()?;
        let failed = fields.contains_key("error");
        // Names of annotations have no other characters than these.
        let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '_' };
        let annotation =
            |(name, value): (String, Value)| (name.chars().map(plain).collect::<String>(), value);
        let annotations: Map<_, _> = fields.into_iter().map(annotation).collect();
        Some(json!({
            "name": name,
            "type": "subsegment",
            "trace_id": trace::root(trace),
            "parent_id": parent,
            "id": own,
            "start_time": seconds(self.began),
            "end_time": seconds(ended),
            "fault": failed,
            "annotations": annotations,
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit into 53 bits")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::clock::fixed::At;

    fn daemon() -> UdpSocket {
        let daemon = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        daemon.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        daemon
    }

    fn told(daemon: SocketAddr, deed: impl FnOnce()) {
        let layer = XRay::start(daemon, Arc::new(At(1_500))).unwrap().with_filter(wanted());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), deed);
    }

    fn attempt(span_id: &str, sampled: bool) -> tracing::Span {
        tracing::info_span!(
            "attempt",
            trace_id = "5759e988bd862e3fe1be46a994272793",
            parent_id = "53995c3f42cd8ad8",
            span_id,
            sampled,
            hook.id = 7,
            error = tracing::field::Empty,
        )
    }

    #[test]
    fn a_span_that_ended_is_one_datagram() {
        let daemon = daemon();
        told(daemon.local_addr().unwrap(), || {
            drop(attempt("0000000000000001", false));
            drop(tracing::info_span!("another", parent_id = "x"));
            let failed = attempt("0000000000000002", true);
            failed.record("error", "receiver answered 503");
        });
        let mut datagram = [0; 4_096];
        let length = daemon.recv(&mut datagram).unwrap();
        let text = std::str::from_utf8(&datagram[..length]).unwrap();
        let (header, document) = text.split_once('\n').unwrap();
        assert_eq!(header, r#"{"format":"json","version":1}"#);
        assert_eq!(
            serde_json::from_str::<Value>(document).unwrap(),
            json!({
                "name": "attempt",
                "type": "subsegment",
                "trace_id": "1-5759e988-bd862e3fe1be46a994272793",
                "parent_id": "53995c3f42cd8ad8",
                "id": "0000000000000002",
                "start_time": 1.5,
                "end_time": 1.5,
                "fault": true,
                "annotations": {"hook_id": 7, "error": "receiver answered 503"},
            }),
            "and nothing came of the other two"
        );
        daemon.set_nonblocking(true).unwrap();
        assert!(daemon.recv(&mut datagram).is_err(), "one datagram");
    }

    #[test]
    fn a_daemon_that_is_not_there_harms_nobody() {
        let gone = daemon().local_addr().unwrap();
        told(gone, || (0..1_000).for_each(|_| drop(attempt("0000000000000001", true))));
    }
}

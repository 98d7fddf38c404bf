//! How does X-Ray write what others write as `traceparent`?
//!
//! `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1` is
//! `00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01`: the same ids, cut otherwise.

use hooks::trace::TraceParent;
use http::{HeaderName, HeaderValue, Request};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// Reads what X-Ray writes, and Lambda says of each invocation. Where no parent is named, one is
/// made up: a trace without spans has to begin somewhere.
pub fn from_xray(text: &str) -> Option<TraceParent> {
    let member =
        |name: &str| text.split(';').find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='));
    let is_sampled = member("Sampled") == Some("1");
    let (time, rest) = member("Root")?.strip_prefix("1-")?.split_once('-')?;
    let trace = hex(time, 8)? << 96 | hex(rest, 24)?;
    match member("Parent") {
        Some(parent) => TraceParent::new(trace, u64::try_from(hex(parent, 16)?).ok()?, is_sampled),
        None => TraceParent::new(trace, 1, is_sampled).map(|it| it.child()),
    }
}

/// The same, as X-Ray writes it.
pub fn to_xray(place: &TraceParent) -> String {
    let root = root(place.trace_id());
    let sampled = u8::from(place.is_sampled());
    format!("Root={root};Parent={:016x};Sampled={sampled}", place.span_id())
}

/// A trace's id, as X-Ray writes it.
pub(crate) fn root(trace_id: u128) -> String {
    let digits = format!("{trace_id:032x}");
    format!("1-{}-{}", &digits[..8], &digits[8..])
}

/// A request that says where it belongs: as its sender says, or else as AWS does.
pub fn traced<B>(mut request: Request<B>) -> Request<B> {
    let headers = request.headers_mut();
    if !headers.contains_key(TRACEPARENT) {
        let xray = headers.get(XRAY).and_then(|it| it.to_str().ok());
        if let Some(place) = xray.and_then(from_xray) {
            let value = HeaderValue::try_from(place.to_string()).expect("digits and dashes");
            headers.insert(TRACEPARENT, value);
        }
    }
    request
}

fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.len() == digits && text.bytes().all(|it| it.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const XRAY_SAYS: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const W3C_SAYS: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

    #[test]
    fn both_say_the_same() {
        assert_eq!(from_xray(XRAY_SAYS).unwrap().to_string(), W3C_SAYS);
        assert_eq!(to_xray(&W3C_SAYS.parse().unwrap()), XRAY_SAYS);
    }

    #[test]
    fn what_xray_and_lambda_write_is_read() {
        const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
        const PARENT: &str = "Parent=53995c3f42cd8ad8";
        for (name, text, sampled) in [
            ("all three", format!("{ROOT};{PARENT};Sampled=1"), Some(true)),
            ("not sampled", format!("{ROOT};{PARENT};Sampled=0"), Some(false)),
            ("not decided", format!("{ROOT};{PARENT};Sampled=?"), Some(false)),
            ("nothing of sampling", format!("{ROOT};{PARENT}"), Some(false)),
            ("Lambda's addition", format!("{ROOT};{PARENT};Sampled=1;Lineage=1:a:0"), Some(true)),
            ("another order, with spaces", format!("Sampled=1; {PARENT}; {ROOT}"), Some(true)),
            ("the load balancer's own", format!("Self=1-67891233-abcdef;{ROOT}"), Some(false)),
            ("no parent", ROOT.to_owned(), Some(false)),
            ("no root", PARENT.to_owned(), None),
            ("a parent of zeros", format!("{ROOT};Parent=0000000000000000"), None),
            ("a short parent", format!("{ROOT};Parent=53995c3f"), None),
            ("another version", format!("{};{PARENT}", ROOT.replace("=1-", "=2-")), None),
            ("no digits", format!("Root=1-5759e988-{};{PARENT}", "+".repeat(24)), None),
            ("nothing", String::new(), None),
        ] {
            assert_eq!(from_xray(&text).map(|it| it.is_sampled()), sampled, "{name}");
        }
    }

    #[test]
    fn a_request_keeps_the_place_that_its_sender_gave_it() {
        for (name, headers, expected) in [
            ("neither", &[][..], None),
            ("AWS alone", &[("x-amzn-trace-id", XRAY_SAYS)], Some(W3C_SAYS)),
            ("the sender", &[("traceparent", "x"), ("x-amzn-trace-id", XRAY_SAYS)], Some("x")),
            ("nothing of use", &[("x-amzn-trace-id", "Root=x")], None),
        ] {
            let mut request = Request::new(());
            for (name, value) in headers {
                request.headers_mut().insert(*name, HeaderValue::from_static(value));
            }
            let request = traced(request);
            let found = request.headers().get("traceparent").map(|it| it.to_str().unwrap());
            assert_eq!(found, expected, "{name}");
        }
    }
}

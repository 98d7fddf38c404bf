//! A receiver for those who have none: prints each request and whether its signatures hold.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use handlers::signature::{self, Mismatch};
use hooks::{ports::Clock as _, secret::Secret};
use http::{HeaderMap, StatusCode, request::Parts};
use tokio::net::TcpListener;

use crate::{clock::SystemClock, config::Listen, say};

/// The largest body that is taken.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How far a request's time may be off.
const TOLERANCE: Duration = Duration::from_mins(5);

/// The headers that a request is shown with.
const SHOWN: [&str; 4] = ["content-type", "webhook-id", "webhook-timestamp", "user-agent"];

struct Receiver {
    secret: Option<Secret>,
    status: StatusCode,
    count: AtomicU64,
}

/// Listens until the process is stopped.
pub(crate) async fn listen(config: Listen) -> Result<(), String> {
    let listener = TcpListener::bind(config.address).await.map_err(|error| {
        format!("cannot listen on {}: {error}; choose another --listen", config.address)
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let receiver = Receiver {
        secret: config.secret.map(Secret::new),
        status: StatusCode::from_u16(config.status).expect("bounded by the command line"),
        count: AtomicU64::new(0),
    };
    say!("listening on http://{address}, answering {}", receiver.status);
    if receiver.secret.is_none() {
        say!("no --secret given: signatures are shown, not checked");
    }
    let router = Router::new().fallback(receive).with_state(Arc::new(receiver));
    axum::serve(listener, router).await.map_err(|error| error.to_string())
}

async fn receive(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        say!("a request ended early, or was larger than {MOST_BYTES} bytes");
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let number = receiver.count.fetch_add(1, Ordering::Relaxed) + 1;
    say!("{}", shown(number, &head, &body, receiver.secret.as_ref()));
    receiver.status.into_response()
}

fn shown(number: u64, head: &Parts, body: &Bytes, secret: Option<&Secret>) -> String {
    let mut text = format!("\n#{number}  {} {}\n", head.method, head.uri);
    let mut line = |name: &str, value: &str| {
        writeln!(text, "  {name:<19} {value}").expect("writing to a String cannot fail");
    };
    for name in SHOWN {
        if let Some(value) = header(&head.headers, name) {
            line(name, value);
        }
    }
    line("x-kong-signature", &kong(&head.headers, body, secret));
    line("webhook-signature", &standard(&head.headers, body, secret));
    text.push_str(&pretty(body));
    // Terminals obey control characters, and whoever sends a request is nobody to be obeyed.
    text.replace(|it: char| it.is_control() && !matches!(it, '\n' | '\t'), "\u{fffd}")
}

fn kong(headers: &HeaderMap, body: &[u8], secret: Option<&Secret>) -> String {
    match (header(headers, "x-kong-signature"), secret) {
        (None, _) => "absent".to_owned(),
        (Some(value), None) => value.to_owned(),
        (Some(value), Some(secret)) => verdict(value, signature::verify_kong(secret, value, body)),
    }
}

fn standard(headers: &HeaderMap, body: &[u8], secret: Option<&Secret>) -> String {
    let one = |name| header(headers, name);
    let signed = (one("webhook-id"), one("webhook-timestamp"), one("webhook-signature"));
    match (signed, secret) {
        ((_, _, None), _) => "absent".to_owned(),
        ((_, _, Some(value)), None) => value.to_owned(),
        ((Some(id), Some(timestamp), Some(value)), Some(secret)) => {
            let now = SystemClock.now();
            let verified =
                signature::verify_standard(secret, id, timestamp, value, body, now, TOLERANCE);
            verdict(value, verified)
        }
        (_, Some(_)) => "INVALID: webhook-id or webhook-timestamp is absent".to_owned(),
    }
}

fn verdict(value: &str, verified: Result<(), Mismatch>) -> String {
    match verified {
        Ok(()) => format!("valid    {value}"),
        Err(mismatch) => format!("INVALID: {mismatch}    {value}"),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn pretty(body: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_obeyed_to_what_a_request_says() {
        for (name, body, expected) in [
            ("text", &b"plain\ttext\nof two lines"[..], "plain\ttext\nof two lines"),
            ("a colour", b"\x1b[31mred", "\u{fffd}[31mred"),
            ("a title", b"\x1b]0;title\x07", "\u{fffd}]0;title\u{fffd}"),
            ("a line written over", b"real\rfake", "real\u{fffd}fake"),
            ("an escape of one character", "\u{9b}31m".as_bytes(), "\u{fffd}31m"),
            ("the same inside JSON", "\"\u{9b}31m\u{7f}\"".as_bytes(), "\"\u{fffd}31m\u{fffd}\""),
            ("an escape that JSON keeps", br#""\u001b[31m""#, r#""\u001b[31m""#),
            ("no UTF-8", b"\xff\x9b31m", "\u{fffd}\u{fffd}31m"),
        ] {
            let request = http::Request::post("/\u{9b}").header("user-agent", "a\tb").body(());
            let (head, ()) = request.unwrap().into_parts();
            let text = shown(1, &head, &Bytes::from(body), None);
            assert!(text.ends_with(&format!("absent\n{expected}")), "{name}: {text:?}");
            let obeyed = |it: char| it.is_control() && it != '\n' && it != '\t';
            assert!(!text.contains(obeyed), "{name}: {text:?}");
        }
    }
}

//! What is told of a request that was made or tried?

use hooks::{
    delivery::{HandlerResult, Report},
    target_url::TargetUrl,
    time::Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::RETRY_AFTER};

use crate::{
    egress::{Answer, SendError},
    failure,
    headers::HeaderError,
    signature::{WEBHOOK_ID, WEBHOOK_TIMESTAMP},
};

/// Method and URL as the log of deliveries shows them. Credentials are left out, and so is what
/// stands in the query, for there may be a token in it.
pub(crate) fn request_line(method: &Method, target: &TargetUrl) -> String {
    let url = target.as_url();
    let (scheme, host, path) = (url.scheme(), url.host_str().unwrap_or_default(), url.path());
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = if url.query().is_some() { "?***" } else { "" };
    format!("{method} {scheme}://{host}{port}{path}{query}")
}

/// Headers as the log of deliveries shows them. Nobody can tell which of the administrator's own
/// hold a secret: the values shown are those of headers that never do.
pub(crate) fn shown_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |name: &HeaderName, value: &HeaderValue| match name.as_str() {
        "accept" | "content-type" | "user-agent" | WEBHOOK_ID | WEBHOOK_TIMESTAMP => {
            lossy(value.as_bytes())
        }
        _ => "***".to_owned(),
    };
    headers.iter().map(|(name, value)| (name.to_string(), shown(name, value))).collect()
}

/// The report of a request that was made `at` that time.
pub(crate) fn of_exchange(
    line: String,
    headers: Vec<(String, String)>,
    sent: Result<Answer, SendError>,
    at: Timestamp,
) -> Report {
    let (outcome, result) = match sent {
        Ok(answer) => {
            let asked = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            let retry_after = asked.and_then(|value| failure::retry_after(value, at));
            (failure::outcome_of(answer.status, retry_after), answered(&answer))
        }
        Err(error) => (failure::transient(error.to_string()), HandlerResult::Nothing),
    };
    Report { outcome, request: Some(line), headers, result }
}

/// The report of a request that could not be made, for its headers are none.
pub(crate) fn of_bad_headers(line: String, error: &HeaderError) -> Report {
    let outcome = failure::transient(format!("config.headers: {error}"));
    let request = Some(line);
    Report { request, ..Report::without_request(outcome, HandlerResult::Nothing) }
}

fn answered(answer: &Answer) -> HandlerResult {
    HandlerResult::Answered {
        status: answer.status,
        headers: in_words(&answer.headers),
        body: body(&answer.body),
    }
}

/// Headers in words, as they came.
pub(crate) fn in_words(headers: &HeaderMap) -> Vec<(String, String)> {
    headers.iter().map(|(name, it)| (name.to_string(), lossy(it.as_bytes()))).collect()
}

/// A body in words, no longer than what was read: bytes that are no text take three times as much.
fn body(bytes: &[u8]) -> String {
    let mut text = lossy(bytes);
    text.truncate(text.floor_char_boundary(Answer::MOST_READ));
    text
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_shows_no_secret() {
        for (url, expected) in [
            ("https://example.com", "POST https://example.com/"),
            ("http://example.com:8080/a/b", "POST http://example.com:8080/a/b"),
            ("https://user:pass@example.com/a?token=t#f", "POST https://example.com/a?***"),
            ("https://example.com/?token", "POST https://example.com/?***"),
            ("https://[2606:4700::1111]/", "POST https://[2606:4700::1111]/"),
        ] {
            let target = TargetUrl::parse(url).unwrap();
            assert_eq!(request_line(&Method::POST, &target), expected);
        }
    }
}

//! Which headers may a hook set, and which ones are ours?
//!
//! Told when a hook is saved, and obeyed when it is sent: a header that is ours is not the hook's
//! to set even where a hook that was stored long ago says so.

use std::collections::HashSet;

use hooks::handler::Headers;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The most headers that a hook may have.
const MOST: usize = 100;

/// The longest value that a header may have, whatever a template makes of it.
const LONGEST_VALUE: usize = 8 * 1024;

/// How many of our own there are at most: room for them saves growing the map.
const OURS: usize = 7;

/// Why a hook cannot have these headers. The wording of the first is the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error("bad header name '{0}', allowed characters are A-Z, a-z, 0-9, '_', and '-'")]
    Name(String),
    #[error("header '{name}' cannot be set: {why}")]
    Ours { name: String, why: &'static str },
    #[error("bad value of header '{0}', line breaks and other control characters are not allowed")]
    Value(String),
    #[error("the value of header '{0}' is longer than {LONGEST_VALUE} bytes")]
    TooLong(String),
    #[error("header '{0}' is there twice")]
    Twice(String),
    #[error("too many headers, at most {MOST}")]
    TooMany,
}

/// What is wrong with the headers of a hook, if anything. Values that are still templates are
/// not looked at.
pub(crate) fn check(headers: &Headers, templates: bool) -> Result<(), HeaderError> {
    let mut seen = HashSet::with_capacity(headers.len());
    bounded(headers)?.iter().try_for_each(|(name, value)| {
        let read = read_name(name)?;
        if !seen.insert(read.clone()) {
            return Err(HeaderError::Twice(name.clone()));
        }
        if let Some(why) = reserved(read.as_str()) {
            return Err(HeaderError::Ours { name: name.clone(), why });
        }
        if templates { Ok(()) } else { read_value(name, value).map(drop) }
    })
}

/// The headers of a hook, ready to be sent, without those that are ours.
pub(crate) fn ready(headers: &Headers) -> Result<HeaderMap, HeaderError> {
    let mut ready = HeaderMap::with_capacity(bounded(headers)?.len() + OURS);
    for (name, value) in headers {
        let read = read_name(name)?;
        if reserved(read.as_str()).is_none() {
            ready.append(read, read_value(name, value)?);
        }
    }
    Ok(ready)
}

fn bounded(headers: &Headers) -> Result<&Headers, HeaderError> {
    if headers.len() > MOST { Err(HeaderError::TooMany) } else { Ok(headers) }
}

/// Why a header, by its name in lower case, is not a hook's to set.
fn reserved(name: &str) -> Option<&'static str> {
    match name {
        "content-length" => Some("it follows from the body"),
        "host" => Some("it follows from the url"),
        "x-kong-signature" => Some("it is the signature that config.secret makes"),
        _ if is_of_the_connection(name) => Some("it belongs to the connection"),
        _ if name.starts_with("webhook-") => Some("webhook-* is what Standard Webhooks signs with"),
        _ if name.starts_with("proxy-") => Some("no proxy is used"),
        _ => None,
    }
}

/// Does a header, by its name in lower case, belong to the connection and not to the request?
pub(crate) fn is_of_the_connection(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade")
}

fn read_name(name: &str) -> Result<HeaderName, HeaderError> {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || it == b'_' || it == b'-';
    let read = HeaderName::try_from(name).ok().filter(|_| name.bytes().all(allowed));
    read.ok_or_else(|| HeaderError::Name(name.to_owned()))
}

fn read_value(name: &str, value: &str) -> Result<HeaderValue, HeaderError> {
    if value.len() > LONGEST_VALUE {
        return Err(HeaderError::TooLong(name.to_owned()));
    }
    // From bytes, so that UTF-8 passes as it is.
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| HeaderError::Value(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&str, &str)]) -> Headers {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_hook_may_set_any_header_that_is_not_ours() {
        let ours = |name: &str, why: &str| Err(format!("header '{name}' cannot be set: {why}"));
        let bad_value = |name: &str| {
            Err(format!(
                "bad value of header '{name}', line breaks and other control characters are not allowed"
            ))
        };
        for (name, value, expected) in [
            ("X-Custom-Header", "My Value", Ok(())),
            ("content-type", "text/plain", Ok(())),
            ("User-Agent", "mine", Ok(())),
            ("authorization", "Bearer x", Ok(())),
            ("x_y-z", "", Ok(())),
            ("x-utf8", "héllo\t✓", Ok(())),
            ("x-kong-signatures", "mine", Ok(())),
            (
                "a b",
                "",
                Err("bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'"
                    .to_owned()),
            ),
            (
                "",
                "",
                Err("bad header name '', allowed characters are A-Z, a-z, 0-9, '_', and '-'"
                    .to_owned()),
            ),
            (
                "x.y",
                "",
                Err("bad header name 'x.y', allowed characters are A-Z, a-z, 0-9, '_', and '-'"
                    .to_owned()),
            ),
            ("Content-Length", "1", ours("Content-Length", "it follows from the body")),
            ("HOST", "x", ours("HOST", "it follows from the url")),
            (
                "X-Kong-Signature",
                "x",
                ours("X-Kong-Signature", "it is the signature that config.secret makes"),
            ),
            (
                "Webhook-Anything",
                "x",
                ours("Webhook-Anything", "webhook-* is what Standard Webhooks signs with"),
            ),
            (
                "Transfer-Encoding",
                "chunked",
                ours("Transfer-Encoding", "it belongs to the connection"),
            ),
            ("te", "trailers", ours("te", "it belongs to the connection")),
            ("Proxy-Authorization", "x", ours("Proxy-Authorization", "no proxy is used")),
            ("x-a", "one\r\nx-b: two", bad_value("x-a")),
            ("x-a", "nul\0", bad_value("x-a")),
            ("x-a", "\u{1b}[31m", bad_value("x-a")),
        ] {
            let checked = check(&headers(&[(name, value)]), false).map_err(|it| it.to_string());
            assert_eq!(checked, expected, "{name}: {value}");
        }
    }

    #[test]
    fn a_template_is_not_judged_as_a_value_but_its_name_is() {
        assert_eq!(check(&headers(&[("x-a", "{{ a }}\n")]), true), Ok(()));
        assert!(check(&headers(&[("host", "{{ a }}")]), true).is_err());
    }

    #[test]
    fn a_name_stands_once_whatever_its_case() {
        let twice = headers(&[("Content-Type", "a"), ("content-type", "b")]);
        assert_eq!(check(&twice, false), Err(HeaderError::Twice("content-type".to_owned())));
    }

    #[test]
    fn headers_are_bounded() {
        let long = headers(&[("x-a", &"x".repeat(LONGEST_VALUE + 1))]);
        assert_eq!(ready(&long), Err(HeaderError::TooLong("x-a".to_owned())));
        let many = |count| (0..count).map(|it| (format!("x-{it}"), String::new())).collect();
        assert_eq!(check(&many(MOST), false), Ok(()));
        assert_eq!(check(&many(MOST + 1), false), Err(HeaderError::TooMany));
    }

    #[test]
    fn a_stored_header_that_is_ours_is_not_sent() {
        let stored = headers(&[("Host", "elsewhere"), ("X-A", "1"), ("x-a", "2")]);
        let ready = ready(&stored).unwrap();
        assert_eq!(ready.len(), 2);
        assert_eq!(ready.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    }
}

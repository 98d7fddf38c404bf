//! Was this sent by a web page that has no business here?
//!
//! Where no token is configured, whoever reaches the port is an admin, and any page in a browser
//! on the same machine reaches it: by a plain form, or by a name of its own that it lets point
//! to 127.0.0.1 (DNS rebinding). So without a token, requests that a page of another origin made
//! are refused, and so are those to a name that is not this machine's.

use std::net::IpAddr;

use http::{HeaderMap, StatusCode, Uri, header};

use crate::error::Refusal;

/// Refuses what only a foreign web page sends.
pub(crate) fn refuse_foreign_page(headers: &HeaderMap, uri: &Uri) -> Result<(), Refusal> {
    let forbid = |reason: &str| Err(Refusal::Because(StatusCode::FORBIDDEN, reason.into()));
    let text = |name: &str| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    let host = text("host").or_else(|| uri.authority().map(http::uri::Authority::as_str));

    if host.is_some_and(|host| !is_this_machine(host)) {
        return forbid("without a token, requests are taken at localhost or an IP address only");
    }
    let is_foreign = match text("sec-fetch-site") {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => false,
    };
    let origin = text(header::ORIGIN.as_str()).map(|it| it.split_once("://").map(|(_, host)| host));
    let is_other = origin.is_some_and(|origin| match (origin, host) {
        (Some(origin), Some(host)) => !origin.eq_ignore_ascii_case(host),
        _ => true,
    });
    if is_foreign || is_other {
        return forbid("without a token, requests of other sites' pages are not taken");
    }
    Ok(())
}

fn is_this_machine(host: &str) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    };
    let address = without_port.trim_start_matches('[').trim_end_matches(']');
    without_port.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_pages_of_our_own_get_in() {
        for (name, headers, passes) in [
            ("no headers at all", &[][..], true),
            ("curl", &[("host", "localhost:8001")], true),
            ("an address", &[("host", "127.0.0.1:8001")], true),
            ("an IPv6 address", &[("host", "[::1]:8001")], true),
            ("an IPv6 address without a port", &[("host", "[::1]")], true),
            ("no port", &[("host", "LocalHost")], true),
            ("a name that points here", &[("host", "evil.example:8001")], false),
            ("a name like an address", &[("host", "127.0.0.1.evil.example")], false),
            ("a name like ours", &[("host", "localhost.evil.example")], false),
            (
                "our own page",
                &[
                    ("host", "localhost:8001"),
                    ("origin", "http://localhost:8001"),
                    ("sec-fetch-site", "same-origin"),
                ],
                true,
            ),
            (
                "typed into the address bar",
                &[("host", "localhost"), ("sec-fetch-site", "none")],
                true,
            ),
            (
                "another port's page",
                &[("host", "localhost:8001"), ("origin", "http://localhost:3000")],
                false,
            ),
            (
                "another site's page",
                &[("host", "localhost:8001"), ("origin", "https://evil.example")],
                false,
            ),
            ("a page without an origin", &[("host", "localhost:8001"), ("origin", "null")], false),
            (
                "an image of another site's page",
                &[("host", "localhost:8001"), ("sec-fetch-site", "cross-site")],
                false,
            ),
            (
                "a page of the same site",
                &[("host", "localhost:8001"), ("sec-fetch-site", "same-site")],
                false,
            ),
            ("an origin that is no text", &[("host", "localhost"), ("origin", "\u{e9}")], false),
        ] {
            let headers = headers
                .iter()
                .map(|(name, value)| {
                    let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                    (HeaderName::from_static(name), value)
                })
                .collect();
            let passed = refuse_foreign_page(&headers, &Uri::from_static("/events")).is_ok();
            assert_eq!(passed, passes, "{name}");
        }
    }
}

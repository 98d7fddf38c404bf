//! Where a webhook may point: an absolute http or https URL with a host.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// A URL that a webhook may be sent to, as far as its text can tell. Whether its address may
/// be dialled is egress' to say, at each attempt.
///
/// It is shown as it was typed, and dialled as the WHATWG URL standard reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetUrl {
    typed: String,
    parsed: Url,
}

/// Why a text is no target. The wording of the first two is the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetUrlError {
    /// No `http://` or `https://` in front.
    #[error("missing scheme in url")]
    MissingScheme,
    /// Nothing between scheme and path.
    #[error("missing host in url")]
    MissingHost,
    /// A scheme that no webhook is sent by.
    #[error("scheme '{0}' is not supported, use http or https")]
    Scheme(String),
    /// Longer than [`TargetUrl::MOST_BYTES`].
    #[error("url is longer than {} bytes", TargetUrl::MOST_BYTES)]
    TooLong,
    /// Characters that parsers drop, and that would do harm wherever the URL is shown.
    #[error("url must not contain line breaks or other control characters")]
    ControlCharacter,
    /// Space that parsers drop.
    #[error("url must not begin or end with a space")]
    Space,
    /// Whatever else the URL standard objects to.
    #[error("invalid url: {0}")]
    Invalid(String),
}

impl TargetUrl {
    /// The longest URL that is taken.
    pub const MOST_BYTES: usize = 8 * 1024;

    /// Reads a URL.
    pub fn parse(typed: &str) -> Result<Self, TargetUrlError> {
        if typed.len() > Self::MOST_BYTES {
            return Err(TargetUrlError::TooLong);
        }
        if typed.contains(char::is_control) {
            return Err(TargetUrlError::ControlCharacter);
        }
        if typed.trim() != typed {
            return Err(TargetUrlError::Space);
        }
        let parsed = Url::parse(typed).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => TargetUrlError::MissingScheme,
            url::ParseError::EmptyHost => TargetUrlError::MissingHost,
            other => TargetUrlError::Invalid(other.to_string()),
        })?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(TargetUrlError::Scheme(parsed.scheme().to_owned()));
        }
        // The standard reads a host into `http:/path` and `http:///path`; people do not.
        let after_scheme = typed[parsed.scheme().len()..].strip_prefix("://");
        if after_scheme
            .is_none_or(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#', '\\']))
        {
            return Err(TargetUrlError::MissingHost);
        }
        Ok(Self { typed: typed.to_owned(), parsed })
    }

    /// The same with these fields behind its query; [`TargetUrlError::TooLong`] if that is more
    /// than a URL may have.
    pub fn with_query<'q>(
        &self,
        fields: impl IntoIterator<Item = (&'q str, impl AsRef<str>)>,
    ) -> Result<Self, TargetUrlError> {
        let mut fields = fields.into_iter().peekable();
        if fields.peek().is_none() {
            return Ok(self.clone());
        }
        let mut url = self.parsed.clone();
        url.query_pairs_mut().extend_pairs(fields);
        Self::parse(url.as_str())
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// As it is dialled.
    pub fn as_url(&self) -> &Url {
        &self.parsed
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.typed)
    }
}

impl TryFrom<String> for TargetUrl {
    type Error = TargetUrlError;

    fn try_from(typed: String) -> Result<Self, Self::Error> {
        Self::parse(&typed)
    }
}

impl From<TargetUrl> for String {
    fn from(url: TargetUrl) -> Self {
        url.typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_scheme_and_a_host() {
        for (name, typed, expected) in [
            ("https", "https://hooks.slack.com/services/foo", Ok(())),
            ("upper-case scheme", "HTTP://example.com", Ok(())),
            ("no scheme", "example.com/x", Err(TargetUrlError::MissingScheme)),
            ("no scheme but slashes", "//example.com/", Err(TargetUrlError::MissingScheme)),
            ("no host", "http://", Err(TargetUrlError::MissingHost)),
            ("no host but a query", "http://?x", Err(TargetUrlError::MissingHost)),
            ("one slash", "http:/example.com", Err(TargetUrlError::MissingHost)),
            ("three slashes", "http:///example.com", Err(TargetUrlError::MissingHost)),
            ("a file", "file:///etc/passwd", Err(TargetUrlError::Scheme("file".into()))),
            (
                "a port like a path",
                "localhost:9000/x",
                Err(TargetUrlError::Scheme("localhost".into())),
            ),
            ("nothing", "", Err(TargetUrlError::MissingScheme)),
            ("a line break", "http://a.example/\r\nb", Err(TargetUrlError::ControlCharacter)),
            (
                "a line break in the scheme",
                "ht\ntp://a.example",
                Err(TargetUrlError::ControlCharacter),
            ),
            ("a tab in the host", "http://a\t.example", Err(TargetUrlError::ControlCharacter)),
            ("a NUL at the end", "http://a.example/\0", Err(TargetUrlError::ControlCharacter)),
            (
                "a line break at the end",
                "http://a.example\n",
                Err(TargetUrlError::ControlCharacter),
            ),
            (
                "a control character beyond ASCII",
                "http://a.example/\u{85}",
                Err(TargetUrlError::ControlCharacter),
            ),
            ("a space in front", " http://a.example", Err(TargetUrlError::Space)),
            ("a space at the end", "http://a.example/ ", Err(TargetUrlError::Space)),
            ("a space of another kind", "http://a.example/\u{a0}", Err(TargetUrlError::Space)),
            ("a space within", "http://a.example/b c", Ok(())),
        ] {
            assert_eq!(TargetUrl::parse(typed).map(drop), expected, "{name}");
        }
    }

    #[test]
    fn a_target_is_shown_as_typed() {
        assert_eq!(
            TargetUrl::parse("https://example.com").unwrap().as_str(),
            "https://example.com"
        );
    }
}

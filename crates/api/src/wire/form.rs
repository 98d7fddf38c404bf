//! What does a form say? `application/x-www-form-urlencoded`, as the gateway reads it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::arguments::{ArgumentsError, MOST_ARGUMENTS};

/// The arguments of a form, in order, each under its decoded name. A name without `=` is `true`.
pub(super) fn arguments(body: &[u8]) -> Result<Vec<(String, Value)>, ArgumentsError> {
    let body = str::from_utf8(body).map_err(|_| ArgumentsError::NotUtf8)?;
    let pairs = || body.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with('='));
    if pairs().nth(MOST_ARGUMENTS).is_some() {
        return Err(ArgumentsError::TooMany);
    }
    pairs()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => Ok((decode(name)?, decode(value)?.into())),
            None => Ok((decode(pair)?, true.into())),
        })
        .collect()
}

fn decode(text: &str) -> Result<String, ArgumentsError> {
    let text = if text.contains('+') { text.replace('+', " ").into() } else { Cow::from(text) };
    let decoded = percent_decode_str(&text).decode_utf8().map_err(|_| ArgumentsError::NotUtf8)?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_names_and_values() {
        for (name, body, expected) in [
            ("nothing", "", json!([])),
            ("a value", "a=1", json!([["a", "1"]])),
            ("an empty value", "a=", json!([["a", ""]])),
            ("no value", "a", json!([["a", true]])),
            ("no name", "=1&&b=2&", json!([["b", "2"]])),
            ("a value with an equals sign", "a=b=c", json!([["a", "b=c"]])),
            ("spaces", "a+b=c+d%20e", json!([["a b", "c d e"]])),
            ("an encoded plus", "a=1%2B1", json!([["a", "1+1"]])),
            (
                "a percent sign that encodes nothing",
                "a=100%&b=%zz",
                json!([["a", "100%"], ["b", "%zz"]]),
            ),
            ("not only ASCII", "a=%C3%A4\u{f6}", json!([["a", "äö"]])),
        ] {
            let read = arguments(body.as_bytes()).unwrap();
            assert_eq!(json!(read), expected, "{name}");
        }
        for (name, body) in [("encoded", &b"a=%FF"[..]), ("plain", b"a=\xff"), ("a name", b"%C3=1")]
        {
            assert_eq!(arguments(body), Err(ArgumentsError::NotUtf8), "{name}");
        }
    }
}

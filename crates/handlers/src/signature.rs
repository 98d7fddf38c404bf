//! How does a receiver know that a webhook is ours?
//!
//! Two schemes, side by side. The gateway's own is an HMAC of the body in `x-kong-signature`,
//! made with the present secret. [Standard Webhooks](https://www.standardwebhooks.com) signs id,
//! time and body, once for every secret in force, so that a secret can be replaced without a gap.
//!
//! MACs are compared by the `hmac` crate, in constant time.

use std::{fmt, str::FromStr, time::Duration};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use hmac::{Hmac, KeyInit, Mac};
use hooks::{id::DeliveryId, secret::Secret, time::Timestamp};
use sha1::Sha1;
use sha2::Sha256;

/// The header of the gateway's own signature.
pub const KONG_SIGNATURE: &str = "x-kong-signature";
/// The header with the delivery's id.
pub const WEBHOOK_ID: &str = "webhook-id";
/// The header with the time of the attempt, in seconds since 1970.
pub const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures of Standard Webhooks.
pub const WEBHOOK_SIGNATURE: &str = "webhook-signature";

/// The hash in `x-kong-signature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureAlgorithm {
    /// As the reference does.
    #[default]
    Sha1,
    /// As newer gateways do.
    Sha256,
}

/// The name of no algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a signature algorithm, use sha1 or sha256")]
pub struct UnknownAlgorithm(String);

/// Why a webhook was not made with this secret, here and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A header that has to be there is not.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// The signature is in no form that is known.
    #[error("the signature has no known form")]
    Form,
    /// The time is not one in seconds since 1970.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// It was signed too long ago, and may be a replay.
    #[error("signed too long ago")]
    TooOld,
    /// It was signed in the future.
    #[error("signed in the future")]
    TooNew,
    /// Another secret, another body, another id or another time.
    #[error("the signature does not match")]
    Signature,
}

/// The value of `x-kong-signature`. The secret's bytes are used as typed, `whsec_` or not.
pub fn sign_kong(algorithm: SignatureAlgorithm, secret: &Secret, body: &[u8]) -> String {
    let key = secret.expose().as_bytes();
    let mac = match algorithm {
        SignatureAlgorithm::Sha1 => hex(&sha1_of(key, body).finalize().into_bytes()),
        SignatureAlgorithm::Sha256 => hex(&sha256_of(key, &[body]).finalize().into_bytes()),
    };
    format!("{algorithm}={mac}")
}

/// The value of `webhook-signature`: one signature for every secret; `None` without any.
pub fn sign_standard<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    id: DeliveryId,
    at: Timestamp,
    body: &[u8],
) -> Option<String> {
    let (id, timestamp) = (id.to_string(), at.as_seconds().to_string());
    let signatures: Vec<_> = secrets
        .into_iter()
        .map(|secret| standard(secret, &id, &timestamp, body).finalize().into_bytes())
        .map(|mac| format!("v1,{}", STANDARD.encode(mac)))
        .collect();
    (!signatures.is_empty()).then(|| signatures.join(" "))
}

/// Was this `x-kong-signature` made with this secret? Both algorithms are understood.
pub fn verify_kong(secret: &Secret, header: &str, body: &[u8]) -> Result<(), Mismatch> {
    if header.is_empty() {
        return Err(Mismatch::Missing(KONG_SIGNATURE));
    }
    let (algorithm, mac) = header.split_once('=').ok_or(Mismatch::Form)?;
    let mac = unhex(mac).ok_or(Mismatch::Form)?;
    let key = secret.expose().as_bytes();
    match algorithm.parse().map_err(|_| Mismatch::Form)? {
        SignatureAlgorithm::Sha1 => sha1_of(key, body).verify_slice(&mac),
        SignatureAlgorithm::Sha256 => sha256_of(key, &[body]).verify_slice(&mac),
    }
    .map_err(|_| Mismatch::Signature)
}

/// Was this webhook signed with this secret, and not further than `tolerance` from now? A header
/// that did not come is empty.
pub fn verify_standard(
    secret: &Secret,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> Result<(), Mismatch> {
    let headers =
        [(WEBHOOK_ID, id), (WEBHOOK_TIMESTAMP, timestamp), (WEBHOOK_SIGNATURE, signatures)];
    if let Some((missing, _)) = headers.into_iter().find(|(_, value)| value.is_empty()) {
        return Err(Mismatch::Missing(missing));
    }
    recent(timestamp, now, tolerance)?;
    let made = standard(secret, id, timestamp, body);
    let mut known = false;
    for mac in signatures.split(' ').filter_map(|it| it.strip_prefix("v1,")) {
        known = true;
        if STANDARD.decode(mac).is_ok_and(|mac| made.clone().verify_slice(&mac).is_ok()) {
            return Ok(());
        }
    }
    Err(if known { Mismatch::Signature } else { Mismatch::Form })
}

fn recent(timestamp: &str, now: Timestamp, tolerance: Duration) -> Result<(), Mismatch> {
    if !timestamp.bytes().all(|it| it.is_ascii_digit()) {
        return Err(Mismatch::Timestamp);
    }
    // The clock of the signature has whole seconds, so ours is read the same way.
    let signed = Timestamp::from_seconds(timestamp.parse().map_err(|_| Mismatch::Timestamp)?);
    let now = Timestamp::from_seconds(now.as_seconds());
    match signed.distance(now) > tolerance {
        false => Ok(()),
        true if signed < now => Err(Mismatch::TooOld),
        true => Err(Mismatch::TooNew),
    }
}

fn standard(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    sha256_of(&standard_key(secret.expose()), &parts)
}

/// What Standard Webhooks signs with: the bytes behind `whsec_` in Base64. A secret without the
/// prefix, or with something else behind it, is used as typed.
fn standard_key(secret: &str) -> Vec<u8> {
    secret
        .strip_prefix("whsec_")
        .and_then(|encoded| PADDED_OR_NOT.decode(encoded).ok())
        .filter(|key| !key.is_empty())
        .unwrap_or_else(|| secret.as_bytes().to_vec())
}

const PADDED_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn sha1_of(key: &[u8], message: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length").chain_update(message)
}

fn sha256_of(key: &[u8], message: &[&[u8]]) -> Hmac<Sha256> {
    let mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
    message.iter().fold(mac, Mac::chain_update)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |it: &u8| char::from(*it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

impl FromStr for SignatureAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        match name {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            other => Err(UnknownAlgorithm(other.to_owned())),
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        })
    }
}

#[cfg(test)]
mod tests;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_795_255_200);
const TOLERANCE: Duration = Duration::from_mins(5);

fn id() -> DeliveryId {
    "5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10".parse().unwrap()
}

fn secret() -> Secret {
    Secret::new("s3cr3t")
}

#[test]
fn every_secret_in_force_signs_once() {
    let secrets = ["new", "whsec_b2xk", "older"].map(Secret::new);
    let signatures = sign_standard(&secrets, id(), NOW, b"{}").unwrap();
    assert_eq!(signatures.split(' ').count(), 3);
    for secret in &secrets {
        let (id, timestamp) = (id().to_string(), NOW.as_seconds().to_string());
        assert_eq!(
            verify_standard(secret, &id, &timestamp, &signatures, b"{}", NOW, TOLERANCE),
            Ok(()),
            "{}",
            secret.expose()
        );
    }
    assert_eq!(sign_standard([], id(), NOW, b"{}"), None, "nothing signs nothing");
}

#[test]
fn the_key_is_what_is_behind_the_prefix() {
    for (name, typed, key) in [
        ("decoded", "whsec_b2xkIG9uZQ==", &b"old one"[..]),
        ("decoded without padding", "whsec_b2xkIG9uZQ", b"old one"),
        ("no prefix: as typed", "b2xkIG9uZQ==", b"b2xkIG9uZQ=="),
        ("not Base64: as typed", "whsec_not base64", b"whsec_not base64"),
        ("nothing behind the prefix: as typed", "whsec_", b"whsec_"),
    ] {
        assert_eq!(standard_key(typed), key, "{name}");
    }
}

#[test]
fn the_gateways_signature_is_verified_in_both_algorithms() {
    let sha1 = sign_kong(SignatureAlgorithm::Sha1, &secret(), b"{}");
    let sha256 = sign_kong(SignatureAlgorithm::Sha256, &secret(), b"{}");
    let upper = format!("sha1={}", sha1["sha1=".len()..].to_uppercase());
    for (name, header, body, expected) in [
        ("sha1", sha1.as_str(), "{}", Ok(())),
        ("sha256", &sha256, "{}", Ok(())),
        ("upper-case digits", &upper, "{}", Ok(())),
        ("another body", &sha1, "{} ", Err(Mismatch::Signature)),
        (
            "the MAC of the other algorithm",
            &sha256.replace("sha256", "sha1"),
            "{}",
            Err(Mismatch::Signature),
        ),
        ("a part of the MAC", &sha1[..sha1.len() - 2], "{}", Err(Mismatch::Signature)),
        ("no MAC", "sha1=", "{}", Err(Mismatch::Signature)),
        ("half a byte", &sha1[..sha1.len() - 1], "{}", Err(Mismatch::Form)),
        ("no algorithm", &sha1["sha1=".len()..], "{}", Err(Mismatch::Form)),
        ("an unknown algorithm", "md5=00", "{}", Err(Mismatch::Form)),
        ("no digits", "sha1=xy", "{}", Err(Mismatch::Form)),
        ("nothing", "", "{}", Err(Mismatch::Missing(KONG_SIGNATURE))),
    ] {
        assert_eq!(verify_kong(&secret(), header, body.as_bytes()), expected, "{name}");
    }
}

#[test]
fn a_signature_is_good_for_a_while() {
    let at = |seconds: i64| Timestamp::from_seconds(NOW.as_seconds() + seconds);
    for (name, timestamp, now, expected) in [
        ("at once", "1795255200", at(0), Ok(())),
        ("five minutes later", "1795255200", at(300), Ok(())),
        ("and a fraction", "1795255200", at(300) + Duration::from_millis(999), Ok(())),
        ("longer", "1795255200", at(301), Err(Mismatch::TooOld)),
        ("five minutes before", "1795255200", at(-300), Ok(())),
        ("longer before", "1795255200", at(-301), Err(Mismatch::TooNew)),
        ("milliseconds", "1795255200000", at(0), Err(Mismatch::TooNew)),
        ("signed", "+1795255200", at(0), Err(Mismatch::Timestamp)),
        ("with a fraction", "1795255200.0", at(0), Err(Mismatch::Timestamp)),
        ("beyond all numbers", &"9".repeat(100), at(0), Err(Mismatch::Timestamp)),
        ("missing", "", at(0), Err(Mismatch::Missing(WEBHOOK_TIMESTAMP))),
    ] {
        assert_eq!(recent_or_missing(timestamp, now), expected, "{name}");
    }
}

/// Verifies a webhook with this timestamp, whose signature is right.
fn recent_or_missing(timestamp: &str, now: Timestamp) -> Result<(), Mismatch> {
    let mac = standard(&secret(), "id", timestamp, b"{}").finalize().into_bytes();
    let header = format!("v1,{}", STANDARD.encode(mac));
    verify_standard(&secret(), "id", timestamp, &header, b"{}", now, TOLERANCE)
}

#[test]
fn an_algorithm_has_a_name() {
    for algorithm in [SignatureAlgorithm::Sha1, SignatureAlgorithm::Sha256] {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    let error = "SHA1".parse::<SignatureAlgorithm>().unwrap_err();
    assert_eq!(error.to_string(), "'SHA1' is not a signature algorithm, use sha1 or sha256");
}

proptest! {
    #[test]
    fn no_header_makes_verifying_panic_or_succeed(
        id: String, timestamp: String, header: String, body: Vec<u8>
    ) {
        prop_assert!(verify_kong(&secret(), &header, &body).is_err());
        let verified =
            verify_standard(&secret(), &id, &timestamp, &header, &body, NOW, TOLERANCE);
        prop_assert!(verified.is_err());
    }

    #[test]
    fn hexadecimal_is_read_as_it_is_written(bytes: Vec<u8>) {
        prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
    }
}

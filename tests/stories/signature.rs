//! Do the signatures of a request hold? Judged by a library of others, and by the formula that the
//! gateway's documents give.

use hmac::{Hmac, KeyInit as _, Mac as _};
use standardwebhooks::Webhook;
use testkit::receiver::Received;

/// A secret to sign with.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Asserts that this request, as it came, byte by byte, is signed with [`SECRET`].
pub(crate) fn assert_holds(request: &Received) {
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name.clone(), request.header(name.as_str()).unwrap().parse().unwrap());
    }
    let verified = Webhook::new(SECRET).unwrap().verify(&request.body, &headers);
    assert!(verified.is_ok(), "{verified:?}: {request:?}");

    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(&request.body);
    let signature = request.header("x-kong-signature").unwrap().strip_prefix("sha1=").unwrap();
    let bytes = signature.as_bytes().chunks(2).map(|it| std::str::from_utf8(it).unwrap());
    let bytes: Vec<_> = bytes.map(|it| u8::from_str_radix(it, 16).unwrap()).collect();
    assert!(mac.verify_slice(&bytes).is_ok(), "{signature}: {request:?}");
}

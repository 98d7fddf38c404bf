//! Whom does a hook talk to that verifies?

use std::{net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use handlers::egress::{Answer, Egress, Request, SendError};
use http::{HeaderMap, Method};
use testkit::{
    certificates::{Certificate, NAME},
    receiver::Receiver,
};

use crate::world::{Scripted, target, trusting};

const TIMEOUT: Duration = Duration::from_secs(5);

async fn post(egress: &Egress, url: &str, ssl_verify: bool) -> Result<Answer, SendError> {
    let (method, headers, body) = (Method::POST, HeaderMap::new(), Bytes::from_static(b"{}"));
    egress
        .send(Request { method, url: &target(url), headers, body, ssl_verify, within: None })
        .await
}

#[tokio::test]
async fn a_certificate_is_for_the_name_in_the_url_wherever_it_leads() {
    let receiver = receiver(Certificate::Good).await;
    let address = receiver.address();
    for (name, host, expected) in [
        ("its address", "127.0.0.1", Ok(200)),
        ("another address of the same receiver", "127.0.0.1.", Ok(200)),
        ("localhost", "localhost", Ok(200)),
        ("a name that leads there", NAME, Ok(200)),
        (
            "a name that leads there and is not its own",
            "elsewhere.example",
            Err("cannot connect: certificate is not trusted: it is for another host"),
        ),
    ] {
        let egress = trusting(TIMEOUT, Scripted::new([vec![address]]));
        let url = format!("https://{host}:{}/", address.port());
        let said = post(&egress, &url, true).await;
        let said = said.map(|answer| answer.status).map_err(|error| error.to_string());
        assert_eq!(said, expected.map_err(str::to_owned), "{name}");
    }
    assert_eq!(receiver.requests().len(), 4, "nothing was sent to whom nobody trusts");
}

#[tokio::test]
async fn a_bad_certificate_will_do_where_nothing_is_verified_and_only_there() {
    for certificate in [
        Certificate::SelfSigned,
        Certificate::Expired,
        Certificate::NotYetValid,
        Certificate::OtherHost,
        Certificate::ManyOtherHosts,
    ] {
        let receiver = receiver(certificate).await;
        let egress = trusting(TIMEOUT, Scripted::new([]));
        // The second one must not go by the connection that the first one has left behind.
        for (ssl_verify, succeeds) in [(false, true), (true, false), (false, true)] {
            let sent = post(&egress, &receiver.url(), ssl_verify).await;
            assert_eq!(sent.is_ok(), succeeds, "{certificate:?}: {sent:?}");
        }
        assert_eq!(receiver.requests().len(), 2, "{certificate:?}");
    }
}

#[tokio::test]
async fn what_the_tests_trust_is_trusted_nowhere_else() {
    let receiver = receiver(Certificate::Good).await;
    let egress = crate::world::egress(&crate::world::LOOPBACK);
    let error = post(&egress, &receiver.url(), true).await.unwrap_err();
    let expected = "cannot connect: certificate is not trusted: nobody known has signed it";
    assert_eq!(error.to_string(), expected);
}

async fn receiver(certificate: Certificate) -> Receiver {
    Receiver::https_with(Ipv4Addr::LOCALHOST.into(), certificate).await
}

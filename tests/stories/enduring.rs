//! Receivers that mean harm, as targets of real hooks: what the log says of each, and what it costs
//! a hook beside them. `crates/handlers/tests/hostile.rs` has all of their manners.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{
    hostile::{HostileReceiver, Manner},
    receiver::Receiver,
};

use self::Expected::{Delivered, Fails};
use crate::world::{World, a_change, a_webhook};

/// What is to stand in the log.
enum Expected {
    /// The receiver has it, and this is the beginning of what it answered.
    Delivered(&'static str),
    /// It is tried again, and this is the beginning of the error.
    Fails(&'static str),
}

/// How soon a healthy hook beside them must have its event.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn who_means_harm_is_put_down_in_the_log_and_harms_nobody_beside_it() {
    let world = World::with([("TIMEOUT", "3")]).await;
    let mut hostile = Vec::new();
    for (name, manner, expected) in [
        ("who does not accept", Manner::NeverAccepts, Fails("timed out after 3 s")),
        ("who does not answer", Manner::NeverAnswers, Fails("timed out after 3 s")),
        ("who drips", Manner::DripsHead, Fails("timed out after 3 s")),
        ("who resets", Manner::ResetsUnanswered, Fails("no answer: ")),
        ("an endless header", Manner::EndlessHeaderLine, Fails("no answer: ")),
        ("an endless body", Manner::EndlessBody, Delivered("aaaa")),
        ("a bomb", Manner::GzipBomb, Delivered("\u{1f}\u{fffd}\u{8}")),
        ("two lengths", Manner::TwoLengths, Fails("no answer: ")),
        ("garbage", Manner::Garbage, Fails("no answer: ")),
        ("another status", Manner::Status999, Fails("receiver answered 999")),
        ("credentials", Manner::RedirectsToMetadata, Fails("receiver answered 307")),
        ("a year", Manner::RetryAfterYear9999, Fails("receiver answered 503")),
        ("a broken handshake", Manner::TlsGarbage, Fails("cannot connect: TLS failed")),
        ("a certificate", Manner::CertificateSelfSigned, Fails("cannot connect: certificate")),
    ] {
        let receiver = HostileReceiver::start(manner).await;
        let mut hook = a_webhook(&receiver.url());
        hook["config"]["ssl_verify"] = true.into();
        hostile.push((name, world.hook(&hook).await, expected, receiver));
    }
    let healthy = Receiver::http().await;
    world.hook(&a_webhook(&healthy.url())).await;
    healthy.next().await;

    // A machine that has much to do may be slow once; who waits for another's timeout always is.
    let mut took = Vec::new();
    for _ in 0..3 {
        let posted = Instant::now();
        world.publish(&a_change()).await;
        healthy.next().await;
        took.push(posted.elapsed());
    }
    assert!(took.iter().any(|it| *it < SOON), "beside them it took {took:?}");

    for (name, hook, expected, _) in &hostile {
        // Its ping is the first that it hears. What it does to a connection that it has kept is
        // another matter.
        let is_it = |it: &&Value| it["event"] == "ping" && it["attempt"] != json!(0);
        let listed = world.deliveries(hook, |all| all.iter().any(|it| is_it(&it))).await;
        let delivery = world.delivery(hook, &listed.iter().find(is_it).unwrap()["id"]).await;
        let attempt = &delivery["attempts"][0];
        let (status, member, beginning) = match expected {
            Delivered(beginning) => ("delivered", "answer", beginning),
            Fails(beginning) => ("pending", "error", beginning),
        };
        assert_eq!(delivery["status"], status, "{name}: {attempt}");
        let said = attempt[member].as_str().unwrap_or_else(|| panic!("{name}: {attempt}"));
        assert!(said.starts_with(beginning), "{name}: {said:.200}");
        assert!(said.len() <= 3 * 4096, "{name}: {} bytes are kept", said.len());
    }
    assert_eq!(world.get("/status").await.status, 200);
}

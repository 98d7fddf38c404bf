//! What happens between the door and a receiver.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use handlers::egress::{Egress, SendError};
use testkit::receiver::{Answer, Manner, Receiver};
use tokio::net::TcpListener;

use crate::world::{LOOPBACK, Scripted, egress, policy, post, target, timed};

const TIMEOUT: Duration = Duration::from_millis(300);

fn impatient() -> Egress {
    Egress::new(policy(&LOOPBACK), TIMEOUT).unwrap()
}

#[tokio::test]
async fn a_request_takes_as_long_as_it_may_and_no_longer() {
    let receiver = Receiver::http().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("https://{}/", silent.local_addr().unwrap());
    for (name, url, answer) in [
        ("no answer", receiver.url(), Answer::status(200).after(Duration::from_mins(1))),
        ("no end of the answer", receiver.url(), Answer::status(200).manner(Manner::Stall)),
        ("no end of a body", receiver.url(), Answer::status(200).body("ok").manner(Manner::Stall)),
    ] {
        receiver.always(answer);
        let (sent, took) = timed(post(&impatient(), &target(&url))).await;
        let error = sent.unwrap_err();
        assert!(matches!(error, SendError::Timeout(_)), "{name}: {error}");
        assert_eq!(error.to_string(), "timed out after 0.3 s", "{name}");
        assert!(took >= TIMEOUT && took < TIMEOUT * 5, "{name}: {took:?}");
    }
    let (sent, took) = timed(post(&impatient(), &target(&silent))).await;
    assert!(sent.is_err() && took < TIMEOUT * 5, "no TLS: {sent:?} after {took:?}");
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_read() {
    let receiver = Receiver::http().await;
    let long: Vec<u8> = (0..1 << 20).map(|it: u32| it.to_le_bytes()[0]).collect();
    for (name, manner) in [("it ends", Manner::Polite), ("it would never end", Manner::Stall)] {
        receiver.always(Answer::status(200).body(long.clone()).manner(manner));
        let answer = post(&egress(&LOOPBACK), &target(&receiver.url())).await.unwrap();
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.body, long[..64 * 1024], "{name}");
    }
}

#[tokio::test]
async fn an_answer_is_taken_as_it_comes() {
    let receiver = Receiver::http().await;
    let egress = egress(&LOOPBACK);
    let squeezed = Answer::status(200).header("content-encoding", "gzip").body("not gzip at all");
    let broken = Answer::status(201).body("half of").manner(Manner::BreakOff);
    for (name, answer, status, body) in [
        ("not decompressed", squeezed, 200, "not gzip at all"),
        ("broken off", broken, 201, "half of"),
        ("empty", Answer::status(204), 204, ""),
        ("a failure", Answer::status(500).body("oops"), 500, "oops"),
    ] {
        receiver.always(answer);
        let answer = post(&egress, &target(&receiver.url())).await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (status, body.as_bytes()), "{name}");
    }
    assert_eq!(receiver.requests().len(), 4, "and nothing is sent twice");
}

#[tokio::test]
async fn a_failure_says_what_failed_and_no_secret() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let receiver = Receiver::http().await;
    receiver.always(Answer::status(200).manner(Manner::HangUp));
    let plain = receiver.address();
    let egress =
        Egress::with_resolver(policy(&LOOPBACK), Duration::from_secs(5), Scripted::new([]))
            .unwrap();
    for (url, expected) in [
        (
            format!("http://user:canary@{closed}/canary?canary=canary"),
            "cannot connect: connection refused",
        ),
        (
            format!("http://user:canary@{plain}/canary?canary=canary"),
            "no answer: connection closed before message completed",
        ),
        (
            format!("https://user:canary@{plain}/canary?canary=canary"),
            "cannot connect: TLS failed: what the receiver says is not TLS",
        ),
        (
            "http://user:canary@unknown.example/canary?canary=canary".to_owned(),
            "cannot connect: name does not resolve: no such name",
        ),
        ("http://user:canary@10.0.0.1/canary?canary=canary".to_owned(), "target not allowed"),
    ] {
        let error = post(&egress, &target(&url)).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{url}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_says_once_by_which_rule_a_target_was_refused() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let addresses = vec![([10, 0, 0, 5], 0).into()];
    let resolver = Scripted::new([addresses]);
    let egress = Egress::with_resolver(policy(&[]), Duration::from_secs(5), resolver).unwrap();

    let url = target("http://user:canary@inside.example/canary?canary=canary");
    assert!(matches!(post(&egress, &url).await, Err(SendError::Refused(_))));

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let refusals: Vec<_> = logged.lines().filter(|line| line.contains("refused")).collect();
    let [line] = refusals[..] else { panic!("one line, not {refusals:?}") };
    assert!(line.contains("WARN"), "{line}");
    assert!(line.contains(r#"host="inside.example""#), "{line}");
    assert!(line.contains("rule=10.0.0.5 is in 10.0.0.0/8: private"), "{line}");
    assert!(!line.contains("canary"), "{line}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let receiver = Receiver::https().await;
    let egress = egress(&LOOPBACK);
    for _ in 0..5 {
        post(&egress, &target(&receiver.url())).await.unwrap();
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn localhost_is_loopback_without_asking_anybody() {
    let receiver = Receiver::http().await;
    let port = receiver.address().port();
    let resolver = Scripted::new([]);
    let asked = Arc::clone(&resolver);
    let egress =
        Egress::with_resolver(policy(&LOOPBACK), Duration::from_secs(5), resolver).unwrap();
    for host in ["localhost", "localhost.", "LOCALHOST", "hooks.localhost"] {
        let answer = post(&egress, &target(&format!("http://{host}:{port}/"))).await;
        assert_eq!(answer.unwrap().status, 200, "{host}");
    }
    assert!(asked.asked().is_empty());
}

#[tokio::test]
async fn credentials_in_a_url_are_sent_as_basic() {
    let receiver = Receiver::http().await;
    let url = format!("http://user:p%40ss@{}/path?query=1", receiver.address());
    post(&egress(&LOOPBACK), &target(&url)).await.unwrap();

    let request = receiver.next().await;
    assert_eq!(request.header("authorization"), Some("Basic dXNlcjpwQHNz"));
    assert_eq!((request.path.as_str(), request.query.as_deref()), ("/path", Some("query=1")));
}

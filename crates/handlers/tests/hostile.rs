//! Receivers that mean harm: every [`Manner`], what is told of it, and what it costs the others.

use std::{env, fs, process::Command, time::Duration};

use futures_util::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use handlers::{AllHandlers, egress};
use hooks::{
    delivery::{Failure, FailureClass, HandlerResult, Outcome, Report},
    handler::Webhook,
};
use testkit::{
    builders::START,
    hostile::{HostileReceiver, Manner},
    receiver::Receiver,
};

use self::Expected::{Delivered, Fails, FailsAs};
use crate::{
    webhook::{run_at, webhook},
    world::{Scripted, handlers, timed, trusting},
};

/// How long a request may take here.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a delivery to a healthy receiver may take at the same time.
const HEALTHY: Duration = Duration::from_secs(2);

/// How long an error may be.
const MOST_SAID: usize = 120;

#[derive(Debug, Clone, Copy)]
enum Expected {
    /// The receiver has it, and this is the beginning of what it answered.
    Delivered(&'static str),
    /// It is tried again, and this is the beginning of the error.
    Fails(&'static str),
    /// The same, with one of these: it depends on who is quicker.
    FailsAs(&'static [&'static str]),
}

type Row = (&'static str, Manner, Expected);

const TIMES_OUT: Expected = Fails("timed out after 2 s");
const RESETS: Expected = FailsAs(&["no answer: connection ", "cannot connect: connection reset"]);
const TOO_LARGE: Expected = Fails("no answer: message head is too large");
const NOT_TLS: Expected = Fails("cannot connect: TLS failed: what the receiver says is not TLS");
const BAD_LENGTH: Expected = Fails("no answer: invalid content-length parsed");
const BAD_VERSION: Expected = Fails("no answer: invalid HTTP version parsed");
const BAD_STATUS: Expected = Fails("no answer: invalid HTTP status-code parsed");
const BAD_HEADER: Expected = Fails("no answer: invalid HTTP header parsed");
const BUSY: Expected = Fails("receiver answered 503");

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("who does not accept times out", Manner::NeverAccepts, TIMES_OUT),
    ("who does not answer times out", Manner::NeverAnswers, TIMES_OUT),
    ("who closes at once has nothing", Manner::ClosesAtOnce, Fails("no answer: connection ")),
    ("who resets at once has nothing", Manner::ResetsAtOnce, RESETS),
    ("who closes unanswered may have it", Manner::ClosesUnanswered, Fails("no answer: connection closed before message completed")),
    ("who resets unanswered may have it", Manner::ResetsUnanswered, Fails("no answer: connection reset")),

    ("a dripping head times out", Manner::DripsHead, TIMES_OUT),
    ("a dripping body times out", Manner::DripsBody, TIMES_OUT),
    ("half a head times out", Manner::StopsInHead, TIMES_OUT),
    ("half a body times out", Manner::StopsInBody, TIMES_OUT),

    ("endless headers are too many", Manner::EndlessHeaders, TOO_LARGE),
    ("an endless header is too long", Manner::EndlessHeaderLine, TOO_LARGE),
    ("an endless reason is too long", Manner::EndlessReason, TOO_LARGE),
    ("empty lines are no answer", Manner::EndlessEmptyLines, TOO_LARGE),
    ("of an endless body the beginning is read", Manner::EndlessBody, Delivered("aaaa")),
    ("of endless chunks the beginning is read", Manner::EndlessChunks, Delivered("aaaa")),
    ("of small chunks the beginning is read", Manner::EndlessSmallChunks, Delivered("aaaa")),
    ("the size of a chunk ends in time", Manner::EndlessChunkSize, TIMES_OUT),
    ("the extension of a chunk is too long", Manner::EndlessChunkExtension, Delivered("")),
    ("endless trailers are not read", Manner::EndlessTrailers, Delivered("ok")),
    ("who continues for ever does not answer", Manner::ContinuesForever, TIMES_OUT),
    ("who hints for ever does not answer", Manner::HintsForever, TIMES_OUT),

    ("many cookies are taken", Manner::LargeCookies, Delivered("")),
    ("a thousand headers are too many", Manner::ThousandHeaders, TOO_LARGE),
    ("a long reason is not repeated", Manner::LargeReason, Fails("receiver answered 500")),
    ("a bomb is not unpacked", Manner::GzipBomb, Delivered("\u{1f}\u{fffd}\u{8}")),
    ("what is not text is replaced", Manner::NotUtf8, Delivered("\u{fffd}")),

    ("who breaks a promise has it", Manner::PromisesGigabyte, Delivered("half of")),
    ("who resets in the body has it", Manner::ResetsInBody, Delivered("half of")),
    ("no length is negative", Manner::NegativeLength, BAD_LENGTH),
    ("no length is beyond counting", Manner::OverflowingLength, BAD_LENGTH),
    ("of two lengths none is right", Manner::TwoLengths, BAD_LENGTH),
    ("one length twice is one length", Manner::SameLengthTwice, Delivered("ok")),
    ("chunks count more than a length", Manner::LengthAndChunks, Delivered("hello")),
    ("no chunk is beyond counting", Manner::OverflowingChunk, Delivered("")),
    ("the size of a chunk is a number", Manner::WordyChunk, Delivered("")),
    ("a chunk is as long as it says", Manner::LyingChunk, Delivered("ok")),
    ("chunks may break off", Manner::UnfinishedChunks, Delivered("half of")),

    ("garbage is no answer", Manner::Garbage, BAD_VERSION),
    ("a body alone is no answer", Manner::Http09, BAD_VERSION),
    ("HTTP/2 is no answer", Manner::Http2, Fails("no answer: ")),
    ("HTTP/3 is no answer", Manner::Http3, BAD_VERSION),
    ("SSH is no answer", Manner::Ssh, Fails("no answer: ")),
    ("two digits are no status", Manner::Status99, BAD_STATUS),
    ("four digits are no status", Manner::Status1000, BAD_STATUS),
    ("letters are no status", Manner::StatusAbc, BAD_STATUS),
    ("line feeds will do", Manner::BareLineFeeds, Delivered("ok")),
    ("a NUL is not in a header", Manner::NulInHeader, BAD_HEADER),
    ("a header is not folded", Manner::FoldedHeader, BAD_HEADER),
    ("a header has a colon", Manner::HeaderWithoutColon, BAD_HEADER),

    ("nobody asked for another protocol", Manner::SwitchesProtocols, Fails("receiver answered 101")),
    ("a redirect is not followed", Manner::RedirectsToItself, Fails("receiver answered 302")),
    ("nor to credentials", Manner::RedirectsToMetadata, Fails("receiver answered 307")),
    ("nor to a file", Manner::RedirectsToFile, Fails("receiver answered 301")),
    ("nothing could have changed", Manner::NotModified, Fails("receiver answered 304")),
    ("no content has no content", Manner::ContentWithoutContent, Delivered("")),
    ("an unknown status is a failure", Manner::Status999, Fails("receiver answered 999")),
    ("an early answer is heard", Manner::AnswersEarly, Fails("receiver answered 413")),

    ("nobody waits for ever", Manner::RetryAfterInfinity, BUSY),
    ("nobody counts in exponents", Manner::RetryAfterExponent, BUSY),
    ("nobody goes back in time", Manner::RetryAfterNegative, BUSY),
    ("nothing is no time", Manner::RetryAfterEmpty, BUSY),
    ("nobody counts so far", Manner::RetryAfterDigits, BUSY),
    ("9999 is a year", Manner::RetryAfterYear9999, BUSY),

    ("who closes a kept connection has it", Manner::ClosesKeptConnection, Delivered("first")),
    ("who will hang up next time has it", Manner::ClosesOnSecondRequest, Delivered("first")),
    ("who says too much has it", Manner::AnswersUnasked, Delivered("first")),
    ("who says too much too late has it", Manner::AnswersUnaskedLater, Delivered("first")),
    ("who says too much of nothing has it", Manner::AnswersUnaskedIn204, Delivered("")),

    ("garbage is not TLS", Manner::TlsGarbage, NOT_TLS),
    ("HTTP is not TLS", Manner::PlainForTls, NOT_TLS),
    ("a silent handshake times out", Manner::TlsStalls, TIMES_OUT),
    ("half a handshake times out", Manner::TlsStops, TIMES_OUT),
    ("a handshake may be hung up on", Manner::TlsCloses, Fails("cannot connect: TLS failed: the receiver hung up")),
    ("an endless handshake is too long", Manner::TlsEndless, NOT_TLS),
    ("a handshake may be refused", Manner::TlsAlert, Fails("cannot connect: TLS failed: received fatal alert: HandshakeFailure")),
    ("a certificate expires", Manner::CertificateExpired, Fails("cannot connect: certificate is not trusted: it has expired")),
    ("a certificate begins", Manner::CertificateNotYetValid, Fails("cannot connect: certificate is not trusted: it is not valid yet")),
    ("a certificate has an owner", Manner::CertificateOfAnother, Fails("cannot connect: certificate is not trusted: it is for another host")),
    ("of thousands of names none is told", Manner::CertificateOfThousands, Fails("cannot connect: certificate is not trusted: it is for another host")),
    ("nobody vouches for himself", Manner::CertificateSelfSigned, Fails("cannot connect: certificate is not trusted: nobody known has signed it")),
    ("HTTP/2 was not offered", Manner::TlsForHttp2, Fails("cannot connect: TLS failed: received fatal alert: NoApplicationProtocol")),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_has_its_outcome_in_time_and_nobody_beside_it_waits() {
    let handlers = handlers(trusting(TIMEOUT, Scripted::new([])));
    let healthy = Receiver::http().await;
    let missing = Manner::ALL.iter().find(|it| ROWS.iter().all(|(_, manner, _)| manner != *it));
    assert_eq!(missing, None, "every manner has a row");

    let rows = stream::iter(ROWS).map(|row| hold(row, &handlers, &healthy));
    rows.buffer_unordered(16).collect::<()>().await;

    assert_eq!(healthy.requests().len(), ROWS.len());
}

/// Holds a manner to its row.
async fn hold(row: &Row, handlers: &AllHandlers, healthy: &Receiver) {
    let (sentence, manner, expected) = *row;
    let name = format!("{sentence} ({manner:?})");
    let hostile = HostileReceiver::start(manner).await;
    let ((report, took), (beside, beside_took)) =
        join(timed(run(handlers, &hostile.url())), timed(run(handlers, &healthy.url()))).await;

    assert!(took < TIMEOUT * 2, "{name}: took {took:?}");
    assert_eq!(beside.outcome, Outcome::Succeeded, "{name}: the one beside it");
    assert!(beside_took < HEALTHY, "{name}: the one beside it took {beside_took:?}");
    assert!(hostile.requests().len() <= 1, "{name}: it was asked {:?}", hostile.requests());
    assert!(hostile.connections() <= 1, "{name}: it was called {}", hostile.connections());
    match (expected, &report.outcome) {
        (Delivered(beginning), Outcome::Succeeded) => {
            let body = body(&report);
            assert!(body.starts_with(beginning), "{name}: {:.99}", body.escape_debug());
            assert!(body.len() <= egress::Answer::MOST_READ, "{name}: {} bytes", body.len());
        }
        (Fails(beginning), Outcome::Failed(failure)) => failed(row, failure, &[beginning]),
        (FailsAs(beginnings), Outcome::Failed(failure)) => failed(row, failure, beginnings),
        (_, other) => panic!("{name}: {other:?}"),
    }
}

/// Holds a failure to what its row says of it.
fn failed((name, manner, _): &Row, Failure { class, reason }: &Failure, beginnings: &[&str]) {
    let is_told = beginnings.iter().any(|it| reason.starts_with(it));
    assert!(is_told, "{name} ({manner:?}): {reason}");
    assert!(reason.len() <= MOST_SAID, "{name}: {reason}");
    let FailureClass::Transient { retry_after } = class else { panic!("{name}: {class:?}") };
    assert_eq!(retry_after.is_some(), *manner == Manner::RetryAfterYear9999, "{name}");
}

async fn run(handlers: &AllHandlers, url: &str) -> Report {
    run_at(handlers, Webhook { ssl_verify: true, ..webhook(url) }, START).await.1
}

fn body(report: &Report) -> &str {
    match &report.result {
        HandlerResult::Answered { body, .. } => body,
        other => panic!("no answer: {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_is_to_the_request_that_it_follows_on() {
    // Long enough for what comes late. What comes while the next request is on its way is an
    // answer to that, as far as anybody can tell.
    let (at_once, later) = (Duration::ZERO, Duration::from_millis(150));
    for (manner, expected, pauses) in [
        (Manner::ClosesKeptConnection, "first", &[at_once, later][..]),
        (Manner::AnswersUnasked, "first", &[at_once, later]),
        (Manner::AnswersUnaskedLater, "first", &[later]),
        (Manner::AnswersUnaskedIn204, "", &[at_once, later]),
        (Manner::ContentWithoutContent, "", &[at_once, later]),
        (Manner::LengthAndChunks, "hello", &[at_once, later]),
    ] {
        for &pause in pauses {
            let hostile = HostileReceiver::start(manner).await;
            let handlers = handlers(trusting(TIMEOUT, Scripted::new([])));
            for number in 1..=3 {
                let report = run(&handlers, &hostile.url()).await;
                let name = format!("{manner:?}, request {number} after {pause:?}");
                assert_eq!(report.outcome, Outcome::Succeeded, "{name}");
                assert_eq!(body(&report), expected, "{name}");
                tokio::time::sleep(pause).await;
            }
            assert_eq!(hostile.requests().len(), 3, "{manner:?}: each was sent once");
        }
    }
}

#[tokio::test]
async fn a_request_that_was_hung_up_on_is_not_sent_again_by_itself() {
    let hostile = HostileReceiver::start(Manner::ClosesOnSecondRequest).await;
    let handlers = handlers(trusting(TIMEOUT, Scripted::new([])));
    assert_eq!(run(&handlers, &hostile.url()).await.outcome, Outcome::Succeeded);

    let Outcome::Failed(failure) = run(&handlers, &hostile.url()).await.outcome else {
        panic!("nobody has answered the second request");
    };

    assert_eq!(failure.reason, "no answer: connection closed before message completed");
    assert_eq!((hostile.requests().len(), hostile.connections()), (2, 1));
}

/// Who has a lot to say.
const FLOODS: &[Manner] = &[
    Manner::EndlessHeaders,
    Manner::EndlessHeaderLine,
    Manner::EndlessReason,
    Manner::EndlessEmptyLines,
    Manner::EndlessBody,
    Manner::EndlessChunks,
    Manner::EndlessSmallChunks,
    Manner::EndlessChunkSize,
    Manner::EndlessChunkExtension,
    Manner::EndlessTrailers,
    Manner::ContinuesForever,
    Manner::HintsForever,
    Manner::LargeCookies,
    Manner::GzipBomb,
    Manner::NotUtf8,
    Manner::PromisesGigabyte,
    Manner::TlsEndless,
    Manner::CertificateOfThousands,
];

const GREW: &str = "this process has grown by KiB: ";

/// How much a process may grow that is flooded from all sides: buffers, a head and a body each.
const MOST_GROWN_KIB: u64 = 8 * 1024;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nobody_fills_the_memory() {
    // In a process of its own: memory belongs to a process, and this one runs other tests.
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "hostile::be_flooded", "--ignored", "--nocapture"]);
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let grown = text.lines().find_map(|line| line.split_once(GREW)?.1.parse().ok());
    let grown: u64 = grown.unwrap_or_else(|| panic!("the other process failed: {output:?}"));
    assert!(grown <= MOST_GROWN_KIB, "grew by {grown} KiB");
}

#[tokio::test]
#[ignore = "run by another test, in a process of its own"]
async fn be_flooded() {
    let hostile = join_all(FLOODS.iter().map(|manner| HostileReceiver::start(*manner))).await;
    let handlers = handlers(trusting(TIMEOUT, Scripted::new([])));
    run(&handlers, &Receiver::http().await.url()).await;
    let before = peak_kib();
    join_all(hostile.iter().map(async |it| run(&handlers, &it.url()).await)).await;
    println!("{GREW}{}", peak_kib() - before);
}

/// The most memory that this process has held so far.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

//! In which manners?

use super::{
    conduct::{Conduct, Hears, Then, empty, ok, says, shows, shows_speaking},
    gzip,
};
use crate::certificates::Certificate;

/// Writes the manners down once, each with what it does.
macro_rules! manners {
    ($($(#[doc = $doc:literal])+ $name:ident => $conduct:expr,)+) => {
        /// A way to misbehave. Where nothing else is said, a receiver hears a request to its end
        /// before it answers, and keeps the connection open afterwards.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Manner {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Manner {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            pub(super) fn conduct(self) -> Conduct {
                match self {
                    $(Self::$name => $conduct,)+
                }
            }
        }
    };
}

const KIB: usize = 1024;

// Connections.
manners! {
    /// The queue of its listener is full: connections are never made.
    NeverAccepts => Conduct { accepts: false, ..says("") },
    /// It never says anything.
    NeverAnswers => says(""),
    /// It closes every connection as soon as it is there.
    ClosesAtOnce => says("").hearing(Hears::Nothing).then(Then::Close),
    /// It resets every connection as soon as it is there.
    ResetsAtOnce => says("").hearing(Hears::Nothing).then(Then::Reset),
    /// It hears the request, and closes the connection.
    ClosesUnanswered => says("").then(Then::Close),
    /// It hears the request, and resets the connection.
    ResetsUnanswered => says("").then(Then::Reset),

    // Slow ones.
    /// It says the head of its answer at one byte a second.
    DripsHead => says("HTTP/1.1 200 OK\r\nx-slow: ").then(Then::Drip(b'a')),
    /// It says the body of its answer at one byte a second.
    DripsBody => ok("content-length: 100000\r\n\r\n").then(Then::Drip(b'a')),
    /// It stops in the middle of the head.
    StopsInHead => says("HTTP/1.1 200 OK\r\nx-unfin"),
    /// It stops in the middle of the body.
    StopsInBody => ok("content-length: 1000\r\n\r\nhalf of"),

    // Endless ones.
    /// It says headers for ever.
    EndlessHeaders => ok("").forever("x-header: value\r\n".repeat(4 * KIB)),
    /// It says one header line for ever.
    EndlessHeaderLine => ok("x-header: ").forever("a".repeat(16 * KIB)),
    /// It gives reasons for ever.
    EndlessReason => says("HTTP/1.1 200 ").forever("because ".repeat(4 * KIB)),
    /// It says empty lines for ever, which may precede an answer.
    EndlessEmptyLines => says("").forever("\r\n".repeat(16 * KIB)),
    /// It says a body for ever.
    EndlessBody => ok("connection: close\r\n\r\n").forever("a".repeat(16 * KIB)),
    /// It says chunks for ever.
    EndlessChunks => chunked("").forever(format!("1000\r\n{}\r\n", "a".repeat(4 * KIB))),
    /// It says chunks of 64 bytes for ever.
    EndlessSmallChunks => chunked("").forever(format!("40\r\n{}\r\n", "a".repeat(64)).repeat(KIB)),
    /// It says the size of a chunk for ever, in zeros.
    EndlessChunkSize => chunked("").forever("0".repeat(KIB)),
    /// It says the extension of a chunk for ever.
    EndlessChunkExtension => chunked("5;extension=").forever("a".repeat(16 * KIB)),
    /// It says trailers for ever.
    EndlessTrailers => chunked("2\r\nok\r\n0\r\n").forever("x-trailer: value\r\n".repeat(KIB)),
    /// It says `100 Continue` for ever.
    ContinuesForever => says("").forever("HTTP/1.1 100 Continue\r\n\r\n".repeat(64)),
    /// It gives early hints for ever.
    HintsForever => says("").forever("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(64)),

    // Large ones.
    /// It sets 64 KiB of cookies.
    LargeCookies => empty("200 OK", &large_cookies()),
    /// It has a thousand headers.
    ThousandHeaders => empty("200 OK", &"x-header: value\r\n".repeat(1000)),
    /// It has 64 KiB of reasons.
    LargeReason => empty(&format!("500 {}", "because ".repeat(8 * KIB)), ""),
    /// It says a megabyte of gzip that unpacks to 160 megabytes.
    GzipBomb => gzip_bomb(),
    /// It says a body that is not UTF-8, a megabyte of it.
    NotUtf8 => body_of(vec![0xff; 1 << 20]),

    // Lengths that lie.
    /// It promises a gigabyte, and closes the connection after seven bytes.
    PromisesGigabyte => ok("content-length: 1073741824\r\n\r\nhalf of").then(Then::Close),
    /// It resets the connection in the middle of the body.
    ResetsInBody => ok("content-length: 1000\r\n\r\nhalf of").then(Then::Reset),
    /// Its length is negative.
    NegativeLength => ok("content-length: -2\r\n\r\nok"),
    /// Its length does not fit into 64 bits.
    OverflowingLength => ok("content-length: 18446744073709551617\r\n\r\nok"),
    /// It has two lengths.
    TwoLengths => ok("content-length: 2\r\ncontent-length: 3\r\n\r\nok"),
    /// It has one length twice.
    SameLengthTwice => ok("content-length: 2\r\ncontent-length: 2\r\n\r\nok"),
    /// It has a length and chunks that go on beyond it.
    LengthAndChunks =>
        ok("content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            .then(Then::Again),
    /// The size of its chunk does not fit into 64 bits.
    OverflowingChunk => chunked("FFFFFFFFFFFFFFFFF\r\nok\r\n0\r\n\r\n"),
    /// The size of its chunk is no number.
    WordyChunk => chunked("two\r\nok\r\n0\r\n\r\n"),
    /// Its chunk is longer than it says.
    LyingChunk => chunked("2\r\nok and more\r\n0\r\n\r\n"),
    /// It closes the connection before the last chunk.
    UnfinishedChunks => chunked("7\r\nhalf of\r\n").then(Then::Close),

    // What is not HTTP/1.1.
    /// It speaks in random bytes.
    Garbage =>
        says((0..4096_u32).map(|it| (it * it / 7).to_le_bytes()[0] | 0x80).collect::<Vec<_>>()),
    /// It speaks HTTP/0.9: a body and nothing else.
    Http09 => says("<html>welcome</html>\r\n").then(Then::Close),
    /// It speaks HTTP/2, which was not offered.
    Http2 =>
        says(*b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0\0\x06\0\x01\0\0")
            .hearing(Hears::Nothing),
    /// It claims to speak HTTP/3.
    Http3 => says("HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n"),
    /// It speaks SSH, and speaks first.
    Ssh => says("SSH-2.0-OpenSSH_9.9\r\n").hearing(Hears::Nothing),
    /// Its status has two digits.
    Status99 => empty("99 Less", ""),
    /// Its status has four digits.
    Status1000 => empty("1000 More", ""),
    /// Its status is no number.
    StatusAbc => empty("abc Letters", ""),
    /// Its lines end in line feeds alone.
    BareLineFeeds => says("HTTP/1.1 200 OK\ncontent-length: 2\n\nok"),
    /// There is a NUL in the value of a header.
    NulInHeader => empty("200 OK", "x-header: a\0b\r\n"),
    /// A header goes on in the next line, as it could long ago.
    FoldedHeader => empty("200 OK", "x-header: a\r\n b\r\n"),
    /// A header has no colon.
    HeaderWithoutColon => empty("200 OK", "x-header\r\n"),

    // Answers to other questions.
    /// It switches to another protocol.
    SwitchesProtocols =>
        says("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n\x01"),
    /// It redirects to itself.
    RedirectsToItself => empty("302 Found", "location: /\r\n"),
    /// It redirects to where clouds keep credentials, and asks for the body to be sent there.
    RedirectsToMetadata =>
        empty("307 Temporary Redirect", "location: http://169.254.169.254/latest/meta-data/\r\n"),
    /// It redirects to a file.
    RedirectsToFile => empty("301 Moved Permanently", "location: file:///etc/passwd\r\n"),
    /// It says that nothing has changed.
    NotModified => says("HTTP/1.1 304 Not Modified\r\n\r\n"),
    /// It has no content, and says it.
    ContentWithoutContent => says("HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok"),
    /// Its status is one that nobody has defined.
    Status999 => empty("999 Denied", ""),
    /// It answers before it has heard the body, and closes the connection.
    AnswersEarly => empty("413 Content Too Large", "").hearing(Hears::Head).then(Then::Close),

    // Retry-After.
    /// It wants to be left alone for ever.
    RetryAfterInfinity => empty("503 Busy", "retry-after: inf\r\n"),
    /// It wants to be left alone for 1e300 seconds.
    RetryAfterExponent => empty("503 Busy", "retry-after: 1e300\r\n"),
    /// It wants to be asked yesterday.
    RetryAfterNegative => empty("503 Busy", "retry-after: -86400\r\n"),
    /// It wants to be left alone, and does not say for how long.
    RetryAfterEmpty => empty("503 Busy", "retry-after:\r\n"),
    /// It wants to be left alone for a number of seconds that has 10,000 digits.
    RetryAfterDigits => empty("503 Busy", &format!("retry-after: {}\r\n", "9".repeat(10_000))),
    /// It wants to be left alone until the last second of 9999.
    RetryAfterYear9999 => empty("503 Busy", "retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n"),

    // Connections that are kept.
    /// It answers, keeps the connection, and closes it at once all the same.
    ClosesKeptConnection => ok("content-length: 5\r\n\r\nfirst").then(Then::Close),
    /// It answers the first request of a connection, hears the second one, and hangs up.
    ClosesOnSecondRequest => ok("content-length: 5\r\n\r\nfirst").then(Then::HearAndClose),
    /// With every answer it says one to a request that nobody has made.
    AnswersUnasked => ok(&format!("content-length: 5\r\n\r\nfirst{UNASKED}")).then(Then::Again),
    /// A moment after every answer it says one to a request that nobody has made.
    AnswersUnaskedLater =>
        ok("content-length: 5\r\n\r\nfirst").then(Then::AgainAfter(UNASKED.into())),
    /// The body of an answer that has none is an answer to a request that nobody has made.
    AnswersUnaskedIn204 =>
        says(format!("HTTP/1.1 204 No Content\r\n\r\n{UNASKED}")).then(Then::Again),

    // TLS.
    /// It answers the beginning of a handshake in random bytes.
    TlsGarbage => says([0x80_u8, 7, 99, 250].repeat(KIB)).for_tls(),
    /// It speaks plain HTTP where TLS is expected.
    PlainForTls => empty("400 Bad Request", "").for_tls(),
    /// It never says anything in a handshake.
    TlsStalls => says("").for_tls(),
    /// It says the beginning of a handshake, and stops.
    TlsStops => says(*b"\x16\x03\x03\x40\x00\x02").for_tls(),
    /// It closes the connection in the handshake.
    TlsCloses => says("").for_tls().then(Then::Close),
    /// It says one handshake message for ever.
    TlsEndless => says(tls_record(b"\x0b\xff\xff\xff")).for_tls().forever(tls_record(&[0; 16000])),
    /// It sends an alert in the place of a handshake.
    TlsAlert => says(*b"\x15\x03\x03\x00\x02\x02\x28").for_tls(),
    /// Its certificate has expired.
    CertificateExpired => shows(Certificate::Expired),
    /// Its certificate is of the future.
    CertificateNotYetValid => shows(Certificate::NotYetValid),
    /// Its certificate is somebody else's.
    CertificateOfAnother => shows(Certificate::OtherHost),
    /// Its certificate is for thousands of hosts, but not for this one.
    CertificateOfThousands => shows(Certificate::ManyOtherHosts),
    /// It has signed its certificate itself.
    CertificateSelfSigned => shows(Certificate::SelfSigned),
    /// It speaks no protocol but HTTP/2 behind TLS.
    TlsForHttp2 =>
        shows_speaking(Certificate::Good, &["h2"]),
}

/// An answer that nobody has asked for.
const UNASKED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nunasked";

fn chunked(body: &str) -> Conduct {
    ok(&format!("transfer-encoding: chunked\r\n\r\n{body}"))
}

fn large_cookies() -> String {
    let cookie = |number| format!("set-cookie: c{number}={}\r\n", "a".repeat(4 * KIB));
    (0..16).map(cookie).collect()
}

fn gzip_bomb() -> Conduct {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
    says([head.as_bytes(), &gzip::bomb()].concat()).then(Then::Close)
}

fn body_of(body: Vec<u8>) -> Conduct {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    says([head.into_bytes(), body].concat())
}

/// A record of a TLS handshake that holds this.
fn tls_record(fragment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(fragment.len()).expect("records are short");
    [&[0x16, 3, 3], &length.to_be_bytes()[..], fragment].concat()
}

//! What is a manner made of?

use crate::certificates::Certificate;

/// What a receiver does with every connection.
#[derive(Debug)]
pub(super) struct Conduct {
    pub(super) accepts: bool,
    pub(super) transport: Transport,
    pub(super) hears: Hears,
    pub(super) says: Vec<u8>,
    pub(super) then: Then,
}

/// What carries the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// TCP, and the URL says so.
    Plain,
    /// TCP, though the URL says `https`.
    PlainForTls,
    /// TLS with this certificate and these protocols.
    Tls(Certificate, &'static [&'static str]),
}

/// How much of a request is read before something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hears {
    Nothing,
    Head,
    Request,
}

/// What follows on what was said.
#[derive(Debug)]
pub(super) enum Then {
    /// The end of the connection.
    Close,
    /// The end of the connection, and the other side's buffers with it.
    Reset,
    /// Nothing, while the connection stays open.
    Silence,
    /// These bytes, over and over.
    Forever(Vec<u8>),
    /// This byte, once a second.
    Drip(u8),
    /// The next request, which is answered likewise.
    Again,
    /// These bytes a moment later, and then the next request.
    AgainAfter(Vec<u8>),
    /// The next request, and then the end of the connection.
    HearAndClose,
}

/// Hears a request, says this, and keeps quiet.
pub(super) fn says(bytes: impl Into<Vec<u8>>) -> Conduct {
    Conduct {
        accepts: true,
        transport: Transport::Plain,
        hears: Hears::Request,
        says: bytes.into(),
        then: Then::Silence,
    }
}

/// Hears a request, answers 200 with this behind the status line, and keeps quiet.
pub(super) fn ok(rest: &str) -> Conduct {
    says(format!("HTTP/1.1 200 OK\r\n{rest}"))
}

/// Hears a request, answers so without a body, and keeps quiet.
pub(super) fn empty(status: &str, headers: &str) -> Conduct {
    says(format!("HTTP/1.1 {status}\r\n{headers}content-length: 0\r\n\r\n"))
}

/// A good answer, behind TLS with this certificate.
pub(super) fn shows(certificate: Certificate) -> Conduct {
    shows_speaking(certificate, &["http/1.1"])
}

/// The same, and offers these protocols.
pub(super) fn shows_speaking(
    certificate: Certificate,
    protocols: &'static [&'static str],
) -> Conduct {
    Conduct {
        transport: Transport::Tls(certificate, protocols),
        then: Then::Again,
        ..ok("content-length: 2\r\n\r\nok")
    }
}

impl Conduct {
    pub(super) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    pub(super) fn forever(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Then::Forever(bytes.into()))
    }

    /// Without waiting for a request, or for all of it.
    pub(super) fn hearing(self, hears: Hears) -> Self {
        Self { hears, ..self }
    }

    /// In the place of a TLS handshake.
    pub(super) fn for_tls(self) -> Self {
        Self { transport: Transport::PlainForTls, hears: Hears::Nothing, ..self }
    }
}

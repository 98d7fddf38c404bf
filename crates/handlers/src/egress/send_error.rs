//! Why did a request not come back with an answer?

use std::{error::Error, io, time::Duration};

use rustls::CertificateError;

use super::policy::Refusal;

/// Why there was no answer, sorted by where it went wrong. The texts are for people who look at
/// a delivery: no URL in them, no secret, and nothing that the receiver has said.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The policy does not allow the target: nothing was sent.
    #[error(transparent)]
    Refused(Refusal),
    /// It took longer than a request may take in all. The receiver may have got it.
    #[error("timed out after {} s", .0.as_secs_f32())]
    Timeout(Duration),
    /// There was no connection: nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The conversation broke down. The receiver may have got the request.
    #[error("no answer: {0}")]
    Protocol(String),
}

/// Sorts what the client says.
pub(super) fn sorted(error: &reqwest::Error) -> SendError {
    if let Some(refusal) = find::<Refusal>(error) {
        return SendError::Refused(refusal.clone());
    }
    match find::<rustls::Error>(error) {
        Some(rustls::Error::InvalidCertificate(why)) => {
            SendError::Connect(format!("certificate is not trusted: {}", distrust(why)))
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            SendError::Connect("TLS failed: what the receiver says is not TLS".to_owned())
        }
        Some(other) => SendError::Connect(format!("TLS failed: {other}")),
        None if error.is_dns() => {
            SendError::Connect(format!("name does not resolve: {}", root_of(error)))
        }
        None if error.is_connect() && error.is_timeout() => {
            SendError::Connect("timed out".to_owned())
        }
        None if error.is_connect() && hung_up(error) => {
            SendError::Connect("TLS failed: the receiver hung up".to_owned())
        }
        None if error.is_connect() => SendError::Connect(root_of(error)),
        None => SendError::Protocol(root_of(error)),
    }
}

/// What is wrong with a certificate. What it says of itself is left out: it may have thousands
/// of names.
fn distrust(why: &CertificateError) -> &'static str {
    use CertificateError as Why;
    match why {
        Why::Expired | Why::ExpiredContext { .. } => "it has expired",
        Why::NotValidYet | Why::NotValidYetContext { .. } => "it is not valid yet",
        Why::NotValidForName | Why::NotValidForNameContext { .. } => "it is for another host",
        Why::UnknownIssuer => "nobody known has signed it",
        Why::BadSignature => "its signature is wrong",
        _ => "it is malformed or not for servers",
    }
}

/// Did the connection end in the handshake?
fn hung_up(error: &reqwest::Error) -> bool {
    let mut kinds =
        causes(error).filter_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    kinds.any(|kind| kind == io::ErrorKind::UnexpectedEof)
}

/// The first error of this type among the causes of `error`.
fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The last of the causes in words: the first ones only say that something failed.
fn root_of(error: &reqwest::Error) -> String {
    match find::<io::Error>(error) {
        // What the system says ends in "(os error 111)".
        Some(io) if io.raw_os_error().is_some() => io.kind().to_string(),
        _ => match causes(error).last() {
            Some(cause) => cause.to_string(),
            None => "the request is invalid".to_owned(),
        },
    }
}

type Cause<'a> = &'a (dyn Error + 'static);

/// What caused it, and what caused that.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = Cause<'_>> {
    std::iter::successors(error.source(), |cause| next(*cause))
}

/// [`io::Error::source`] passes over what it holds itself.
fn next(cause: Cause<'_>) -> Option<Cause<'_>> {
    let held = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    held.map(|it| it as Cause<'_>).or_else(|| cause.source())
}

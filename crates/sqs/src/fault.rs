//! Why did SQS not do it, and what can the caller do?

use std::error::Error;

use aws_sdk_sqs::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use hooks::ports::PortError;

/// What was asked, in errors.
const WHAT: &str = "the queue";

/// Why a request, or a task in it, was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The next request may be answered: throttled, late, lost, broken off.
    #[error("{0}")]
    Passing(String),
    /// No request will be, until somebody mends the deployment: no such queue, no permission.
    #[error("{0}")]
    Lasting(String),
    /// SQS does not take this task, however often it is asked.
    #[error("{0}")]
    Unfit(String),
    /// Our own patience is at its end.
    #[error("no answer within {0:?}")]
    Late(std::time::Duration),
}

impl<E> From<SdkError<E, HttpResponse>> for Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        match &error {
            SdkError::ServiceError(refused) => {
                let status = refused.raw().status().as_u16();
                let (code, message) = (error.code().unwrap_or("?"), error.message().unwrap_or(""));
                let text = format!("{status} {code}: {message}");
                if passes(status, code) { Self::Passing(text) } else { Self::Lasting(text) }
            }
            SdkError::ConstructionFailure(_) => Self::Lasting(with_causes(&error)),
            // What else there is or will be happened on the way.
            _ => Self::Passing(with_causes(&error)),
        }
    }
}

impl From<Fault> for PortError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unfit(_) => Self::Corrupt { what: "a task for the queue", source: fault.into() },
            Fault::Passing(_) | Fault::Lasting(_) | Fault::Late(_) => {
                Self::Unavailable { what: WHAT, source: fault.into() }
            }
        }
    }
}

/// May the same request be answered a little later?
fn passes(status: u16, code: &str) -> bool {
    status >= 500 || status == 429 || code.contains("Throttl") || code.starts_with("RequestTimeout")
}

/// The error and what caused it, which its own text leaves out.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_asked_again() {
        for (name, status, code, expected) in [
            ("throttled by SQS", 403, "RequestThrottled", true),
            ("throttled by KMS", 400, "KmsThrottled", true),
            ("throttled by the account", 400, "ThrottlingException", true),
            ("too many requests", 429, "?", true),
            ("an error of SQS", 500, "InternalFailure", true),
            ("SQS in trouble", 503, "ServiceUnavailable", true),
            ("a request that came in too slowly", 400, "RequestTimeout", true),
            ("no such queue", 400, "QueueDoesNotExist", false),
            ("no permission", 403, "AccessDenied", false),
            ("no permission for the key", 400, "KmsAccessDenied", false),
            ("too long", 400, "BatchRequestTooLong", false),
        ] {
            assert_eq!(passes(status, code), expected, "{name}");
        }
    }

    #[test]
    fn a_fault_says_what_the_caller_can_do() {
        for (name, fault, expected) in [
            ("what passes", Fault::Passing("503 ?: ".into()), "the queue is unavailable: 503 ?: "),
            ("what lasts", Fault::Lasting("403 ?: ".into()), "the queue is unavailable: 403 ?: "),
            (
                "what is late",
                Fault::Late(std::time::Duration::from_secs(20)),
                "the queue is unavailable: no answer within 20s",
            ),
            ("what is unfit", Fault::Unfit("why".into()), "a task for the queue is corrupt: why"),
        ] {
            assert_eq!(PortError::from(fault).to_string(), expected, "{name}");
        }
    }
}

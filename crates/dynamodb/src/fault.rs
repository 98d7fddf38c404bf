//! Why could `DynamoDB` not do it, what can the caller do, and is it worth asking again at once?
//!
//! The SDK itself asks again after time-outs, lost connections, answers of 500 and throttling. What
//! it takes for an answer, and is none yet, is asked again here: a transaction that met another
//! one, or a part of a batch that was left out.

use std::{error::Error, fmt, iter, time::Duration};

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::CancellationReason,
};
use hooks::ports::{BoxError, PortError, PortResult};
use serde_json::error::Category;

/// How often something is asked for before it is said to be unavailable.
const MOST_TRIES: u32 = 10;

/// How long to wait before the second try, at most. The span doubles with each try.
const FIRST_WAIT: Duration = Duration::from_millis(25);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Why a request or a row was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// A condition did not hold: the row is not the one that the caller saw.
    #[error("changed meanwhile")]
    Conflict,
    /// In each other's way: asking again at once may help.
    #[error("busy: {0}")]
    Busy(#[source] BoxError),
    /// `DynamoDB` said no, or nothing, as often as the SDK asked.
    #[error("{0}")]
    Refused(#[source] BoxError),
    /// It can never be written.
    #[error("not to be written: {0}")]
    Unwritable(#[source] BoxError),
    /// A row holds what nobody wrote there.
    #[error("unreadable row: {0}")]
    Unreadable(#[source] BoxError),
}

impl Fault {
    /// The fault as a port's error.
    pub(crate) fn of(self, what: &'static str) -> PortError {
        match self {
            Self::Conflict => PortError::Conflict,
            Self::Busy(source) | Self::Refused(source) => PortError::Unavailable { what, source },
            Self::Unwritable(_) | Self::Unreadable(_) => {
                PortError::Corrupt { what, source: self.to_string().into() }
            }
        }
    }

    /// A row that lacks this attribute, or has it in another form.
    pub(crate) fn lacks(attribute: &str) -> Self {
        Self::Unreadable(format!("without a readable `{attribute}`").into())
    }
}

impl From<serde_json::Error> for Fault {
    /// Says where and not what: the error quotes what it found, which may be secret.
    fn from(error: serde_json::Error) -> Self {
        let why = match error.classify() {
            Category::Data => "what this release does not know",
            Category::Io | Category::Syntax | Category::Eof => "no JSON",
        };
        Self::Unreadable(format!("{why}, at column {}", error.column()).into())
    }
}

impl<E, R> From<SdkError<E, R>> for Fault
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let text = BoxError::from(said(&error));
        match error.code() {
            Some("ConditionalCheckFailedException") => Self::Conflict,
            Some("TransactionConflictException") => Self::Busy(text),
            Some("ValidationException") => Self::Unwritable(text),
            _ => Self::Refused(text),
        }
    }
}

/// What an answer says, or why there was none. No more of it: items may be in what is left.
fn said<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug + 'static,
{
    if let Some(code) = error.code() {
        return format!("{code}: {}", error.message().unwrap_or("nothing else was said"));
    }
    let chain = iter::successors(Some(error as &dyn Error), |&it| it.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Fault {
    /// Why a transaction was not carried out.
    pub(crate) fn of_transaction(error: SdkError<TransactWriteItemsError>) -> Self {
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                Self::cancelled(cancelled.cancellation_reasons())
            }
            _ => error.into(),
        }
    }

    /// The gravest of the reasons, of which there is one for each item. A condition that does not
    /// hold is graver than a crowd: asking again would only find it again.
    fn cancelled(reasons: &[CancellationReason]) -> Self {
        let has = |codes: &[&str]| {
            let is_one = |it: &&CancellationReason| it.code().is_some_and(|it| codes.contains(&it));
            reasons.iter().find(is_one)
        };
        let text = |reason: &CancellationReason| {
            let code = reason.code().unwrap_or_default();
            BoxError::from(format!("{code}: {}", reason.message().unwrap_or_default()))
        };
        if let Some(reason) = has(&["ValidationError", "ItemCollectionSizeLimitExceeded"]) {
            Self::Unwritable(text(reason))
        } else if has(&["ConditionalCheckFailed", "DuplicateItem"]).is_some() {
            Self::Conflict
        } else if let Some(reason) = has(&CROWDED) {
            Self::Busy(text(reason))
        } else {
            Self::Refused("the transaction was cancelled, and nobody said why".into())
        }
    }
}

/// Why a transaction may succeed the next time.
const CROWDED: [&str; 3] =
    ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// Tries until it is done, or was refused for anything but the crowd, or was tried too often.
pub(crate) async fn insisting<T, F>(
    what: &'static str,
    mut attempt: impl FnMut() -> F,
) -> PortResult<T>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut patience = Patience::default();
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Fault::Busy(source)) => patience.wait(source).await.map_err(|it| it.of(what))?,
            Err(fault) => return Err(fault.of(what)),
        }
    }
}

/// Waits between tries, longer each time, and never as long as another one does.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    tries: u32,
}

impl Patience {
    /// Waits before the next try, which is because of this; fails when there were enough of them.
    pub(crate) async fn wait(&mut self, because: BoxError) -> Result<(), Fault> {
        self.tries += 1;
        if self.tries >= MOST_TRIES {
            return Err(Fault::Busy(because));
        }
        let most = FIRST_WAIT.saturating_mul(1 << (self.tries - 1)).min(LONGEST_WAIT);
        tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{error::ErrorMetadata, operation::put_item::PutItemError};

    use super::*;

    #[test]
    fn an_unreadable_row_is_not_quoted() {
        let error = serde_json::from_str::<u64>("\"hidden\"").unwrap_err();
        assert!(error.to_string().contains("hidden"), "that is why");
        let fault = Fault::from(error).to_string();
        assert_eq!(fault, "unreadable row: what this release does not know, at column 8");
    }

    #[test]
    fn a_fault_says_what_the_caller_can_do() {
        for (name, fault, expected) in [
            ("a row that changed", Fault::Conflict, "changed meanwhile"),
            ("a crowd", Fault::Busy("?".into()), "unavailable"),
            ("no answer", Fault::Refused("?".into()), "unavailable"),
            ("too large", Fault::Unwritable("?".into()), "corrupt"),
            ("an unreadable row", Fault::Unreadable("?".into()), "corrupt"),
        ] {
            let error = fault.of("the store").to_string();
            assert!(error.contains(expected), "{name}: {error}");
        }
    }

    #[test]
    fn what_dynamodb_says_is_sorted_by_its_code() {
        for (code, expected) in [
            ("ConditionalCheckFailedException", "changed meanwhile"),
            ("TransactionConflictException", "busy"),
            ("ValidationException", "not to be written"),
            ("ThrottlingException", "ThrottlingException: slow down"),
            ("AccessDeniedException", "AccessDeniedException: slow down"),
            ("SomethingNew", "SomethingNew: slow down"),
        ] {
            let error = PutItemError::generic(
                ErrorMetadata::builder().code(code).message("slow down").build(),
            );
            let fault = Fault::from(SdkError::service_error(error, "hidden")).to_string();
            assert!(fault.starts_with(expected), "{code}: {fault}");
            assert!(!fault.contains("hidden"), "{code}: {fault}");
        }
    }

    #[test]
    fn the_gravest_reason_of_a_cancelled_transaction_counts() {
        for (name, codes, expected) in [
            ("a condition", &["None", "ConditionalCheckFailed"][..], "changed meanwhile"),
            ("another transaction", &["TransactionConflict", "None"], "busy"),
            ("throttling", &["None", "ThrottlingError"], "busy"),
            ("a crowded partition", &["ProvisionedThroughputExceeded"], "busy"),
            ("both", &["TransactionConflict", "ConditionalCheckFailed"], "changed meanwhile"),
            ("too large", &["ConditionalCheckFailed", "ValidationError"], "not to be written"),
            ("something new", &["Whatever"], "the transaction was cancelled"),
            ("nothing", &[], "the transaction was cancelled"),
        ] {
            let reason = |code: &&str| CancellationReason::builder().code(*code).build();
            let reasons: Vec<_> = codes.iter().map(reason).collect();
            let fault = Fault::cancelled(&reasons).to_string();
            assert!(fault.starts_with(expected), "{name}: {fault}");
        }
    }
}

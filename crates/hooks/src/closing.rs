//! Is there still time to begin something?
//!
//! Whoever works on borrowed time (a function of AWS Lambda is stopped at its deadline) must have
//! handed on by then what is left. From the moment of closing no attempt is begun; those that run
//! may end.

use std::{fmt, pin::pin};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Either, Shared, select},
};

/// When no more attempts are begun.
#[derive(Clone)]
pub struct Closing(Option<Shared<BoxFuture<'static, ()>>>);

impl Closing {
    /// There is always time.
    pub const fn never() -> Self {
        Self(None)
    }

    /// As soon as this has come.
    pub fn when(moment: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(moment.boxed().shared()))
    }

    /// Is it over?
    pub(crate) fn has_come(&self) -> bool {
        self.0.as_ref().is_some_and(|moment| moment.clone().now_or_never().is_some())
    }

    /// What comes of waiting for this; `None` when the moment comes first. What is waited for must
    /// be harmless to give up.
    pub(crate) async fn before<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let Some(moment) = &self.0 else { return Some(work.await) };
        match select(moment.clone(), pin!(work)).await {
            Either::Left(((), _)) => None,
            Either::Right((done, _)) => Some(done),
        }
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Closing({})", if self.has_come() { "over" } else { "not yet" })
    }
}

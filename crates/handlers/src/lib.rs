//! What a hook can do when it fires; the only crate that dials out.
//!
//! A file for every handler: [`AllHandlers`] is what the rest of the house sees of them. Requests
//! leave by [`egress`], signed as [`signature`] says; what became of them is judged in
//! [`failure`].

mod webhook;
mod log;

pub mod egress;
pub mod signature;
pub mod failure;
mod headers;
mod report;

use async_trait::async_trait;
use hooks::{
    delivery::{ExhaustedReason, HandlerResult, Report},
    handler::{Handler, HandlerKind, Headers},
    hook::Draft,
    ports::{Handlers, Run},
    target_url::TargetUrl,
    violation::Violations,
};

pub use self::log::LogSink;
use self::{egress::Egress, signature::SignatureAlgorithm};

/// The handlers of hooks, and what they are run with.
pub struct AllHandlers {
    egress: Egress,
    algorithm: SignatureAlgorithm,
    log: LogSink,
}

impl AllHandlers {
    /// Handlers that dial by this door, sign `x-kong-signature` with this algorithm, and log
    /// there.
    pub fn new(egress: Egress, algorithm: SignatureAlgorithm, log: LogSink) -> Self {
        Self { egress, algorithm, log }
    }

    fn check_request(
        &self,
        url: &TargetUrl,
        headers: &Headers,
        templates: bool,
    ) -> Result<(), Violations> {
        let mut violations = Violations::default();
        if let Err(refusal) = self.egress.judge(url) {
            violations.add("config.url", refusal);
        }
        if let Err(error) = headers::check(headers, templates) {
            violations.add("config.headers", error);
        }
        violations.into_result()
    }
}

#[async_trait]
impl Handlers for AllHandlers {
    fn check(&self, hook: &Draft) -> Result<(), Violations> {
        match &hook.handler {
            Handler::Webhook(it) => self.check_request(&it.url, &it.headers, false),
            Handler::WebhookCustom(it) => {
                self.check_request(&it.url, &it.headers, it.headers_format)
            }
            Handler::Log {} | Handler::Lambda(_) => Ok(()),
        }
    }

    async fn run(&self, run: Run<'_>) -> Report {
        match &run.hook.draft.handler {
            Handler::Webhook(it) => webhook::run(it, run, &self.egress, self.algorithm).await,
            Handler::WebhookCustom(_) => not_known(ExhaustedReason::TemplateError, run),
            Handler::Log {} => log::run(run, &self.log).await,
            Handler::Lambda(_) => not_known(ExhaustedReason::ScriptError, run),
        }
    }
}

/// The report of a hook that only another release can have saved.
fn not_known(why: ExhaustedReason, run: Run<'_>) -> Report {
    let kind: HandlerKind = run.hook.draft.handler.kind();
    let outcome = failure::permanent(why, format!("handler {kind} is not part of this release"));
    Report { outcome, request: None, result: HandlerResult::Nothing }
}

//! What a hook can do when it fires; the only crate that dials out.
//!
//! A file for every handler: [`AllHandlers`] is what the rest of the house sees of them. Requests
//! leave by [`egress`], signed as [`signature`] says; what became of them is judged in
//! [`failure`].

mod webhook;
mod webhook_custom;
mod log;
mod lambda;

pub mod template;
mod prepared;
pub mod sandbox;
mod lua_http;
mod turns;
pub mod egress;
pub mod signature;
pub mod failure;
mod headers;
mod report;
mod sending;
mod setup;

use std::sync::Arc;

use async_trait::async_trait;
use hooks::{
    delivery::Report,
    handler::{Handler, Headers},
    hook::Draft,
    ports::{CheckError, Handlers, Run},
    target_url::TargetUrl,
    violation::Violations,
};

use self::{
    egress::Egress, sandbox::Sandbox, signature::SignatureAlgorithm, webhook_custom::Custom,
};
pub use self::{log::LogSink, lua_http::EgressHttp, setup::Setup};

/// The handlers of hooks, and what they are run with.
pub struct AllHandlers {
    egress: Arc<Egress>,
    algorithm: SignatureAlgorithm,
    log: LogSink,
    sandbox: Sandbox,
    custom: Custom,
}

impl AllHandlers {
    /// Handlers that dial by this door, sign `x-kong-signature` with this algorithm, log there, and
    /// run functions and the Lua of templates in this sandbox.
    pub fn new(
        egress: Arc<Egress>,
        algorithm: SignatureAlgorithm,
        log: LogSink,
        sandbox: Sandbox,
    ) -> Self {
        Self { egress, algorithm, log, sandbox, custom: Custom::new() }
    }

    /// What is wrong with a request to there, with these headers.
    fn violations(&self, url: &TargetUrl, headers: &Headers, templates: bool) -> Violations {
        let mut violations = Violations::default();
        if let Err(refusal) = self.egress.judge(url) {
            violations.add("config.url", refusal);
        }
        if let Err(error) = headers::check(headers, templates) {
            violations.add("config.headers", error);
        }
        violations
    }
}

#[async_trait]
impl Handlers for AllHandlers {
    async fn check(&self, hook: &Draft) -> Result<(), CheckError> {
        match &hook.handler {
            Handler::Webhook(it) => {
                Ok(self.violations(&it.url, &it.headers, false).into_result()?)
            }
            Handler::WebhookCustom(it) => {
                let mut violations = self.violations(&it.url, &it.headers, it.headers_format);
                match webhook_custom::check(it, &self.sandbox).await {
                    Err(CheckError::Invalid(more)) => violations.extend(more),
                    checked => checked?,
                }
                Ok(violations.into_result()?)
            }
            Handler::Log {} => Ok(()),
            Handler::Lambda(it) => lambda::check(it, &self.sandbox).await,
        }
    }

    async fn run(&self, run: Run<'_>) -> Report {
        match &run.hook.draft.handler {
            Handler::Webhook(it) => webhook::run(it, run, &self.egress, self.algorithm).await,
            Handler::WebhookCustom(it) => webhook_custom::run(it, run, self).await,
            Handler::Log {} => log::run(run, &self.log).await,
            Handler::Lambda(it) => lambda::run(it, run, &self.sandbox, self.egress.timeout()).await,
        }
    }
}

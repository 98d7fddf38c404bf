//! `webhook-custom`: a request made to order.
//!
//! Headers, and body or payload, are templates that see the event's data with `source` and `event`
//! merged in. They are compiled when the hook is saved, to find what is wrong with them, and kept
//! compiled while the hook is used. What is signed is what is sent, byte by byte.

mod encoding;
mod ready;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use hooks::{
    delivery::{ExhaustedReason, HandlerResult, Outcome, Report},
    handler::{Dialect, WebhookCustom},
    ports::{CheckError, Run},
    target_url::{TargetUrl, TargetUrlError},
    violation::Violations,
};
use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use self::{
    encoding::Encoding,
    ready::{Broken, Ready, Said, SaidContent},
};
use crate::{
    AllHandlers, failure,
    headers::{self, HeaderError},
    lambda::{self, CHECKS},
    prepared::Prepared,
    report,
    sandbox::{self, Job, Sandbox, SandboxError, ScriptFailure},
    sending::{self, Outgoing},
    template::{
        error::{RenderError, TemplateError},
        rendering::Rendering,
    },
    turns::Turns,
};

/// The longest body that is sent.
const LONGEST_BODY: usize = 1 << 20;

/// How many templates in Handlebars are rendered at a time.
const RENDERERS: usize = 2;

/// What is kept between runs: hooks as they were compiled, and whose turn it is.
pub(crate) struct Custom {
    prepared: Prepared<Result<Ready, Violations>>,
    turns: Turns,
}

/// A request that has everything but its signature.
struct Made {
    url: Option<TargetUrl>,
    headers: HeaderMap,
    body: Bytes,
}

/// Why no request was made.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error("the templates no longer compile: {}", first(.0))]
    Stale(Violations),
    #[error(transparent)]
    Template(#[from] Broken),
    #[error("a template's Lua was not run: {0}")]
    Sandbox(#[from] SandboxError),
    #[error("the templates were not rendered within {0:?}")]
    TooSlow(Duration),
    #[error("{0}: the worker ended in the middle of it")]
    Died(String),
    #[error("config.headers: {0}")]
    Header(#[from] HeaderError),
    #[error("the body has {0} bytes, at most {LONGEST_BODY} are sent")]
    TooLong(usize),
    #[error("config.payload does not fit into the query: {0}")]
    Query(#[from] TargetUrlError),
}

impl Custom {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { prepared: Prepared::new(), turns: Turns::new(RENDERERS) }
    }
}

/// Would this hook's requests be made?
pub(crate) async fn check(hook: &WebhookCustom, sandbox: &Sandbox) -> Result<(), CheckError> {
    method(hook).map_err(|why| Violations::one("config.method", why))?;
    let ready = Ready::compile(hook)?;
    let chunks: Vec<_> = ready.scripts().iter().map(|it| &*it.chunk).collect();
    if chunks.is_empty() {
        return Ok(());
    }
    match sandbox.check_templates(CHECKS, &chunks).await {
        Ok(()) => Ok(()),
        Err(sandbox::CheckError::Refused(failure)) => {
            let script = ready.scripts().get(failure.index);
            let (field, tags) = script.map_or(("config", &[][..]), |it| (&it.field, &it.tags));
            let error = TemplateError::from_lua(&failure.message, tags);
            // In a payload, the place stands in the message.
            let (field, message) = match field.split_once(": ") {
                Some((field, place)) => (field, format!("{place}: {error}")),
                None => (field, error.to_string()),
            };
            Err(Violations::one(field, message).into())
        }
        Err(sandbox::CheckError::Sandbox(error)) => Err(error.into()),
    }
}

/// Makes the request and sends it.
pub(crate) async fn run(hook: &WebhookCustom, run: Run<'_>, all: &AllHandlers) -> Report {
    let method = match method(hook) {
        Ok(method) => method,
        Err(why) => return refused(None, &format!("config.method: {why}")),
    };
    let (begun, most) = (Instant::now(), all.egress.timeout());
    let made = match timeout(most, make(hook, &method, run, all)).await {
        Ok(made) => made,
        Err(_) => Err(NotMade::TooSlow(most)),
    };
    let Made { url, headers, body } = match made {
        Ok(made) => made,
        Err(why) => return not_made(report::request_line(&method, &hook.url), &why),
    };
    let url = url.as_ref().unwrap_or(&hook.url);
    let WebhookCustom { signing, ssl_verify, .. } = hook;
    let within = Some(most.saturating_sub(begun.elapsed()));
    let outgoing =
        Outgoing { method, url, headers, body, signing, ssl_verify: *ssl_verify, within };
    sending::send(outgoing, run, &all.egress, all.algorithm).await
}

/// The method of a hook. A tunnel is not for hooks to make.
fn method(hook: &WebhookCustom) -> Result<Method, &'static str> {
    match Method::try_from(hook.method.as_str()) {
        Ok(Method::CONNECT) => Err("CONNECT cannot be used: no proxy is spoken to"),
        Ok(method) => Ok(method),
        Err(_) => Err("is no HTTP method"),
    }
}

async fn make(
    hook: &WebhookCustom,
    method: &Method,
    run: Run<'_>,
    all: &AllHandlers,
) -> Result<Made, NotMade> {
    let said = say(hook, run, all).await?;
    let mut headers = headers::ready(&said.headers)?;
    // One that a template left empty says nothing.
    if headers.get(CONTENT_TYPE).is_some_and(HeaderValue::is_empty) {
        headers.remove(CONTENT_TYPE);
    }
    let mut url = None;
    let body = match said.content {
        SaidContent::Nothing => Bytes::new(),
        SaidContent::Text(text) => text.into(),
        SaidContent::Payload(payload) if encoding::is_in_query(method) => {
            url = Some(hook.url.with_query(encoding::fields(&payload))?);
            Bytes::new()
        }
        SaidContent::Payload(payload) => Encoding::of(&headers).encode(&payload, &mut headers),
    };
    if body.len() > LONGEST_BODY {
        return Err(NotMade::TooLong(body.len()));
    }
    Ok(Made { url, headers, body })
}

/// What the hook says for the event.
async fn say(hook: &WebhookCustom, run: Run<'_>, all: &AllHandlers) -> Result<Said, NotMade> {
    let Custom { prepared, turns } = &all.custom;
    let compiled = prepared.of(run.hook, || (Ready::compile(hook), text_len(hook)));
    let ready = compiled.as_ref().as_ref().map_err(|it| NotMade::Stale(it.clone()))?;
    if ready.is_constant() {
        return Ok(ready.render(&mut Rendering::of(&Map::new()))?);
    }
    let context = run.event.data.merged(&run.event.source, run.name);
    if hook.template_engine == Some(Dialect::Handlebars) {
        let turn = turns.take(run.hook.id.into()).await;
        let began = Instant::now();
        let said = render_aside(Arc::clone(&compiled), context).await;
        turn.worked(began.elapsed());
        return said;
    }
    let printed = print(ready, &context, run, &all.sandbox).await?;
    Ok(ready.render(&mut Rendering::of(&context).with_printed(printed))?)
}

/// Handlebars may take its time, up to a limit: not on a thread that others wait for.
async fn render_aside(
    compiled: Arc<Result<Ready, Violations>>,
    context: Map<String, Value>,
) -> Result<Said, NotMade> {
    let render = move || {
        let ready = compiled.as_ref().as_ref().map_err(|it| NotMade::Stale(it.clone()))?;
        Ok(ready.render(&mut Rendering::of(&context))?)
    };
    match tokio::task::spawn_blocking(render).await {
        Ok(said) => said,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

/// What the Lua of the templates prints.
async fn print(
    ready: &Ready,
    context: &Map<String, Value>,
    run: Run<'_>,
    sandbox: &Sandbox,
) -> Result<Vec<String>, NotMade> {
    if ready.scripts().is_empty() {
        return Ok(Vec::new());
    }
    let chunks = ready.scripts().iter().map(|it| it.chunk.as_str().into()).collect();
    let ran = sandbox.run(run.hook.id.into(), Job::Templates { chunks, context }).await?;
    lambda::note(run, &ran.logs);
    if let Some(failure) = ran.failure {
        return Err(broken(ready, &failure));
    }
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(ran.returns.into_iter().map(text).collect())
}

fn broken(ready: &Ready, failure: &ScriptFailure) -> NotMade {
    let script = ready.scripts().get(failure.index);
    let field = script.map_or_else(|| "config".to_owned(), |it| it.field.clone());
    if failure.may_pass() {
        return NotMade::Died(field);
    }
    Broken { field, error: RenderError::from_lua(&failure.message) }.into()
}

/// How much of a hook is kept when its texts are.
fn text_len(hook: &WebhookCustom) -> usize {
    let headers = hook.headers.iter().map(|(name, value)| name.len() + value.len());
    let payload = hook.payload.as_ref().and_then(|it| serde_json::to_vec(it).ok());
    let body = hook.body.as_ref().map_or(0, String::len);
    headers.sum::<usize>() + payload.map_or(0, |it| it.len()) + body
}

fn not_made(line: String, why: &NotMade) -> Report {
    match why {
        NotMade::Sandbox(SandboxError::Busy(_) | SandboxError::Unavailable(_))
        | NotMade::TooSlow(_) => reported(Some(line), failure::not_tried(why.to_string())),
        NotMade::Died(_) => reported(Some(line), failure::transient(why.to_string())),
        _ => refused(Some(line), &why.to_string()),
    }
}

fn refused(line: Option<String>, why: &str) -> Report {
    reported(line, failure::permanent(ExhaustedReason::TemplateError, why.to_owned()))
}

fn reported(request: Option<String>, outcome: Outcome) -> Report {
    Report { request, ..Report::without_request(outcome, HandlerResult::Nothing) }
}

fn first(violations: &Violations) -> String {
    let first = violations.iter().next();
    first.map_or_else(String::new, |it| format!("{}: {}", it.field, it.message))
}

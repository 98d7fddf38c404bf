//! What is being worked on? A function's instance works on one invocation at a time; all that it
//! says meanwhile is about that one.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use lambda_runtime::LambdaInvocation;
use serde_json::Value;
use tower::{Layer, Service};

use crate::{metrics::Metrics, trace};

/// The invocation that is being worked on, if there is one.
static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    request_id: String,
    trace_id: Option<String>,
}

fn running() -> MutexGuard<'static, Option<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What log lines and metrics say of the invocation that they are about.
pub(crate) fn ids() -> Vec<(String, Value)> {
    let running = running();
    let Some(Running { request_id, trace_id }) = &*running else { return Vec::new() };
    let trace_id = trace_id.iter().map(|it| ("trace_id".to_owned(), it.as_str().into()));
    [("request_id".to_owned(), request_id.as_str().into())].into_iter().chain(trace_id).collect()
}

/// Notes each invocation while it runs, and writes down at its end what was counted in it.
#[derive(Clone)]
pub struct Invocations {
    metrics: Arc<Metrics>,
}

impl Invocations {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for Invocations {
    type Service = Invoked<S>;

    fn layer(&self, inner: S) -> Invoked<S> {
        Invoked { inner, metrics: Arc::clone(&self.metrics) }
    }
}

/// What works on invocations, and is seen to do so.
#[derive(Clone)]
pub struct Invoked<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S> Service<LambdaInvocation> for Invoked<S>
where
    S: Service<LambdaInvocation, Response = (), Error = lambda_runtime::Error>,
    S::Future: 'static,
{
    type Response = ();
    type Error = lambda_runtime::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), lambda_runtime::Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let context = &invocation.context;
        let trace = context.xray_trace_id.as_deref().and_then(trace::from_xray);
        *running() = Some(Running {
            request_id: context.request_id.clone(),
            trace_id: trace.map(|it| format!("{:032x}", it.trace_id())),
        });
        let answered = self.inner.call(invocation);
        let metrics = Arc::clone(&self.metrics);
        Box::pin(async move {
            // The answer is out by then: whoever waits for it does not wait for this.
            let ended = answered.await;
            metrics.flush();
            *running() = None;
            ended
        })
    }
}

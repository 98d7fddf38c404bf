//! How does a request come in? As API Gateway hands it over: with the address of its sender, its
//! place in a trace, and a deadline that it must be answered by.

use std::{
    convert::Infallible,
    fmt::Display,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use api::ClientAddress;
use aws::trace::traced;
use bytes::Bytes;
use futures_util::FutureExt as _;
use hooks::{ports::Clock, time::Timestamp};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use lambda_http::{Request, RequestExt as _, request::RequestContext};
use tokio::time::timeout;
use tower::Service;

/// What is kept of an invocation's time for its answer.
const FOR_THE_ANSWER: Duration = Duration::from_millis(500);

/// A router, as a function's handler of HTTP requests.
#[derive(Clone)]
pub struct Door<S> {
    inner: S,
    clock: Arc<dyn Clock>,
}

impl<S> Door<S> {
    /// Opens what answers requests to API Gateway.
    pub fn new(inner: S, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock }
    }

    /// How long there is for a request; `None` where nobody said.
    fn left(&self, request: &Request) -> Option<Duration> {
        let deadline = request.lambda_context_ref()?.deadline;
        let deadline = Timestamp::from_millis(i64::try_from(deadline).ok()?);
        let left = deadline.since(self.clock.now()).unwrap_or_default();
        Some(left.saturating_sub(FOR_THE_ANSWER))
    }
}

impl<S, B> Service<Request> for Door<S>
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Display> + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let left = self.left(&request);
        let mut request = traced(request);
        if let Some(address) = sender(&request) {
            request.extensions_mut().insert(ClientAddress(address));
        }
        let answer = self.inner.call(request).then(whole);
        Box::pin(async move {
            match left {
                None => answer.await,
                Some(left) => {
                    let late = |_| Ok(unavailable("this takes longer than there is time for"));
                    timeout(left, answer).await.unwrap_or_else(late)
                }
            }
        })
    }
}

/// An answer in one piece, as Lambda takes it.
async fn whole<B>(
    answer: Result<Response<B>, Infallible>,
) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: Body<Data = Bytes, Error: Display>,
{
    let (head, body) = answer?.into_parts();
    Ok(match body.collect().await {
        Ok(body) => Response::from_parts(head, Full::new(body.to_bytes())),
        Err(error) => {
            tracing::error!(%error, "answer broken off");
            unavailable("the answer broke off")
        }
    })
}

/// Who sent a request, as API Gateway saw it. What headers say of it anybody can say.
fn sender(request: &Request) -> Option<IpAddr> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(it) => it.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}

fn unavailable(why: &str) -> Response<Full<Bytes>> {
    let text = format!(r#"{{"message":"{why}; try again"}}"#);
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, json);
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

#[cfg(test)]
mod tests {
    use futures_util::future::{pending, ready};
    use testkit::fakes::HandClock;
    use tower::service_fn;

    use super::*;

    const TRACE: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    /// A request as API Gateway hands it over, in an invocation that ends so much later.
    fn request(left: Duration) -> Request {
        let event = format!(
            r#"{{"version": "2.0", "routeKey": "$default", "rawPath": "/events",
                "rawQueryString": "",
                "headers": {{"x-forwarded-for": "10.9.9.9", "x-amzn-trace-id": "{TRACE}"}},
                "requestContext": {{"http": {{"method": "POST", "path": "/events",
                    "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "curl"}},
                    "stage": "$default", "timeEpoch": 0}},
                "body": "{{}}", "isBase64Encoded": false}}"#
        );
        let mut context = lambda_http::Context::default();
        context.deadline = (HandClock::default().now() + left).as_millis().unsigned_abs();
        lambda_http::request::from_str(&event).unwrap().with_lambda_context(context)
    }

    async fn answered<F>(left: Duration, answer: impl FnMut(Request) -> F) -> (StatusCode, String)
    where
        F: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
    {
        let mut door = Door::new(service_fn(answer), Arc::new(HandClock::default()));
        let (head, body) = door.call(request(left)).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_request_comes_with_its_sender_and_its_trace() {
        let said = |request: Request| {
            let sender = request.extensions().get::<ClientAddress>().unwrap().0;
            let trace = request.headers()["traceparent"].to_str().unwrap();
            ready(Ok(Response::new(Full::from(format!("{sender} {trace}")))))
        };
        let (status, said) = answered(Duration::from_secs(30), said).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            said, "203.0.113.7 00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
            "the header that anybody can write says nothing"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_answered_before_the_deadline() {
        let began = tokio::time::Instant::now();
        let (status, said) = answered(Duration::from_secs(30), |_| pending()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{said}");
        assert_eq!(began.elapsed(), Duration::from_millis(29_500));
    }
}

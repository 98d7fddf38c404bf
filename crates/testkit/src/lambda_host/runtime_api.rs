//! The Runtime API: where a function asks for invocations, and says what came of them.
//!
//! Each life of a program has one of its own, so that nobody answers for the dead.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot, watch},
    task::{AbortHandle, JoinSet},
};

use super::{Invoked, LambdaHost};

/// The largest answer that Lambda takes.
const MOST_BYTES: usize = 6 * 1024 * 1024;

/// Where invocations come from and answers go, on loopback.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    handed_over: Notify,
    polled: watch::Sender<Option<Instant>>,
}

#[derive(Debug, Default)]
struct State {
    count: u32,
    waiting: Option<Invocation>,
    running: HashMap<String, oneshot::Sender<Invoked>>,
    init_error: Option<Value>,
}

/// What a function is asked to do.
#[derive(Debug)]
struct Invocation {
    id: String,
    deadline: SystemTime,
    payload: Bytes,
}

impl RuntimeApi {
    /// Serves a program that is to be started.
    pub(super) async fn serve() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            handed_over: Notify::new(),
            polled: watch::Sender::new(None),
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, server }
    }

    /// What `AWS_LAMBDA_RUNTIME_API` says.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// When the program asked for its first invocation, as soon as it has.
    pub(super) async fn first_poll(&self) -> Instant {
        let mut polled = self.shared.polled.subscribe();
        let at = polled.wait_for(Option::is_some).await.expect("the sender is ours");
        at.expect("it was waited for")
    }

    /// Why the program says that it cannot start, where it has said so.
    pub(super) fn init_error(&self) -> Option<Value> {
        self.shared.locked().init_error.clone()
    }

    /// Hands this over to the program as soon as it asks. What comes of it is sent here.
    pub(super) fn hand_over(&self, payload: &Value, time: Duration) -> oneshot::Receiver<Invoked> {
        #[expect(clippy::disallowed_methods, reason = "functions compare it with their own clock")]
        let deadline = SystemTime::now() + time;
        let (ended, receiver) = oneshot::channel();
        let mut state = self.shared.locked();
        state.count += 1;
        let id = format!("00000000-0000-4000-8000-{:012x}", state.count);
        state.running.insert(id.clone(), ended);
        state.waiting = Some(Invocation { id, deadline, payload: payload.to_string().into() });
        drop(state);
        self.shared.handed_over.notify_waiters();
        receiver
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next invocation, when there is one.
    async fn next(&self) -> Invocation {
        loop {
            let handed_over = self.handed_over.notified();
            if let Some(invocation) = self.locked().waiting.take() {
                return invocation;
            }
            handed_over.await;
        }
    }

    /// Takes note of what came of an invocation.
    fn end(&self, id: &str, how: Invoked) -> Response<Full<Bytes>> {
        let Some(ended) = self.locked().running.remove(id) else {
            return said(StatusCode::BAD_REQUEST, &json!({"errorType": "InvalidRequestID"}));
        };
        // Nobody may be waiting for it any more.
        let _ = ended.send(how);
        said(StatusCode::ACCEPTED, &json!({"status": "OK"}))
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path: Vec<_> = head.uri.path().trim_start_matches('/').split('/').collect();
        let ["2018-06-01", "runtime", route @ ..] = path.as_slice() else {
            return said(StatusCode::NOT_FOUND, &json!({"errorType": "NotFound"}));
        };
        if let (&Method::GET, ["invocation", "next"]) = (&head.method, route) {
            let now = Instant::now();
            self.polled.send_if_modified(|at| at.replace(at.unwrap_or(now)).is_none());
            return handed_over(self.next().await);
        }
        let body = match Limited::new(body, MOST_BYTES).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => Err(error.to_string()),
        };
        match (&head.method, route) {
            (&Method::POST, ["invocation", id, "response"]) => self.end(id, answered(body)),
            (&Method::POST, ["invocation", id, "error"]) => self.end(id, failed(&told(body))),
            (&Method::POST, ["init", "error"]) => {
                self.locked().init_error = Some(told(body));
                said(StatusCode::ACCEPTED, &json!({"status": "OK"}))
            }
            _ => said(StatusCode::NOT_FOUND, &json!({"errorType": "NotFound"})),
        }
    }
}

/// What Lambda makes of a function's answer: it has to be JSON, and not too large.
fn answered(body: Result<Bytes, String>) -> Invoked {
    let kind = |kind: &str, message| Invoked::Failed { kind: kind.to_owned(), message };
    match body {
        Ok(body) => serde_json::from_slice(&body).map_or_else(
            |error| kind("Runtime.MalformedResponse", error.to_string()),
            Invoked::Answered,
        ),
        Err(error) => kind("Function.ResponseSizeTooLarge", error),
    }
}

/// What a function tells of an error.
fn told(body: Result<Bytes, String>) -> Value {
    let told = body.and_then(|it| serde_json::from_slice(&it).map_err(|error| error.to_string()));
    told.unwrap_or_else(|error| json!({"errorType": "?", "errorMessage": error}))
}

fn failed(error: &Value) -> Invoked {
    let text = |name: &str| error[name].as_str().unwrap_or("?").to_owned();
    Invoked::Failed { kind: text("errorType"), message: text("errorMessage") }
}

fn handed_over(invocation: Invocation) -> Response<Full<Bytes>> {
    let since_1970 = invocation.deadline.duration_since(SystemTime::UNIX_EPOCH);
    let millis = since_1970.unwrap_or_default().as_millis();
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", invocation.id)
        .header("lambda-runtime-deadline-ms", millis.to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:under-test",
        )
        .header("lambda-runtime-trace-id", LambdaHost::TRACE)
        .body(invocation.payload.into())
        .expect("its parts are well-formed")
}

fn said(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .expect("its parts are well-formed")
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections are in this task's hands, so that they go with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let answer = |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(shared.handle(request).await) }
            };
            // It ends with an error whenever the program dies.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

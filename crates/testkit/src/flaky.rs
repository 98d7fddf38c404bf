//! Somebody between an AWS client and its server, who makes trouble.
//!
//! Requests are handed on to the server, and its answers back, until a rule says otherwise: what
//! is refused, lost on the way there, lost on the way back, late, or done by halves.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, body::Incoming, client, header, http::request::Parts, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// Between a client and its server, on loopback.
#[derive(Debug)]
pub struct Flaky {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

/// A request on its way to the server.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How many came before it.
    pub number: usize,
    /// What it asks for: `PutItem`, `SendMessageBatch`.
    pub operation: String,
    /// Its body.
    pub body: Bytes,
}

/// What goes wrong with a request.
#[derive(Debug, Clone)]
pub enum Trouble {
    /// It is answered with an error of this code, and goes no further.
    Refused(u16, &'static str),
    /// It is answered so, and goes no further.
    Answered(u16, Value),
    /// The connection is closed, and it goes no further.
    Dropped,
    /// It is carried out, and then the connection is closed.
    AnswerLost,
    /// It is carried out, and its answer comes so much later.
    AnswerLate(Duration),
    /// It is carried out so much later, whether anybody still waits for it or not.
    Late(Duration),
    /// It is carried out in another way.
    Halved(Halving),
}

impl Trouble {
    /// 400: there were too many requests.
    pub const THROTTLED: Self = Self::Refused(400, "ThrottlingException");
    /// 400: one partition had too many requests.
    pub const EXCEEDED: Self = Self::Refused(400, "ProvisionedThroughputExceededException");
    /// 500: it does not say why.
    pub const BROKEN: Self = Self::Refused(500, "InternalServerError");

    /// 400: a transaction of `DynamoDB`'s was cancelled for these reasons, one for each item.
    pub fn cancelled(reasons: &[&str]) -> Self {
        let reasons: Vec<_> = reasons.iter().map(|it| json!({"Code": it, "Message": ""})).collect();
        let error = "com.amazonaws#TransactionCanceledException";
        Self::Answered(400, json!({"__type": error, "CancellationReasons": reasons}))
    }
}

/// How a request is done by halves.
#[derive(Clone)]
pub struct Halving {
    /// Changes what is asked, and answers what it left out.
    pub request: fn(&mut Value) -> Value,
    /// Changes what is answered to what is left of it.
    pub answer: fn(&mut Value, Value),
}

impl Halving {
    /// `BatchGetItem`: half of the keys are left out, unless there is only one.
    pub const OF_KEYS: Self = Self {
        request: |request| {
            let mut left_out = request["RequestItems"].clone();
            for (table, left) in left_out.as_object_mut().into_iter().flatten() {
                let keys = &mut request["RequestItems"][table]["Keys"];
                left["Keys"] = second_half(keys);
            }
            left_out
        },
        answer: |answer, left_out| answer["UnprocessedKeys"] = filled(left_out, |it| &it["Keys"]),
    };

    /// `BatchWriteItem`: half of the writes are left out, unless there is only one.
    pub const OF_WRITES: Self = Self {
        request: |request| {
            let tables = request["RequestItems"].as_object_mut().into_iter().flatten();
            tables.map(|(table, writes)| (table.clone(), second_half(writes))).collect()
        },
        answer: |answer, left_out| answer["UnprocessedItems"] = filled(left_out, |it| it),
    };
}

/// Takes the second half of a list.
fn second_half(list: &mut Value) -> Value {
    let Some(list) = list.as_array_mut() else { return Value::Null };
    list.split_off(list.len().div_ceil(2)).into()
}

/// The tables of which something was left out.
fn filled(mut tables: Value, list: impl Fn(&Value) -> &Value) -> Value {
    if let Some(tables) = tables.as_object_mut() {
        tables.retain(|_, left| list(left).as_array().is_some_and(|it| !it.is_empty()));
    }
    tables
}

impl fmt::Debug for Halving {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Halving")
    }
}

/// Knows what goes wrong with a request, if anything does.
type Rule = Box<dyn FnMut(&Asked) -> Option<Trouble> + Send>;

struct Shared {
    server: String,
    state: Mutex<State>,
}

struct State {
    rule: Rule,
    asked: Vec<Asked>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shared").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Flaky {
    /// Stands before the server of this base URL, and makes no trouble yet.
    pub async fn before(server: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = State { rule: Box::new(|_| None), asked: Vec::new() };
        let authority = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let shared = Arc::new(Shared { server: authority, state: Mutex::new(state) });
        let server = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, server }
    }

    /// The base URL that a client is given in the place of the server's.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, this rule says what goes wrong; requests are numbered from 0 again.
    pub fn rule(&self, rule: impl FnMut(&Asked) -> Option<Trouble> + Send + 'static) {
        *self.shared.locked() = State { rule: Box::new(rule), asked: Vec::new() };
    }

    /// The next requests meet this, one after the other; those after them, nothing.
    pub fn next(&self, troubles: impl IntoIterator<Item = Trouble>) {
        let troubles: Vec<_> = troubles.into_iter().collect();
        self.rule(move |asked| troubles.get(asked.number).cloned());
    }

    /// From now on, every request meets this.
    pub fn always(&self, trouble: Trouble) {
        self.rule(move |_| Some(trouble.clone()));
    }

    /// From now on, nothing goes wrong.
    pub fn never(&self) {
        self.next([]);
    }

    /// What was asked since the rule was made, whatever became of it.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.locked().asked.clone()
    }
}

impl Drop for Flaky {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong with this request, if anything does.
    fn judge(&self, head: &Parts, body: &Bytes) -> Option<Trouble> {
        let mut state = self.locked();
        let target = head.headers.get("x-amz-target").and_then(|it| it.to_str().ok());
        let operation = target.unwrap_or_default().rsplit('.').next().unwrap_or_default();
        let (number, operation) = (state.asked.len(), operation.to_owned());
        let asked = Asked { number, operation, body: body.clone() };
        let trouble = (state.rule)(&asked);
        state.asked.push(asked);
        trouble
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections are in this task's hands, so that they go with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let answer = |request| handle(request, Arc::clone(&shared));
            let serving =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            // That it ends with an error is what it is for.
            let _ = serving.await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// An error closes the connection.
async fn handle(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let trouble = shared.judge(&head, &body);
    // It goes on even when the client has gone.
    let passing = async move |head, body, delay| {
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            pass(&shared.server, head, body).await
        })
        .await
        .map_err(io::Error::other)?
    };
    match trouble {
        None => passing(head, body, Duration::ZERO).await,
        Some(Trouble::Refused(status, code)) => Ok(refusal(status, code)),
        Some(Trouble::Answered(status, body)) => Ok(json_answer(status, &body)),
        Some(Trouble::Dropped) => Err(io::Error::other("dropped")),
        Some(Trouble::AnswerLost) => {
            passing(head, body, Duration::ZERO).await?;
            Err(io::Error::other("the answer is lost"))
        }
        Some(Trouble::AnswerLate(delay)) => {
            let answer = passing(head, body, Duration::ZERO).await;
            tokio::time::sleep(delay).await;
            answer
        }
        Some(Trouble::Late(delay)) => passing(head, body, delay).await,
        Some(Trouble::Halved(halving)) => {
            let mut request = serde_json::from_slice(&body)?;
            let left_out = (halving.request)(&mut request);
            let answer = passing(head, request.to_string().into(), Duration::ZERO).await?;
            let (head, body) = answer.into_parts();
            let mut answer =
                serde_json::from_slice(&body.collect().await.expect("it is whole").to_bytes())?;
            (halving.answer)(&mut answer, left_out);
            Ok(json_answer(head.status.as_u16(), &answer))
        }
    }
}

fn refusal(status: u16, code: &str) -> Response<Full<Bytes>> {
    json_answer(status, &json!({"__type": format!("com.amazonaws#{code}"), "message": "made up"}))
}

fn json_answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
        .body(Full::new(body.to_string().into()))
        .expect("its parts are well-formed")
}

/// Hands a request on, on a connection of its own.
async fn pass(server: &str, head: Parts, body: Bytes) -> io::Result<Response<Full<Bytes>>> {
    #[expect(clippy::disallowed_methods, reason = "the test's server, on loopback")]
    let stream = TcpStream::connect(server).await?;
    let (mut sender, connection) =
        client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let mut request = Request::from_parts(head, Full::new(body));
    // The body may be another one: its length is counted again.
    request.headers_mut().remove(header::CONTENT_LENGTH);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::TRANSFER_ENCODING);
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Response::from_parts(head, Full::new(body)))
}

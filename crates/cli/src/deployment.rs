//! How is a deployment asked, whether it is a process or in AWS?
//!
//! **Promise:** where the answer is "not now" (429, 503), it is asked again, as late as it says,
//! unless doing a thing twice would do two things. A failure names no token.

mod address;
mod connect;
mod credentials;
mod refusal;

use std::time::Duration;

use reqwest::{
    Client, Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER},
};
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

pub(crate) use self::address::{NO_WORKSPACE, Query, name, segment};
use crate::{
    arguments::Shared,
    failure::{Done, Failure, Kind},
};

/// The header that shows a token.
const TOKEN: HeaderName = HeaderName::from_static("kong-admin-token");
/// The header that makes two posts of events the same.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// How often something is asked for again that is not to be had now.
const MOST_REPETITIONS: u32 = 5;
/// The longest that one waits in between, whatever the deployment says.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;
/// The most items that are read of a list, of however many pages.
const LONGEST_LIST: usize = 1_000_000;
/// How many items a page of a list has.
const PAGE: usize = 1_000;

/// Where somebody asks, and as whom.
pub(crate) struct Deployment {
    client: Client,
    base: String,
    workspace: Option<String>,
    headers: HeaderMap,
    timeout: Duration,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// Nothing.
    Nothing,
    /// JSON.
    Json(Value),
    /// A form, whose text the deployment turns into what the fields hold.
    Form(Vec<(String, String)>),
    /// Events, one a line, and what makes a second post of them the same.
    Events {
        /// The lines.
        lines: String,
        /// The key.
        key: String,
    },
}

/// Something to ask for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: Method,
    path: String,
    body: Body,
    is_repeatable: bool,
}

impl Request {
    /// Something that may be done twice.
    pub(crate) fn new(method: Method, path: impl Into<String>, body: Body) -> Self {
        Self { method, path: path.into(), body, is_repeatable: true }
    }

    /// Something that may not.
    #[must_use]
    pub(crate) fn once(self) -> Self {
        Self { is_repeatable: false, ..self }
    }
}

impl Deployment {
    /// The one that the command line names. Nobody is asked anything yet.
    pub(crate) fn new(shared: &Shared) -> Done<Self> {
        let mut headers = HeaderMap::new();
        headers.extend(credentials::token(shared)?.map(|token| (TOKEN, token)));
        let base = address::base(&shared.url)?;
        Ok(Self {
            client: connect::client(shared, &base)?,
            base: base.as_str().trim_end_matches('/').to_owned(),
            workspace: address::workspace(shared.workspace.as_deref())?,
            headers,
            timeout: shared.timeout(),
        })
    }

    /// The workspace that is worked in, where it is one.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace.as_deref()
    }

    /// Asks for what is at a path.
    pub(crate) async fn get(&self, path: impl Into<String>) -> Done<Value> {
        self.ask(Request::new(Method::GET, path, Body::Nothing)).await
    }

    /// Posts something that may be posted twice.
    pub(crate) async fn post(&self, path: impl Into<String>, body: Body) -> Done<Value> {
        self.ask(Request::new(Method::POST, path, body)).await
    }

    /// Removes what is at a path.
    pub(crate) async fn delete(&self, path: impl Into<String>) -> Done<Value> {
        self.ask(Request::new(Method::DELETE, path, Body::Nothing)).await
    }

    /// A list, page by page, until `most` items are there.
    pub(crate) async fn list(&self, path: &str, query: &Query, most: usize) -> Done<Vec<Value>> {
        let mut items = Vec::new();
        let mut offset = None;
        loop {
            let size = PAGE.min(most - items.len()).to_string();
            let query = query.clone().and("size", Some(size)).and("offset", offset.clone());
            let mut page = self.get(query.after(path)).await?;
            let Value::Array(found) = page["data"].take() else {
                return Err(Failure::failed(format_args!("{path} is no list here")));
            };
            items.extend(found);
            let next = page["offset"].as_str().map(str::to_owned);
            if next.is_none() || items.len() >= most {
                items.truncate(most);
                return Ok(items);
            }
            if next == offset || items.len() > LONGEST_LIST {
                return Err(Failure::failed(format_args!("{path} is a list without an end")));
            }
            offset = next;
        }
    }

    /// How it is. An answer that says so is one, whatever its status.
    pub(crate) async fn health(&self) -> Done<(bool, Value)> {
        let answer = self.once(&Request::new(Method::GET, "/status", Body::Nothing)).await?;
        match serde_json::from_str::<Value>(&answer.text) {
            Ok(health) if health["status"].is_string() => Ok((answer.status.is_success(), health)),
            _ if answer.status.is_success() => Err(not_a_deployment()),
            _ => Err(self.refused(&answer)),
        }
    }

    /// Is this token shown secrets? Who may not change hooks is not, and is not told so: what is
    /// hidden looks like nothing. To ping a hook that is not there takes the same permission, and
    /// does nothing.
    pub(crate) async fn shows_secrets(&self) -> Done<bool> {
        match self.get(format!("/event-hooks/{}/ping", Uuid::new_v4())).await {
            Err(failure) if failure.kind == Kind::Refused => Ok(false),
            Err(failure) if failure.kind == Kind::NotFound => Ok(true),
            answered => answered.map(|_| true),
        }
    }

    /// Asks, and again where the answer is "not now".
    pub(crate) async fn ask(&self, request: Request) -> Done<Value> {
        let mut repetitions = 0;
        loop {
            let answer = self.once(&request).await?;
            match answer.status {
                status if status.is_success() => return answer.json(),
                StatusCode::TOO_MANY_REQUESTS => {}
                StatusCode::SERVICE_UNAVAILABLE if request.is_repeatable => {}
                StatusCode::SERVICE_UNAVAILABLE => {
                    let hint = "it may have been done all the same: look before you ask again";
                    return Err(self.refused(&answer).hint(hint));
                }
                _ => return Err(self.refused(&answer)),
            }
            if repetitions == MOST_REPETITIONS {
                return Err(self.refused(&answer).of(Kind::Unreachable));
            }
            tokio::time::sleep(wait(repetitions, answer.retry_after)).await;
            repetitions += 1;
        }
    }

    fn refused(&self, answer: &Answer) -> Failure {
        let failure =
            refusal::failure(answer.status, &answer.text, self.headers.contains_key(TOKEN));
        if answer.status.is_client_error() { failure.refusing() } else { failure }
    }

    async fn once(&self, request: &Request) -> Done<Answer> {
        let prefix = self.workspace.as_ref().map_or(String::new(), |it| format!("/{it}"));
        let url = format!("{}{prefix}{}", self.base, request.path);
        let asked = self.client.request(request.method.clone(), url).headers(self.headers.clone());
        let asked = match &request.body {
            Body::Nothing => asked,
            Body::Json(json) => {
                asked.header(CONTENT_TYPE, "application/json").body(json.to_string())
            }
            Body::Form(fields) => {
                let form =
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                asked.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
            }
            Body::Events { lines, key } => asked
                .header(CONTENT_TYPE, "application/x-ndjson")
                .header(KEY, key)
                .body(lines.clone()),
        };
        let mut response = asked.send().await.map_err(|error| self.unreachable(&error))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + chunk.len() > LONGEST_ANSWER {
                return Err(Failure::failed("the answer is longer than any should be"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        Ok(Answer { status, retry_after, text })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let Self { base, timeout, .. } = self;
        let what = if error.is_timeout() {
            format!("{base} did not answer within {} s", timeout.as_secs())
        } else {
            format!("cannot reach {base}: {}", deepest(error))
        };
        Failure::new(Kind::Unreachable, what).hint("--url or EVENT_HOOKS_URL says where to ask")
    }
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    text: String,
}

impl Answer {
    /// Deployments answer with an object or with nothing.
    fn json(&self) -> Done<Value> {
        if self.text.is_empty() {
            return Ok(Value::Null);
        }
        let object = serde_json::from_str(&self.text).map(Value::Object);
        object.map_err(|_| not_a_deployment())
    }
}

fn not_a_deployment() -> Failure {
    Failure::failed("the answer is not a JSON object")
        .hint("is that an Event Hooks deployment? --url says where")
}

/// How long to wait before something is asked for again.
fn wait(repetitions: u32, retry_after: Option<Duration>) -> Duration {
    let usual = Duration::from_secs(1) * 2_u32.saturating_pow(repetitions);
    retry_after.unwrap_or(usual).min(LONGEST_WAIT)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What lies at the bottom of an error, without the address, which has been said.
fn deepest(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    match deepest.downcast_ref::<reqwest::Error>() {
        Some(_) => "no answer".to_owned(),
        None => deepest.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_waits_as_long_as_is_said_within_reason() {
        let seconds = Duration::from_secs;
        for (name, repetitions, said, expected) in [
            ("nothing is said", 0, None, 1),
            ("nothing is said, later", 3, None, 8),
            ("it is said", 3, Some(2), 2),
            ("at once", 1, Some(0), 0),
            ("a day", 0, Some(86_400), 60),
        ] {
            assert_eq!(wait(repetitions, said.map(seconds)), seconds(expected), "{name}");
        }
    }
}

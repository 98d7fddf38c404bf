//! How is a deployment asked, whether it is a process or in AWS?
//!
//! **Promise:** where the answer is "not now" (429, 503), it is asked again, as late as it says,
//! unless doing a thing twice would do two things. A failure names no token.

mod connect;
mod refusal;

use std::time::Duration;

use reqwest::{
    Client, Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::{
    arguments::Shared,
    failure::{Done, Failure, Kind},
    terminal,
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
        if let Some(token) = shared.token.as_deref().filter(|it| !it.is_empty()) {
            let mut token = HeaderValue::from_str(token)
                .map_err(|_| Failure::usage("the token has characters that no token has"))?;
            token.set_sensitive(true);
            headers.insert(TOKEN, token);
        }
        Ok(Self {
            client: connect::client(shared)?,
            base: base(&shared.url)?,
            workspace: shared
                .workspace
                .clone()
                .filter(|it| !it.is_empty())
                .map(checked)
                .transpose()?,
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
            let query = query.clone().and("size", Some(size)).and("offset", offset);
            let mut page = self.get(query.after(path)).await?;
            let Value::Array(found) = page["data"].take() else {
                return Err(Failure::failed(format_args!("{path} is no list here")));
            };
            items.extend(found);
            offset = page["offset"].as_str().map(str::to_owned);
            if offset.is_none() || items.len() >= most {
                items.truncate(most);
                return Ok(items);
            }
        }
    }

    /// Asks, and again where the answer is "not now".
    pub(crate) async fn ask(&self, request: Request) -> Done<Value> {
        let mut repetitions = 0;
        loop {
            let answer = self.once(&request).await?;
            if answer.status.is_success() {
                return answer.json();
            }
            let is_later = match answer.status {
                StatusCode::TOO_MANY_REQUESTS => true,
                StatusCode::SERVICE_UNAVAILABLE => request.is_repeatable,
                _ => false,
            };
            if !is_later || repetitions == MOST_REPETITIONS {
                let has_token = self.headers.contains_key(TOKEN);
                return Err(refusal::failure(answer.status, &answer.text, has_token));
            }
            tokio::time::sleep(wait(repetitions, answer.retry_after)).await;
            repetitions += 1;
        }
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
    fn json(&self) -> Done<Value> {
        if self.text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.text).map_err(|_| {
            Failure::failed("the answer is not JSON")
                .hint("is that an Event Hooks deployment? --url says where")
        })
    }
}

/// The parameters of a path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// With this parameter, where it has a value.
    #[must_use]
    pub(crate) fn and(mut self, name: &'static str, value: Option<String>) -> Self {
        self.0.extend(value.map(|value| (name, value)));
        self
    }

    fn after(&self, path: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish();
        format!("{path}?{query}")
    }
}

/// A name as a segment of a path.
pub(crate) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The address without a slash at its end. An address with credentials is not repeated.
fn base(url: &str) -> Done<String> {
    let wrong = |why: &str| Failure::usage(format_args!("--url {why}"));
    let parsed =
        Url::parse(url).map_err(|_| wrong("is no address, such as http://localhost:8001"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("has credentials in it; EVENT_HOOKS_TOKEN is the place for a token"));
    }
    if !matches!(parsed.scheme(), "http" | "https") || parsed.cannot_be_a_base() {
        return Err(wrong("must begin with http:// or https://"));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(wrong("ends with a path; what follows ? or # is for nothing"));
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// A workspace's name, which goes into paths as it is.
fn checked(name: String) -> Done<String> {
    let is_good = |it: char| it.is_ascii_alphanumeric() || "_.~-".contains(it);
    if name.is_empty() || name == "." || name == ".." || !name.chars().all(is_good) {
        let name = terminal::plain(&name);
        return Err(Failure::usage(format_args!(
            "--workspace '{name}' is no name: letters, digits, _ . ~ - make one"
        )));
    }
    Ok(name)
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
    fn an_address_is_taken_or_refused_without_being_repeated() {
        for (name, url, expected) in [
            ("with a slash", "http://localhost:8001/", Ok("http://localhost:8001")),
            ("with a path", "https://a.example/prod/", Ok("https://a.example/prod")),
            ("no address", "localhost", Err("--url is no address, such as http://localhost:8001")),
            ("another scheme", "localhost:8001", Err("--url must begin with http:// or https://")),
            (
                "with credentials",
                "http://me:s3cr3t@a.example",
                Err("--url has credentials in it; EVENT_HOOKS_TOKEN is the place for a token"),
            ),
            (
                "with a query",
                "http://a.example/?x",
                Err("--url ends with a path; what follows ? or # is for nothing"),
            ),
        ] {
            let found = base(url).map_err(|it| it.summary());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{name}");
        }
    }

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

    #[test]
    fn a_name_in_a_path_stays_one_segment() {
        assert_eq!(segment("dao:crud/a b?"), "dao%3Acrud%2Fa%20b%3F");
    }
}

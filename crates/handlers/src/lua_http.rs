//! How does a script's request leave? By the one door, as every request does.

use std::sync::Arc;

use async_trait::async_trait;
use hooks::target_url::TargetUrl;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::{
    egress::{Answer, Egress, Request},
    headers::is_of_the_connection,
    report,
    sandbox::{LuaAnswer, LuaHttp, LuaRequest},
};

/// Sends what scripts ask for.
pub struct EgressHttp(Arc<Egress>);

impl EgressHttp {
    /// By this door.
    pub fn new(egress: Arc<Egress>) -> Self {
        Self(egress)
    }
}

#[async_trait]
impl LuaHttp for EgressHttp {
    async fn request(&self, request: LuaRequest) -> Result<LuaAnswer, String> {
        let method = method(&request.method)?;
        let url = TargetUrl::parse(&request.url).map_err(|error| error.to_string())?;
        let headers = headers(&request.headers)?;
        let sent = self.0.send(Request {
            method,
            url: &url,
            headers,
            body: request.body.unwrap_or_default().into(),
            // As lua-resty-http does.
            ssl_verify: request.ssl_verify.unwrap_or(true),
            within: Some(request.timeout),
        });
        sent.await.map(answer).map_err(|error| error.to_string())
    }
}

fn method(name: &str) -> Result<Method, String> {
    match Method::try_from(name) {
        Ok(Method::CONNECT) | Err(_) => Err(format!("bad method '{name}'")),
        Ok(method) => Ok(method),
    }
}

/// The headers, without those that follow from the rest of the request.
fn headers(given: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let bad = |what| format!("bad {what} of header '{name}'");
        let read = HeaderName::try_from(name).map_err(|_| bad("name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad("value"))?;
        match read.as_str() {
            "host" | "content-length" => {}
            name if name.starts_with("proxy-") || is_of_the_connection(name) => {}
            _ => drop(headers.append(read, value)),
        }
    }
    Ok(headers)
}

fn answer(answer: Answer) -> LuaAnswer {
    let status = StatusCode::from_u16(answer.status).ok();
    LuaAnswer {
        status: answer.status,
        reason: status.and_then(|it| it.canonical_reason()).unwrap_or_default().to_owned(),
        headers: report::in_words(&answer.headers),
        body: answer.body.into(),
    }
}

//! What scripts may ask of the world, and who asks it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use handlers::sandbox::{Limits, LuaAnswer, LuaHttp, LuaRequest};

use super::*;

/// Answers everything in the same way, after a while.
#[derive(Default)]
struct Receiver {
    seen: Mutex<Vec<LuaRequest>>,
    takes: Duration,
    refuses: Option<&'static str>,
}

#[async_trait]
impl LuaHttp for Receiver {
    async fn request(&self, request: LuaRequest) -> Result<LuaAnswer, String> {
        self.seen.lock().unwrap().push(request);
        tokio::time::sleep(self.takes).await;
        if let Some(why) = self.refuses {
            return Err(why.into());
        }
        let headers = [("Content-Type", "text/plain"), ("set-cookie", "a"), ("set-cookie", "b")];
        Ok(LuaAnswer {
            status: 201,
            reason: "Created".into(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            body: b"\xffok".into(),
        })
    }
}

fn with(receiver: Receiver) -> (Sandbox, Arc<Receiver>) {
    let receiver = Arc::new(receiver);
    let http = Some(Arc::clone(&receiver) as Arc<dyn LuaHttp>);
    (Sandbox::new(SandboxConfig { http, ..config() }), receiver)
}

#[tokio::test]
async fn a_request_is_made_by_the_parent() {
    let (sandbox, receiver) = with(Receiver::default());
    let body = r#"
        local httpc = require("resty.http").new()
        httpc:set_timeout(2000)
        local res, err = httpc:request_uri("https://example.com/hook", {
            method = "POST",
            body = require("cjson").encode({text = data.entity.username}),
            headers = {["Content-Type"] = "application/json", ["X-Many"] = {"a", "b"}},
            query = {q = "a b"},
            ssl_verify = false,
        })
        httpc:set_keepalive() httpc:close()
        return {res.status, res.reason, res.headers["content-type"], res.headers.Content_Type,
                res.headers["Set-Cookie"], res.headers.missing or "none", #res.body, res.has_body}
    "#;
    let ran = run_body(&sandbox, body).await;
    assert_eq!(failure_of(&ran), "");
    let expected = json!([201, "Created", "text/plain", "text/plain", ["a", "b"], "none", 3, true]);
    assert_eq!(ran.returns, [expected]);

    let seen = receiver.seen.lock().unwrap();
    let [request] = &seen[..] else { panic!("one request") };
    assert_eq!(request.method, "POST");
    assert_eq!(request.url, "https://example.com/hook?q=a%20b");
    assert_eq!(request.body.as_deref(), Some(&br#"{"text":"Lois Lane"}"#[..]));
    assert_eq!(request.ssl_verify, Some(false));
    assert_eq!(request.timeout, Duration::from_secs(2));
    let mut headers = request.headers.clone();
    headers.sort();
    let expected = [("Content-Type", "application/json"), ("X-Many", "a"), ("X-Many", "b")];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn what_is_not_said_is_not_made_up() {
    let (sandbox, receiver) = with(Receiver::default());
    let body = "require('resty.http'):new():request_uri('http://example.com')";
    assert_eq!(failure_of(&run_body(&sandbox, body).await), "");
    let expected = LuaRequest {
        method: "GET".into(),
        url: "http://example.com".into(),
        headers: Vec::new(),
        body: None,
        ssl_verify: None,
        timeout: Limits::default().http_wait,
    };
    assert_eq!(*receiver.seen.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_refusal_is_the_scripts_to_handle() {
    let (sandbox, _) =
        with(Receiver { refuses: Some("target not allowed"), ..Receiver::default() });
    let body = "
        local res, err = require('resty.http').new():request_uri('http://169.254.169.254/')
        return {res == nil, err}";
    assert_eq!(run_body(&sandbox, body).await.returns, [json!([true, "target not allowed"])]);
}

#[tokio::test]
async fn without_the_setting_there_is_no_module() {
    let sandbox = sandbox();
    let message = "module 'resty.http' is off: requests need the setting lua_http = on";
    let ran = run_body(&sandbox, "require('resty.http')").await;
    assert!(failure_of(&ran).ends_with(message), "{}", failure_of(&ran));

    let (sandbox, receiver) = with(Receiver::default());
    let at_save = "local http = require('resty.http') return function() end";
    let message = refusal(&sandbox, at_save).await.unwrap();
    assert!(message.contains("module 'resty.http' is off"), "not while it is saved: {message}");
    assert!(receiver.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn waiting_for_an_answer_costs_no_time() {
    let (sandbox, _) = with(Receiver { takes: Duration::from_millis(400), ..Receiver::default() });
    let body = "return require('resty.http').new():request_uri('http://example.com').status";
    assert_eq!(run_body(&sandbox, body).await.returns, [201]);
}

#[tokio::test]
async fn all_waiting_together_has_an_end() {
    let limits = Limits { http_wait: Duration::from_millis(300), ..Limits::default() };
    let takes = Duration::from_millis(200);
    let http = Some(Arc::new(Receiver { takes, ..Receiver::default() }) as Arc<dyn LuaHttp>);
    let sandbox = Sandbox::new(SandboxConfig { http, limits, ..config() });
    let body = "
        local httpc, results = require('resty.http').new(), {}
        for i = 1, 4 do
            local res, err = httpc:request_uri('http://example.com')
            results[i] = res and res.status or err
        end
        return results";
    let ran = run_body(&sandbox, body).await;
    assert_eq!(ran.returns, [json!([201, "timeout", "timeout", "timeout"])]);
}

#[tokio::test]
async fn requests_are_bounded() {
    let (sandbox, receiver) = with(Receiver::default());
    let request = "require('resty.http').new():request_uri";
    for (name, body, expected) in [
        (
            "how many",
            format!(
                "local last for i = 1, 1000 do last = {{{request}('http://a')}} end return last[2]"
            ),
            json!("more than 10 requests in one run"),
        ),
        (
            "how large",
            format!("return ({{{request}('http://a', {{body = {{('x'):rep(2^20), 'x'}}}})}})[2]"),
            json!("a body may have 1048576 bytes"),
        ),
        (
            "how many headers",
            format!(
                "local h = {{}} for i = 1, 101 do h['a' .. i] = 'b' end
                 return ({{{request}('http://a', {{headers = h}})}})[2]"
            ),
            json!("a request may have 100 headers"),
        ),
        (
            "how large all headers are",
            format!(
                "local v, h = ('x'):rep(1000), {{}} for i = 1, 99 do h['a' .. i] = v end
                 return ({{{request}('http://a', {{headers = h}})}})[2]"
            ),
            json!("headers may have 65536 bytes"),
        ),
        (
            "how long a URL is",
            format!("return ({{{request}('http://a/' .. ('x'):rep(2^23))}})[2]"),
            json!("a URL may have 8192 bytes"),
        ),
        (
            "how long a method is",
            format!("return ({{{request}('http://a', {{method = ('X'):rep(65)}})}})[2]"),
            json!("a method may have 64 bytes"),
        ),
    ] {
        let ran = run_body(&sandbox, &body).await;
        assert_eq!(failure_of(&ran), "", "{name}");
        assert_eq!(ran.returns, [expected], "{name}");
    }
    assert_eq!(receiver.seen.lock().unwrap().len(), 10);
}

#[tokio::test]
async fn a_time_out_that_is_no_time_is_harmless() {
    let (sandbox, receiver) =
        with(Receiver { takes: Duration::from_millis(1), ..Receiver::default() });
    for timeout in ["0/0", "-1", "1/0", "'x'", "{}"] {
        let body = format!(
            "local httpc = require('resty.http').new() httpc:set_timeout({timeout})
             local res, err = httpc:request_uri('http://example.com')
             return res and res.status or err"
        );
        let ran = run_body(&sandbox, &body).await;
        assert_eq!(failure_of(&ran), "", "{timeout}");
    }
    assert!(
        receiver.seen.lock().unwrap().iter().all(|it| it.timeout <= Limits::default().http_wait)
    );
}

//! Hooks with handler `lambda`, through the port.

use std::{sync::Arc, time::Duration};

use handlers::{
    AllHandlers, EgressHttp, LogSink,
    sandbox::{Sandbox, SandboxConfig},
    signature::SignatureAlgorithm,
};
use hooks::{
    delivery::{
        ExhaustedReason, Failure, FailureClass, HandlerResult, LogLevel, LogLine, Outcome, Report,
    },
    event::Event,
    handler::{Handler, Lambda},
    hook::{Draft, EventHook},
    ports::{CheckError, Handlers, Run},
};
use serde_json::{Value, json};
use testkit::{
    builders::{START, delivery, draft, event, hook},
    receiver::{Answer, Receiver},
};

use crate::world::{LOOPBACK, egress, handlers};

fn draft_of(functions: &[&str]) -> Draft {
    let functions = functions.iter().map(|it| (*it).to_owned()).collect();
    Draft { handler: Handler::Lambda(Lambda { functions }), ..draft() }
}

async fn run(handlers: &AllHandlers, functions: &[&str]) -> Report {
    let hook = EventHook { draft: draft_of(functions), ..hook() };
    let event = Event { pid: Some(4711), ..event() };
    let name = Some(&event.event);
    let run = Run { hook: &hook, event: &event, name, delivery: delivery().id(), at: START };
    handlers.run(run).await
}

fn returned(returns: Vec<Value>, logs: &[(LogLevel, &str)]) -> HandlerResult {
    let logs = logs.iter().map(|(level, text)| LogLine { level: *level, text: (*text).to_owned() });
    HandlerResult::Returned { returns, logs: logs.collect() }
}

fn failed(class: FailureClass, reason: &str) -> Outcome {
    Outcome::Failed(Failure { class, reason: reason.to_owned() })
}

const SCRIPT_ERROR: FailureClass = FailureClass::Permanent(ExhaustedReason::ScriptError);
const AGAIN: FailureClass = FailureClass::Transient { retry_after: None };

#[tokio::test]
async fn functions_run_in_order_and_what_they_say_decides() {
    let handlers = handlers(egress(&LOOPBACK));
    let named = "[string \"return function() error('no') end\"]:1: no";
    let too_long = "[string \"return function() while true do end end\"]:1: ran longer than 100 ms";
    for (name, functions, outcome, result) in [
        (
            "arguments are the data, both names and the process's id",
            &["return function(data, event, source, pid) \
               return {data.entity.username, event, source, pid, data.source == nil} end"][..],
            Outcome::Succeeded,
            returned(vec![json!(["alice", "consumers", "crud", 4711, true])], &[]),
        ),
        (
            "the second sees what the first one did to the data",
            &[
                "return function(data) data.n = 1 kong.log.notice('first') end",
                "return function(data) return data.n + 1 end",
            ],
            Outcome::Succeeded,
            returned(vec![Value::Null, json!(2)], &[(LogLevel::Notice, "first")]),
        ),
        (
            "an error ends it for good",
            &["return function() error('no') end", "return function() return 2 end"],
            failed(SCRIPT_ERROR, named),
            returned(vec![], &[(LogLevel::Error, named)]),
        ),
        (
            "false asks for another attempt",
            &["return function() return 1 end", "return function() return false, 'later' end"],
            failed(AGAIN, "later"),
            returned(vec![json!(1)], &[(LogLevel::Error, "later")]),
        ),
        (
            "a loop without end is stopped",
            &["return function() while true do end end"],
            failed(SCRIPT_ERROR, too_long),
            returned(vec![], &[(LogLevel::Error, too_long)]),
        ),
    ] {
        let report = run(&handlers, functions).await;
        assert_eq!(report.outcome, outcome, "{name}");
        assert_eq!(report.result, result, "{name}");
        assert_eq!(report.request, None, "{name}");
    }
}

#[tokio::test]
async fn a_function_is_told_what_is_wrong_with_it_when_it_is_saved() {
    let handlers = handlers(egress(&LOOPBACK));
    let fine = "return function() end";
    let long = format!("return function() end{}", " ".repeat(64 << 10));
    for (name, functions, expected) in [
        ("functions", vec![fine, fine], None),
        (
            "no Lua",
            vec![fine, "return function( end"],
            Some(
                "config.functions.2: Error parsing function: [string \"return function( end\"]:1:",
            ),
        ),
        (
            "no function",
            vec!["return 1"],
            Some(
                "config.functions.1: Error parsing function: [string \"return 1\"]: bad return value, expected function type, got number",
            ),
        ),
        (
            "more than there may be",
            vec![fine, &long],
            Some("config.functions: the functions of a hook may have 65536 bytes together"),
        ),
        (
            "goto",
            vec!["return function()\n goto out\n ::out:: end"],
            Some(
                "config.functions.1: Error parsing function: [string \"return function()...\"]:2: goto and labels are not supported",
            ),
        ),
    ] {
        let told = match handlers.check(&draft_of(&functions)).await {
            Ok(()) => None,
            Err(CheckError::Invalid(it)) => {
                it.iter().next().map(|it| format!("{}: {}", it.field, it.message))
            }
            Err(CheckError::Port(error)) => panic!("{error}"),
        };
        match (told, expected) {
            (None, None) => {}
            (Some(told), Some(expected)) => assert!(told.starts_with(expected), "{name}: {told}"),
            (told, expected) => panic!("{name}: {told:?}, not {expected:?}"),
        }
    }
}

fn handlers_with_http() -> AllHandlers {
    let egress = Arc::new(egress(&LOOPBACK));
    let sandbox = Sandbox::new(SandboxConfig {
        program: env!("CARGO_BIN_EXE_lua-worker").into(),
        http: Some(Arc::new(EgressHttp::new(Arc::clone(&egress)))),
        ..SandboxConfig::default()
    });
    let log = LogSink::json(Box::new(std::io::sink()));
    AllHandlers::new(egress, SignatureAlgorithm::Sha1, log, sandbox)
}

#[tokio::test]
async fn requests_of_scripts_leave_by_the_door() {
    let handlers = handlers_with_http();
    let receiver = Receiver::http().await;
    receiver.script([Answer::status(201).header("x-a", "b").body("made")]);
    let script = |url: &str, options: &str| {
        format!(
            "return function() local res, err = require('resty.http').new():request_uri('{url}', {options}) \
             return res and {{res.status, res.headers['X-A'], res.body}} or err end"
        )
    };
    let post = "{method = 'PUT', body = 'hello', headers = {['x-mine'] = '1', host = 'other', ['content-length'] = '9'}}";

    let report = run(&handlers, &[&script(&receiver.url(), post)]).await;
    assert_eq!(report.result, returned(vec![json!([201, "b", "made"])], &[]));
    let request = receiver.next().await;
    assert_eq!((request.method.as_str(), request.text()), ("PUT", "hello"));
    assert_eq!(request.header("x-mine"), Some("1"));
    assert_eq!(request.header("host"), Some(&*receiver.address().to_string()));
    assert_eq!(request.header("content-length"), Some("5"));

    for (name, url, options, expected) in [
        ("metadata", "http://169.254.169.254/latest/", "{}", "target not allowed"),
        ("a private address", "http://10.0.0.1/", "{}", "target not allowed"),
        ("no URL", "file:///etc/passwd", "{}", "scheme 'file' is not supported, use http or https"),
        ("a tunnel", "http://127.0.0.1/", "{method = 'CONNECT'}", "bad method 'CONNECT'"),
        (
            "a header with a line break",
            "http://127.0.0.1/",
            "{headers = {['x-a'] = 'one\\r\\nx-b: two'}}",
            "bad value of header 'x-a'",
        ),
    ] {
        let report = run(&handlers, &[&script(url, options)]).await;
        assert_eq!(report.result, returned(vec![json!(expected)], &[]), "{name}");
    }
}

#[tokio::test]
async fn a_request_of_a_script_takes_no_longer_than_it_may() {
    let handlers = handlers_with_http();
    let receiver = Receiver::http().await;
    receiver.always(Answer::status(200).after(Duration::from_mins(1)));
    let script = format!(
        "return function() local httpc = require('resty.http').new() httpc:set_timeout(50) \
         local res, err = httpc:request_uri('{}') return err end",
        receiver.url()
    );
    let report = run(&handlers, &[&script]).await;
    assert_eq!(report.outcome, Outcome::Succeeded);
    let HandlerResult::Returned { returns, .. } = &report.result else { panic!("{report:?}") };
    assert!(returns[0].as_str().is_some_and(|it| it.contains("time")), "{returns:?}");
}

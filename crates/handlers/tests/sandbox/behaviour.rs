//! What a function may expect.

use handlers::sandbox::{FailureKind, LogLevel};

use super::*;

/// As in the reference.
const SAMPLE: &str = "\
return function (data, event, source, pid)
  local user = data.entity.username
  error(\"Event hook on consumer \" .. user .. \"\")
end
";

#[tokio::test]
async fn the_sample_of_the_reference_logs_what_the_reference_shows() {
    let ran = run(&sandbox(), SAMPLE).await;
    let expected = "[string \"return function (data, event, source, pid)...\"]:3: \
                    Event hook on consumer Lois Lane";
    let failure = ran.failure.unwrap();
    assert_eq!(failure.message, expected);
    assert_eq!(failure.line, Some(3));
    assert_eq!(failure.kind, FailureKind::Raised);
    assert!(!failure.may_pass(), "it would raise it again");
    assert_eq!(ran.logs.len(), 1);
    assert_eq!((ran.logs[0].level, ran.logs[0].text.as_str()), (LogLevel::Error, expected));
}

#[tokio::test]
async fn functions_get_the_event_and_give_their_first_value() {
    let sandbox = sandbox();
    for (name, body, expected) in [
        ("data", "return data", EVENT.clone()),
        ("event", "return event", json!("consumers")),
        ("source", "return source", json!("crud")),
        ("pid", "return pid", json!(1234)),
        ("nothing", "", json!(null)),
        ("several values", "return 1, 2", json!(1)),
        ("what JSON cannot say", "return {print, 0/0}", json!(["<function>", null])),
        ("null is not nil", "return data.entity.custom_id == ngx.null", json!(true)),
        ("null is null again", "return {a = ngx.null}", json!({"a": null})),
        ("an empty table", "return {}", json!({})),
        ("an empty array of the event", "return data.entity.tags", json!([])),
        ("bytes that are no text", "return '\\255'", json!("\u{fffd}")),
        ("a table in itself", "local t = {} t.t = t return #tostring(t) > 0", json!(true)),
        ("globals of its own", "x = 5 return x", json!(5)),
        ("a library of its own", "string = 5 return string", json!(5)),
        (
            "yielding out of pcall",
            "local resume = coroutine.wrap(function() return pcall(coroutine.yield, 5) end)
             return {resume(), resume('back')}",
            json!([5, true, "back"]),
        ),
    ] {
        let ran = run_body(&sandbox, body).await;
        assert_eq!(ran.failure, None, "{name}");
        assert_eq!(ran.returns, [expected], "{name}");
    }
}

#[tokio::test]
async fn functions_run_in_order_until_one_fails() {
    let sandbox = sandbox();
    let set = "return function(data) data.entity.username = 'Clark' end".to_owned();
    let get = "return function(data) return data.entity.username end".to_owned();
    let fail = "return function() return false, 'not now' end".to_owned();

    let ran = sandbox.run(OWNER, job(&[set, get.clone()])).await.unwrap();
    assert_eq!(ran.returns, [json!(null), json!("Clark")], "data is one and the same");

    let ran = sandbox.run(OWNER, job(&[get.clone(), fail, get])).await.unwrap();
    assert_eq!(ran.returns, [json!("Lois Lane")]);
    let failure = ran.failure.unwrap();
    assert_eq!((failure.kind, failure.index), (FailureKind::ReturnedFalse, 1));
    assert_eq!(failure.message, "not now");
    assert!(failure.may_pass());
}

#[tokio::test]
async fn chunks_do_not_see_each_others_globals() {
    let sandbox = sandbox();
    let set = "x = 1 string = nil return function() x = 2 return x end".to_owned();
    let get = "return function() return {x = x or 'none', s = type(string)} end".to_owned();
    let ran = sandbox.run(OWNER, job(&[set, get])).await.unwrap();
    assert_eq!(ran.returns, [json!(2), json!({"x": "none", "s": "table"})]);
}

/// Each in a state of its own, so that nobody has looked for it before.
#[tokio::test]
async fn libraries_are_there_where_they_are_first_looked_for() {
    let sandbox = sandbox();
    for (expression, result) in [
        ("bit.tohex(255, 4)", json!("00ff")),
        ("coroutine.status(coroutine.create(print))", json!("suspended")),
        ("math.max(1, 2)", json!(2)),
        ("ngx.now() > 0", json!(true)),
        ("os.date('!%Y', 0)", json!("1970")),
        ("table.concat({'a', 'b'})", json!("ab")),
        ("require('table.nkeys')({1, 2})", json!(2)),
    ] {
        for (place, source) in [
            ("in a chunk", format!("local it = {expression} return function() return it end")),
            ("in a function", format!("return function() return {expression} end")),
            (
                "in a coroutine",
                format!(
                    "return function() \
                     return coroutine.wrap(function() return {expression} end)() end"
                ),
            ),
        ] {
            let ran = run(&sandbox, &source).await;
            assert_eq!(ran.returns, std::slice::from_ref(&result), "{expression} {place}: {ran:?}");
        }
    }
}

#[tokio::test]
async fn without_a_name_of_the_event_it_is_nil() {
    let sources = ["return function(data, event) return event == nil end".to_owned()];
    let data = json!({});
    let job = Job::Functions {
        sources: (&sources[..]).into(),
        data: &data,
        event: None,
        source: "crud".into(),
        pid: 1,
    };
    let ran = sandbox().run(OWNER, job).await.unwrap();
    assert_eq!(ran.returns, [json!(true)]);
}

#[tokio::test]
async fn failures_say_what_and_where() {
    let sandbox = sandbox();
    let name = "[string \"return function(data, event, source, pid)...\"]";
    for (what, body, kind, expected) in [
        ("a text", "error('no')", FailureKind::Raised, format!("{name}:2: no")),
        ("a text as it is", "error('no', 0)", FailureKind::Raised, "no".into()),
        ("a table", "error({code = 1})", FailureKind::Raised, "{\"code\":1}".into()),
        ("nothing", "error()", FailureKind::Raised, "nil".into()),
        ("a number", "error(42, 0)", FailureKind::Raised, "42".into()),
        (
            "a missing field",
            "return data.entity.name.first",
            FailureKind::Raised,
            format!("{name}:2: attempt to index nil with 'first'"),
        ),
        (
            "a missing function",
            "\nsetfenv(1, {})",
            FailureKind::Raised,
            format!("{name}:3: attempt to call a nil value (setfenv is not available to hooks)"),
        ),
        (
            "a missing library",
            "ngx.socket.tcp()",
            FailureKind::Raised,
            format!(
                "{name}:2: attempt to index nil with 'tcp' (ngx.socket is not available to hooks)"
            ),
        ),
        (
            "something of requests",
            "kong.request.get_header('a')",
            FailureKind::Raised,
            format!("{name}:2: kong.request.get_header is not available to hooks"),
        ),
        (
            "something of requests, deeper",
            "kong.service.request.set_header('a', 'b')",
            FailureKind::Raised,
            format!("{name}:2: kong.service.request.set_header is not available to hooks"),
        ),
        (
            "regular expressions",
            "ngx.re.match('a', 'a')",
            FailureKind::Raised,
            format!("{name}:2: ngx.re.match is not available to hooks"),
        ),
        (
            "a module",
            "require('os')",
            FailureKind::Raised,
            format!("{name}:2: require 'os' not allowed within sandbox"),
        ),
        (
            "a guarded function",
            "return ('x'):find(nil)",
            FailureKind::Raised,
            format!("{name}:2: invalid argument #2 to 'find' (string expected, got nil)"),
        ),
        (
            "a comparison in a guarded function",
            "table.sort({1, 'a'})",
            FailureKind::Raised,
            format!("{name}:2: attempt to compare string < number"),
        ),
        ("false", "return false", FailureKind::ReturnedFalse, format!("{name}: returned false")),
        (
            "false and a table",
            "return false, {code = 1}",
            FailureKind::ReturnedFalse,
            "{\"code\":1}".into(),
        ),
        (
            "no end",
            "\nwhile true do end",
            FailureKind::TimeOut,
            format!("{name}:3: ran longer than 100 ms"),
        ),
    ] {
        let failure = run_body(&sandbox, body).await.failure.unwrap();
        assert_eq!((failure.kind, &failure.message), (kind, &expected), "{what}");
    }
}

#[tokio::test]
async fn logs_are_kept_by_level() {
    let body = "
        kong.log('plain ', 1, nil, true)
        kong.log.emerg('a') kong.log.alert('b') kong.log.crit('c') kong.log.err('d')
        kong.log.warn('e') kong.log.notice('f') kong.log.info('g') kong.log.debug('h')
        ngx.log(ngx.ERR, 'i ', 2)
        print('j', 'k')
        kong.log.inspect({1, {a = 'b'}})
        kong.log.err(data.entity.custom_id)";
    let ran = run_body(&sandbox(), body).await;
    let logs: Vec<_> = ran.logs.iter().map(|it| format!("{} {}", it.level, it.text)).collect();
    assert_eq!(
        logs,
        [
            "notice plain 1niltrue",
            "emerg a",
            "alert b",
            "crit c",
            "error d",
            "warn e",
            "notice f",
            "info g",
            "debug h",
            "error i 2",
            "notice jk",
            "notice [1,{\"a\":\"b\"}]",
            "error userdata: NULL",
        ]
    );
}

#[tokio::test]
async fn a_log_has_an_end() {
    let sandbox = sandbox();
    let ran = run_body(&sandbox, "for i = 1, 1000 do kong.log.err(i) end error('last')").await;
    assert_eq!(ran.logs.len(), 102);
    assert_eq!(ran.logs[99].text, "100");
    assert_eq!(ran.logs[100].text, "the log of this run is full; what follows is dropped");
    assert!(ran.logs[101].text.ends_with("last"), "the error is always logged");

    let ran = run_body(&sandbox, "for i = 1, 9 do kong.log.err(('x'):rep(10000)) end").await;
    let bytes: usize = ran.logs.iter().map(|it| it.text.len()).sum();
    assert!((64 << 10..65 << 10).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn a_large_result_does_not_fail_the_run() {
    let ran = run_body(&sandbox(), "return ('x'):rep(100000)").await;
    assert_eq!(ran.failure, None);
    assert_eq!(ran.returns, ["<too large to be shown>"]);
}

#[tokio::test]
async fn the_results_of_all_functions_share_the_room() {
    let sources = vec!["return function() return ('\\1'):rep(4000) end".to_owned(); 50];
    let ran = sandbox().run(OWNER, job(&sources)).await.unwrap();
    assert_eq!(ran.failure, None);
    let shown = ran.returns.iter().filter(|it| it.as_str().unwrap().starts_with('\u{1}')).count();
    assert_eq!((ran.returns.len(), shown), (50, 2), "{shown} results of 24 KiB as JSON");
}

#[tokio::test]
async fn functions_are_judged_when_they_are_saved() {
    let sandbox = sandbox();
    let large = format!("return function() end --{}", "x".repeat(64 << 10));
    for (name, source, expected) in [
        ("the sample", SAMPLE, None),
        ("setup in the chunk", "local n = 0 return function() n = n + 1 return n end", None),
        ("a body that would fail", "return function() os.execute('x') end", None),
        (
            "no Lua",
            "here come the warm jets",
            Some(
                "[string \"here come the warm jets\"]:1: \
                 Incomplete statement: expected assignment or a function call",
            ),
        ),
        (
            "an error in its third line",
            "\n\nlocal = 1",
            Some(
                "[string \"...\"]:3: \
                 Expected identifier when parsing variable name, got '='",
            ),
        ),
        (
            "a chunk that raises",
            "local foo = dontexist()",
            Some(
                "[string \"local foo = dontexist()\"]:1: \
                 attempt to call a nil value",
            ),
        ),
        (
            "no function",
            "return 1",
            Some(
                "[string \"return 1\"]: \
                 bad return value, expected function type, got number",
            ),
        ),
        (
            "goto",
            "return function()\n  goto done\n  ::done::\nend",
            Some(
                "[string \"return function()...\"]:2: goto and labels are \
                 not supported; use `continue` or `break`, or return from a function",
            ),
        ),
        (
            "bytecode",
            "\u{1b}LJ\u{2}",
            Some("attempt to load chunk with wrong mode: bytecode is refused"),
        ),
        (
            "too much",
            &large,
            Some(
                "[string \"return function() end --xxxxxxxxxxxxxxxxxxxxx...\"]: \
                 the functions of a hook may have 65536 bytes",
            ),
        ),
        (
            "a chunk without end",
            "while true do end",
            Some("[string \"while true do end\"]:1: ran longer than 100 ms"),
        ),
    ] {
        assert_eq!(refusal(&sandbox, source).await.as_deref(), expected, "{name}");
    }
}

#[tokio::test]
async fn an_event_beyond_all_bounds_is_not_run() {
    let data = json!("x".repeat(9 << 20));
    let sources = ["return function() end".to_owned()];
    let job = Job::Functions {
        sources: (&sources[..]).into(),
        data: &data,
        event: None,
        source: "crud".into(),
        pid: 1,
    };
    let error = sandbox().run(OWNER, job).await.unwrap_err();
    assert_eq!(error.to_string(), "the event is too large for a script");
}

//! Cases measured on the gateway's own sandbox, in its strict mode.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::*;

const CASES: &str = include_str!("../../../../tests/conformance/lua-sandbox.json");
const ALLOWED: &str = include_str!("../../../../tests/conformance/sandbox-allowlist.json");

#[derive(Deserialize)]
struct Case {
    name: String,
    lua: String,
    api: Api,
    expect_strict: Option<Expect>,
    value: Option<Value>,
    error_contains: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Api {
    Run,
    Call,
    Validate,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
enum Expect {
    Ok,
    Error,
}

/// Where the strict mode's behaviour is not documented, or ours is another one: what happens here,
/// and why.
const OURS: [(&str, Result<&str, &str>, &str); 6] = [
    ("create a global", Ok("5"), "it is the chunk's own, and gone after the run"),
    ("override error does not leak (1)", Ok("1"), "it is the chunk's own, and gone after the run"),
    ("require whitelisted", Ok("\"table\""), "the strict mode allows cjson anyway"),
    ("environment whitelisted global", Ok("\"table\""), "the strict mode has io.type"),
    (
        "environment whitelisted dotted",
        Ok("\"nilnil\""),
        "the list is ignored outside mode sandbox",
    ),
    ("call: returns false", Err("returned false"), "false is a failure that is tried again"),
];

/// Messages in which Luau uses other words than `LuaJIT`.
const OTHER_WORDS: [&str; 4] = [
    "validate: not code",
    "validate: unfinished",
    "validate: chunk raises",
    "blocked: modify string library",
];

/// What a case gives: JSON, or a message.
async fn outcome(sandbox: &Sandbox, case: &Case) -> Result<String, String> {
    let ran = match case.api {
        Api::Validate => {
            return match refusal(sandbox, &case.lua).await {
                Some(why) => Err(format!("Error parsing function: {why}")),
                None => Ok(String::new()),
            };
        }
        Api::Run => run(sandbox, &format!("return function() {} end", case.lua)).await,
        Api::Call => {
            let sources = [case.lua.clone()];
            let data = json!({"entity": {"username": "lois"}});
            let job = Job::Functions {
                sources: (&sources[..]).into(),
                data: &data,
                event: Some("consumers".into()),
                source: "crud".into(),
                pid: 1,
            };
            sandbox.run(OWNER, job).await.unwrap()
        }
    };
    match ran.failure {
        Some(failure) => Err(failure.message),
        None => Ok(ran.returns[0].to_string()),
    }
}

#[tokio::test]
async fn every_case_goes_as_in_the_strict_mode() {
    let sandbox = sandbox();
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let mut ours: BTreeSet<_> = OURS.iter().map(|(name, ..)| *name).collect();
    let mut run = 0;
    for case in cases {
        // The others are about modes that there are not: off, on, and the library of 2021.
        if case.get("expect_strict").is_none() {
            continue;
        }
        let case: Case = serde_json::from_value(case).unwrap();
        let outcome = outcome(&sandbox, &case).await;
        run += 1;
        if let Some((name, expected, why)) = OURS.iter().find(|(name, ..)| *name == case.name) {
            ours.remove(name);
            match (&outcome, expected) {
                (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{name}: {why}"),
                (Err(message), Err(expected)) => {
                    assert!(message.contains(expected), "{name}: {why}");
                }
                _ => panic!("{name}: {outcome:?}, though {why}"),
            }
            continue;
        }
        let expected = case.expect_strict.unwrap_or_else(|| panic!("{}: not decided", case.name));
        match (&outcome, expected) {
            (Ok(value), Expect::Ok) => {
                if let Some(expected) = &case.value {
                    assert_eq!(*value, expected.to_string(), "{}", case.name);
                }
            }
            (Err(message), Expect::Error) => {
                let Some(expected) = &case.error_contains else { continue };
                let about_nil =
                    expected.starts_with("attempt to") && expected.contains("a nil value");
                if !about_nil && !OTHER_WORDS.contains(&case.name.as_str()) {
                    assert!(message.contains(expected), "{}: {message}", case.name);
                }
            }
            _ => panic!("{}: expected {expected:?}, got {outcome:?}", case.name),
        }
    }
    assert_eq!(run, 72, "cases");
    assert!(ours.is_empty(), "no such cases: {ours:?}");
}

fn strict(what: &str) -> Vec<String> {
    let allowed: Value = serde_json::from_str(ALLOWED).unwrap();
    serde_json::from_value(allowed["strict"][what].clone()).unwrap()
}

/// What the strict mode has and a hook has not: there is no request, and no gateway.
const NOT_HERE: &[&str] = &[
    "kong.version",
    "kong.version_num",
    "kong.default_workspace",
    "ngx.config.nginx_version",
    "ngx.config.ngx_lua_version",
    "ngx.status",
];

#[tokio::test]
async fn every_name_of_the_strict_mode_is_there_or_says_that_it_is_not() {
    let sandbox = sandbox();
    for name in strict("environment") {
        if name.ends_with("[*]") || NOT_HERE.contains(&name.as_str()) {
            continue;
        }
        let ran = run_body(&sandbox, &format!("return {name} ~= nil")).await;
        assert_eq!((failure_of(&ran), &ran.returns[..]), ("", &[json!(true)][..]), "{name}");
    }
}

#[tokio::test]
async fn nothing_is_there_but_names_of_the_strict_mode() {
    let sandbox = sandbox();
    let allowed: BTreeSet<_> = strict("environment").into_iter().collect();
    let libraries = ["string", "table", "math", "os", "io", "coroutine", "bit", "jit"];
    for library in libraries {
        let body =
            format!("local n = {{}} for k in pairs({library}) do n[#n + 1] = k end return n");
        let ran = run_body(&sandbox, &body).await;
        for name in ran.returns[0].as_array().unwrap() {
            let name = format!("{library}.{}", name.as_str().unwrap());
            assert!(allowed.contains(&name), "{name}");
        }
    }
    let globals = ["getfenv", "setfenv", "getmetatable", "setmetatable", "rawget", "rawset"]
        .into_iter()
        .chain(["rawequal", "rawlen", "load", "loadstring", "loadfile", "dofile", "collectgarbage"])
        .chain(["newproxy", "debug", "package", "module", "arg", "ffi", "utf8", "bit32", "buffer"])
        .chain(["vector", "typeof", "gcinfo", "_G", "shared", "script", "integer", "task", "game"]);
    for name in globals {
        let ran = run_body(&sandbox, &format!("return {name} == nil")).await;
        assert_eq!(ran.returns, [json!(true)], "{name}");
    }
}

#[tokio::test]
async fn a_module_is_there_or_says_that_it_is_not() {
    let sandbox = sandbox();
    let here = ["bit", "cjson", "cjson.safe"].into_iter().map(str::to_owned);
    let here: BTreeSet<_> = here
        .chain(
            ["clear", "clone", "isarray", "isempty", "new", "nkeys"]
                .map(|it| format!("table.{it}")),
        )
        .collect();
    for name in strict("modules") {
        let ran = run_body(&sandbox, &format!("return require('{name}') ~= nil")).await;
        if here.contains(&name) {
            assert_eq!(ran.returns, [json!(true)], "{name}");
        } else {
            let expected = format!("require '{name}' not allowed within sandbox");
            assert!(failure_of(&ran).ends_with(&expected), "{name}: {}", failure_of(&ran));
        }
    }
}

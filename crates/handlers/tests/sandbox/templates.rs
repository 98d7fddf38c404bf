//! Templates with Lua in them, from their text to what they print.

use handlers::{
    sandbox::FailureKind,
    template::{Compiled, Dialect, rendering::Rendering},
};
use serde::Deserialize;
use serde_json::Map;

use super::{
    attacks::{
        CLEAN, in_time,
        scripts::Stop::{self, Compiler, Itself, Kill, Memory, Refused, Time},
        stop_of,
    },
    *,
};

const CASES: &str = include_str!("../../../../tests/conformance/resty-templates.json");

#[derive(Deserialize)]
struct Case {
    name: String,
    template: String,
    context: Map<String, Value>,
    output: Option<String>,
}

fn compiled(template: &str) -> Compiled {
    Compiled::new(Dialect::Resty, template).unwrap()
}

fn chunk(template: &str) -> String {
    compiled(template).lua().expect("a template with Lua").to_owned()
}

/// Runs chunks, and nothing else.
async fn print(sandbox: &Sandbox, chunks: &[&str], context: &Value) -> Ran {
    let chunks = chunks.iter().map(|it| (*it).into()).collect();
    sandbox.run(OWNER, Job::Templates { chunks, context }).await.unwrap()
}

/// What a template prints, its Lua in the sandbox and the rest here.
async fn render(sandbox: &Sandbox, template: &str, context: &Value) -> Result<String, String> {
    let compiled = Compiled::new(Dialect::Resty, template).map_err(|it| it.to_string())?;
    let ran = print(sandbox, &compiled.lua().into_iter().collect::<Vec<_>>(), context).await;
    if let Some(failure) = ran.failure {
        return Err(failure.message);
    }
    let printed = ran.returns.iter().map(|it| it.as_str().unwrap().to_owned()).collect();
    let context = context.as_object().unwrap();
    let mut rendering = Rendering::of(context).with_printed(printed);
    compiled.render(&mut rendering).map(Into::into).map_err(|it| it.to_string())
}

/// None of those that we differ from on purpose has Lua in it.
#[tokio::test]
async fn every_case_with_lua_prints_what_was_measured() {
    let sandbox = sandbox();
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    let mut run = 0;
    for Case { name, template, context, output } in cases {
        let Ok(compiled) = Compiled::new(Dialect::Resty, &template) else { continue };
        if compiled.lua().is_some() {
            let printed = render(&sandbox, &template, &Value::Object(context)).await;
            assert_eq!(printed.ok(), output, "{name}");
            run += 1;
        }
    }
    assert!(run >= 15, "only {run} cases have Lua");
}

#[tokio::test]
async fn a_value_prints_the_same_beside_code() {
    let sandbox = sandbox();
    let event = json!({
        "text": "a/b <c>", "list": [1, 2.5, 1e300, "x/y", null, {}, []], "empty": {},
        "big": 1_234_567_890_123_456_i64, "third": 1.0 / 3.0, "nul": null, "off": false,
        "deep": {"list": [{"nul": null}]},
    });
    for path in
        ["text", "list", "empty", "big", "third", "nul", "off", "deep", "deep.list", "missing.x"]
    {
        for template in [format!("{{{{ {path} }}}}"), format!("{{* {path} *}}")] {
            let alone = render(&sandbox, &template, &event).await;
            let beside = render(&sandbox, &format!("{{% local _ %}}{template}"), &event).await;
            assert!(alone.is_ok());
            assert_eq!(beside, alone, "{template}");
        }
    }
}

#[tokio::test]
async fn templates_run_in_order_until_one_fails() {
    let sandbox = sandbox();
    let name = chunk("{{ entity.username:upper() }}");
    let bytes = chunk("{* '\\255' *}");
    let ran = print(&sandbox, &[&name, &bytes], &EVENT).await;
    assert_eq!(ran.returns, ["LOIS LANE", "\u{fffd}"]);

    for (what, template, kind, line, expected) in [
        ("raises", "a\n{% error('no') %}", FailureKind::Raised, Some(2), "template:2: no"),
        ("raises a text as it is", "{% error('no', 0) %}", FailureKind::Raised, None, "no"),
        (
            "calls what is not there",
            "a\n\n{{ nope() }}",
            FailureKind::Raised,
            Some(3),
            "template:3: attempt to call a nil value",
        ),
        (
            "calls what is nowhere here",
            "{{ 1 }}\n{{ os.getenv('HOME') }}",
            FailureKind::Raised,
            Some(2),
            "template:2: attempt to call a nil value (os.getenv is not available to hooks)",
        ),
        (
            "returns no text",
            "{% do return 1 end %}",
            FailureKind::WrongType,
            None,
            "template: a string expected, got number",
        ),
        (
            "returns nothing",
            "{% do return end %}",
            FailureKind::WrongType,
            None,
            "template: a string expected, got nil",
        ),
        (
            "prints too much",
            "{* ('x'):rep(2^20 + 1) *}",
            FailureKind::TooLarge,
            None,
            "template: templates may yield 1048576 bytes",
        ),
        (
            "has no end",
            "a\n{% while true do end %}",
            FailureKind::TimeOut,
            Some(2),
            "template:2: ran longer than 100 ms",
        ),
    ] {
        let ran = print(&sandbox, &[&name, &chunk(template), &bytes], &EVENT).await;
        let failure = ran.failure.unwrap();
        assert_eq!((failure.kind, failure.index, failure.line), (kind, 1, line), "{what}");
        assert_eq!(failure.message, expected, "{what}");
        assert_eq!(failure.chunk, "template", "{what}");
        assert_eq!(ran.returns, ["LOIS LANE"], "{what}");
    }
}

#[tokio::test]
async fn a_long_text_is_escaped_to_its_end() {
    let sandbox = sandbox();
    for (name, text, escaped) in [
        ("nothing to escape", "('x'):rep(2^17)", "('x'):rep(2^17)"),
        ("at the end", "('x'):rep(2^17) .. '<'", "('x'):rep(2^17) .. '&lt;'"),
        ("at the beginning", "'<' .. ('x'):rep(2^17)", "'&lt;' .. ('x'):rep(2^17)"),
        ("everywhere", "('{'):rep(2^17)", "('&#123;'):rep(2^17)"),
    ] {
        let chunk = chunk(&format!("{{{{ escape({text}, 1) == {escaped} }}}}"));
        let ran = print(&sandbox, &[&chunk], &EVENT).await;
        assert_eq!(ran.returns, ["true"], "{name}: {}", failure_of(&ran));
    }
}

#[tokio::test]
async fn all_templates_of_a_run_share_the_room_for_print() {
    let half = chunk("{* ('x'):rep(2^19) *}");
    let ran = print(&sandbox(), &[&half, &half, &chunk("{* 'x' *}")], &EVENT).await;
    let failure = ran.failure.unwrap();
    assert_eq!((failure.kind, failure.index), (FailureKind::TooLarge, 2));
}

#[tokio::test]
async fn templates_change_the_event_for_those_after_them_and_nothing_else() {
    let sandbox = sandbox();
    let set = chunk("{% leak = 1 context.entity.username = 'Clark' type = nil %}");
    let get = chunk("{{ tostring(leak) }} {{ entity.username .. type(1) }}");
    let ran = print(&sandbox, &[&set, &get], &EVENT).await;
    assert_eq!(ran.returns, ["", "nil Clarknumber"]);
    let ran = print(&sandbox, &[&get], &EVENT).await;
    assert_eq!(ran.returns, ["nil Lois Lanenumber"], "the next run");
}

#[tokio::test]
async fn templates_are_compiled_and_not_run_when_they_are_saved() {
    let sandbox = sandbox();
    let good = chunk("{{ entity.username:upper() }}");
    for (name, template, expected) in [
        ("one that is good", "{{ 1 }}", None),
        ("one that would fail", "{% error('no') %}", None),
        ("one without end", "{% while true do end %}", None),
        ("an end too many", "a\n{% end %}", Some((2, "template:2: Expected"))),
        ("an end too few", "a\n{% if a then %}\nb", Some((3, "template:3: Expected 'end'"))),
        ("no expression", "a\n\n{{ a b }}", Some((3, "template:3: Expected ')'"))),
    ] {
        let chunk = chunk(template);
        let refused = match sandbox.check_templates(OWNER, &[&good, &chunk, &good]).await {
            Ok(()) => None,
            Err(CheckError::Refused(failure)) => Some(failure),
            Err(error) => panic!("not checked: {error}"),
        };
        assert_eq!(refused.is_some(), expected.is_some(), "{name}: {refused:?}");
        let (Some(failure), Some((line, message))) = (refused, expected) else { continue };
        assert_eq!((failure.kind, failure.index), (FailureKind::Syntax, 1), "{name}");
        assert_eq!(failure.line, Some(line), "{name}");
        assert!(failure.message.starts_with(message), "{name}: {}", failure.message);
    }
}

/// Hostile templates, and what may stop them.
const HOSTILE: &[(&str, &[Stop], &str)] = &[
    ("a loop", &[Time], "{% while true do end %}"),
    ("a loop in pcall", &[Time], "{% while true do pcall(function() while true do end end) end %}"),
    ("a loop in a block", &[Time], "{-b-}{% repeat until false %}{-b-}{{ blocks.b }}"),
    ("a loop in what is printed", &[Time], "{{ function() while true do end end }}"),
    (
        "a loop in a function that others call",
        &[Time],
        "{{ (('x'):gsub('x', function() while true do end end)) }}",
    ),
    ("print without end", &[Time, Memory], "{% while true do %}x{% end %}"),
    ("echo without end", &[Time, Memory], "{% while true do echo('x', 'y') end %}"),
    ("megabytes", &[Refused], "{* ('x'):rep(2^22) *}"),
    ("megabytes to be escaped", &[Refused, Memory, Time], "{{ ('<'):rep(2^22) }}"),
    ("too many megabytes", &[Memory, Time], "{% while true do echo(('x'):rep(2^20)) end %}"),
    ("a thousand million letters", &[Refused], "{{ ('x'):rep(2^30) }}"),
    ("a buffer of something else", &[Refused, Itself], "{% ___ = {print} %}"),
    (
        "a buffer of numbers without end",
        &[Time, Memory],
        "{% while true do ___[#___ + 1] = 1 end %}",
    ),
    ("an error", &[Refused], "{% error({}) %}"),
    ("an error of nothing", &[Refused], "{% error() %}"),
    ("an error of megabytes", &[Refused], "{% error(('x'):rep(2^22)) %}"),
    ("nothing", &[Refused], "{% do return nil end %}"),
    ("no text", &[Refused], "{% do return {} end %}"),
    ("recursion", &[Refused], "{% local function f() return 1 + f() end f() %}"),
    (
        "functions that print functions",
        &[Refused, Time],
        "{% local function f() return f end %}{{ f }}",
    ),
    ("a table in itself", &[Itself], "{% local t = {} t.t = t %}{{ t }}"),
    (
        "a tree of itself",
        &[Refused, Time],
        "{% local t = {} for i = 1, 40 do t = {t, t} end %}{* t *}",
    ),
    ("a wide table", &[Time, Refused], "{% local t = {} for i = 1, 3e5 do t[i] = {} end %}{* t *}"),
    (
        "more for HTML than there is memory",
        &[Memory, Time],
        "{% local quotes = ('\"'):rep(2^23) %}{{ quotes }}",
    ),
    ("print in very many pieces", &[Memory, Time], "{% for i = 1, 4e6 do ___[i] = 'x' end %}"),
    ("print in pieces that are none", &[Refused], "{% ___[2] = true %}x"),
    ("what is no JSON", &[Itself], "{{ {pairs, 0/0, {[pairs] = 1} } }}"),
    ("another context", &[Itself, Refused], "{% context = nil %}{{ x }}"),
    ("blocks of another kind", &[Refused, Itself], "{% blocks = 1 %}{-b-}x{-b-}{{ blocks.b }}"),
    ("an endless pattern", &[Time], "{{ ('a'):rep(1e5):find(('.-'):rep(20) .. 'b') }}"),
    ("digests without end", &[Time], "{% while true do ngx.md5(('x'):rep(2^20)) end %}"),
    ("a log without end", &[Time], "{% while true do kong.log.err('x') end %}"),
    ("the gateway's functions", &[Refused], "{% kong.log.err = print %}"),
    ("a file", &[Refused], "{{ os.execute('true') }}"),
    ("a module", &[Refused], "{{ require('io') }}"),
    ("closing what is open", &[Compiler], "{% end end end %}"),
];

#[tokio::test]
async fn no_template_takes_longer_than_its_time_or_leaves_a_trace() {
    let sandbox = sandbox();
    let clean = [CLEAN.to_owned()];
    for (name, expected, template) in HOSTILE {
        let chunk = chunk(template);
        in_time(name, async || {
            let ran = print(&sandbox, &[&chunk], &EVENT).await;
            let stop = stop_of(&ran);
            assert!(expected.contains(&stop), "{name}: {stop:?}: {}", failure_of(&ran));
            assert!(failure_of(&ran).len() <= 4096, "{name}");
            let after = sandbox.run(OWNER, job(&clean)).await.unwrap();
            assert_eq!(after.returns, [json!(true)], "after {name}: {}", failure_of(&after));
            stop
        })
        .await;
    }
}

/// Each compiles, and all of them together take the compiler for longer than a run may.
#[tokio::test]
async fn very_many_templates_are_no_attack() {
    let sandbox = sandbox();
    let large: Vec<_> = (0..30)
        .map(|it| chunk(&format!("{{% local x = {it} {} %}}", "x=x+({1,2})[1] ".repeat(4_000))))
        .collect();
    let chunks: Vec<_> = large.iter().map(|it| &**it).collect();
    in_time("very many templates", async || {
        let ran = print(&sandbox, &chunks, &EVENT).await;
        assert!(matches!(stop_of(&ran), Time | Kill), "{}", failure_of(&ran));
        Time
    })
    .await;
    in_time("very many templates, saved", async || {
        let refused = sandbox.check_templates(OWNER, &chunks).await.unwrap_err();
        assert!(refused.to_string().ends_with("ran longer than 100 ms"), "{refused}");
        Time
    })
    .await;
    let too_large = "--".repeat(40_000);
    let refused = sandbox.check_templates(OWNER, &[&too_large]).await.unwrap_err();
    assert!(refused.to_string().contains("65536 bytes"), "{refused}");
}

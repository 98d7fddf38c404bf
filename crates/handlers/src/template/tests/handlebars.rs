//! What does the other dialect do, and what does it not?

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::luau;
use crate::template::{Compiled, Dialect};

fn handlebars(text: &str, event: &Value) -> Result<String, String> {
    let context = event.as_object().unwrap();
    let rendered =
        luau::render(Dialect::Handlebars, text, context).map_err(|error| error.to_string())?;
    rendered.map_err(|error| error.to_string())
}

#[test]
fn it_is_the_crates_handlebars_with_json() {
    let event = json!({
        "a": {"b": "<x> & 'y'"}, "list": [{"n": 1}, {"n": 2}], "none": [], "off": false, "nul": null,
        "big": 1_234_567_890_123_456_i64, "quote": "say \"hi\"", "dash-key": "d",
    });
    for (name, template, printed) in [
        ("text", "hello", "hello"),
        ("a path", "{{a.b}}", "&lt;x&gt; &amp; &#x27;y&#x27;"),
        ("a raw path", "{{{a.b}}}", "<x> & 'y'"),
        ("a key with a dash", "{{dash-key}}", "d"),
        ("missing at any depth", "[{{x}}{{x.y.z}}]", "[]"),
        ("null, and false", "[{{nul}}] [{{off}}]", "[] [false]"),
        ("a large number", "{{big}}", "1234567890123456"),
        ("if and else", "{{#if off}}a{{else if list}}b{{else}}c{{/if}}", "b"),
        ("unless", "{{#unless off}}a{{/unless}}", "a"),
        (
            "each",
            "{{#each list}}{{@index}}:{{n}}{{#unless @last}}, {{/unless}}{{/each}}",
            "0:1, 1:2",
        ),
        ("each of nothing", "{{#each none}}a{{else}}b{{/each}}", "b"),
        ("each with names", "{{#each a as |v k|}}{{k}}={{{v}}}{{/each}}", "b=<x> & 'y'"),
        ("with", "{{#with a}}{{{b}}}{{/with}}", "<x> & 'y'"),
        ("lookup", "{{lookup a \"b\"}}", "&lt;x&gt; &amp; &#x27;y&#x27;"),
        ("comparison", "{{#if (eq list.[0].n 1)}}one{{/if}}", "one"),
        ("json of a string", r#"{"text":{{json quote}}}"#, r#"{"text":"say \"hi\""}"#),
        ("json of an array", "{{json list}}", r#"[{"n":1},{"n":2}]"#),
        ("json of nothing", "{{json x}}", "null"),
        ("comments", "a{{! b }}{{!-- {{c}} --}}d", "ad"),
        (
            "as many branches as may be",
            &format!("{{{{#if off}}}}{}{{{{else}}}}z{{{{/if}}}}", "{{else if off}}".repeat(198)),
            "z",
        ),
        ("an escaped tag", "\\{{a.b}}", "{{a.b}}"),
        ("a raw block", "{{{{raw}}}}{{a.b}}{{{{/raw}}}}", "{{a.b}}"),
        ("tags of the other dialect", "{% x %}{* y *}", "{% x %}{* y *}"),
    ] {
        assert_eq!(handlebars(template, &event).as_deref(), Ok(printed), "{name}");
    }
}

#[test]
fn what_it_does_not_do_is_refused_at_its_place() {
    for (name, template, said) in [
        ("a tag without an end", "a\n{{b", "line 2, column 4: invalid handlebars syntax"),
        (
            "another block's end",
            "{{#if a}}{{/each}}",
            "line 1, column 10: helper \"if\" was opened",
        ),
        ("a partial", "a\n {{> b}}", "line 2, column 2: partials and decorators are not"),
        (
            "a partial in a block",
            "{{#if a}}\n{{> b}}{{/if}}",
            "line 2, column 1: partials and decorators",
        ),
        ("a partial with a block", "{{#> b}}x{{/b}}", "line 1, column 1: partials and decorators"),
        (
            "an inline partial",
            "{{#*inline \"b\"}}{{> b}}{{/inline}}",
            "line 1, column 1: partials and",
        ),
        (
            "a partial in a branch",
            "a {{#if a}}{{else if b}}{{> c}}{{/if}}",
            "line 1, column 25: partials",
        ),
        (
            "a helper in a chain",
            "a {{#if a}}{{else upper b}}{{/if}}",
            "line 1, column 3: there is no helper",
        ),
        ("a decorator", "{{* b}}", "line 1, column 1: partials and decorators"),
        (
            "a helper that is not there",
            "{{upper a}}",
            "line 1, column 1: there is no helper `upper`",
        ),
        ("the log helper", "{{log a}}", "line 1, column 1: there is no helper `log`"),
        (
            "a helper in parentheses",
            "{{#if (upper a)}}{{/if}}",
            "line 1, column 1: there is no helper `upper`",
        ),
    ] {
        let error = handlebars(template, &json!({})).unwrap_err();
        assert!(error.starts_with(said), "{name}: {error}");
    }
}

#[test]
fn what_fails_names_its_place() {
    let event = json!({"list": [1]});
    let error = handlebars("a\n {{#if}}x{{/if}}", &event).unwrap_err();
    assert!(error.starts_with("line 2, column 2: "), "{error}");
}

#[test]
fn it_has_limits() {
    let nested = |depth: usize| "{{#if a}}".repeat(depth) + &"{{/if}}".repeat(depth);
    let parentheses =
        |depth: usize| format!("{{{{json {}1{}}}}}", "(not ".repeat(depth), ")".repeat(depth));
    for (name, template, fits) in [
        ("as long as may be", "x".repeat((32 << 10) - 5) + "{{a}}", true),
        ("longer", "x".repeat(32 << 10) + "{{a}}", false),
        ("as many tags as may be", "{{a}}".repeat(1000), true),
        ("one tag more", "{{a}}".repeat(1001), false),
        ("blocks as deep as may be", nested(16), true),
        ("one deeper", nested(17), false),
        ("very deep blocks", nested(200), false),
        ("many branches", format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if a}}".repeat(199)), true),
        ("parentheses as deep as may be", parentheses(15), true),
        ("very deep parentheses", parentheses(499), false),
        (
            "very deep arrays",
            format!("{{{{json {}1{}}}}}", "[".repeat(499), "]".repeat(499)),
            false,
        ),
        (
            "very deep objects",
            format!("{{{{json {}1{}}}}}", "{\"a\":".repeat(499), "}".repeat(499)),
            false,
        ),
        ("backslashes", "\\".repeat(31) + "{{a}}", true),
        ("too many backslashes", "\\".repeat(32) + "{{a}}", false),
    ] {
        assert_eq!(Compiled::new(Dialect::Handlebars, &template).is_ok(), fits, "{name}");
    }
}

#[test]
fn loops_that_multiply_are_stopped() {
    let event = json!({"a": vec![0; 2_000], "text": "x".repeat(100_000)});
    let empty = "{{#if b}}{{/if}}".repeat(50);
    for (name, template, said) in [
        (
            "four loops that print nothing",
            "{{#each a}}{{#each ../a}}{{#each ../../a}}{{#each ../../../a}}{{/each}}{{/each}}{{/each}}{{/each}}"
                .to_owned(),
            "the templates take longer than 250 ms",
        ),
        (
            "two loops around conditions",
            format!("{{{{#each a}}}}{{{{#each ../a}}}}{empty}{{{{/each}}}}{{{{/each}}}}"),
            "the templates take longer than 250 ms",
        ),
        (
            "a loop that prints a long text",
            "{{#each a}}{{../text}}{{/each}}".to_owned(),
            "the templates print more than 1048576 bytes",
        ),
    ] {
        let started = Instant::now();
        assert_eq!(handlebars(&template, &event).unwrap_err(), said, "{name}");
        assert!(started.elapsed() < Duration::from_secs(3), "{name}: {:?}", started.elapsed());
    }
}

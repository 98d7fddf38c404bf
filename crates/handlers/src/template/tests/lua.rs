//! What does the Lua in a template see and do? Rows of the first table were measured on
//! lua-resty-template 2.0; in the others we differ, or it has no answer.

use serde_json::{Map, Value, json};

use super::luau::{self, Null};
use crate::template::{Compiled, Dialect};

#[test]
fn code_does_what_it_does_upstream() {
    let event =
        json!({"a": "A", "n": 5, "e": {"x": "X"}, "list": [1, 2, 3], "s": "a<b", "off": false});
    for (name, template, printed) in [
        ("a name is the event's member", "{% local x = a %}{{ x }}", "A"),
        ("a name is Lua's, if the event has none", "{{ type(a) }} {{ tostring(n) }}", "string 5"),
        ("a name that is nowhere is nil", "{{ tostring(nope) }}", "nil"),
        ("a false member is nil", "{{ tostring(off) }}", "nil"),
        ("a false member of context is false", "{{ tostring(context.off) }}", "false"),
        ("what is assigned stays", "{% n = n + 1 %}{{ n }}{% n = n + 1 %}{{ n }}", "67"),
        ("context does not change with it", "{% n = 9 %}{{ context.n }}", "5"),
        (
            "functions are defined",
            "{% local function twice(x) return x .. x end %}{{ twice(s) }}",
            "a&lt;ba&lt;b",
        ),
        (
            "functions of the template are called",
            "{% local function f() return s end %}{{ f }} {* f *}",
            "a<b a<b",
        ),
        ("echo prints as it is", "{% echo(s, n, nil, true) %}", "a<b5niltrue"),
        ("echo in a loop", "{% for _, it in ipairs(list) do echo(it, ';') end %}", "1;2;3;"),
        (
            "a loop over pairs of one",
            "{% for k, v in pairs(e) do %}{{ k }}={{ v }}{% end %}",
            "x=X",
        ),
        ("text in a loop", "{% for i = 1, 3 do %}\n- {{ i }}\n{% end %}\n.", "- 1\n- 2\n- 3\n."),
        (
            "a condition over lines",
            "{% if n == 5\nthen %}\nyes\n{% else %}\nno\n{% end %}\n",
            "yes\n",
        ),
        ("an expression over lines", "{{ n\n + 1 }}|", "6|"),
        ("a second argument escapes braces, too", "{{ '{<}', true }}", "&#123;&lt;&#125;"),
        (
            "template.escape and template.output",
            "{* template.escape(s) *} {* template.output(nil) *}",
            "a&lt;b ",
        ),
        ("escape and output", "{* escape(s) *} {* output(n) *}", "a&lt;b 5"),
        (
            "booleans, nil and numbers",
            "{{ true }} {{ false }} {{ nil }} {{ 1e15 }} {{ 1/3 }} {{ 2^53 }} {{ -0.5 }}",
            "true false  1e+15 0.33333333333333 9.007199254741e+15 -0.5",
        ),
        ("infinities", "{{ 1/0 }} {{ -1/0 }}", "inf -inf"),
        (
            "strings of all kinds",
            "{{ 'a\\'b' }} {{ \"c\\n\" }} {{ [[d]] }} {{ [==[e]]]==] }}",
            "a&#39;b c\n d e]]",
        ),
        (
            "length and methods",
            "{{ #list }} {{ #s }} {{ s:upper() }} {{ ('x'):rep(3) }}",
            "3 3 A&lt;B xxx",
        ),
        ("comments in code", "{% -- local x = 1 %}{% --[[ a\nb ]] local y = 2 %}{{ y }}", "2"),
        (
            "a block sees the event, not the code around it",
            "{% x = 1 n = 2 %}{-b-}{{ tostring(x) }} {{ n + 0 }}{-b-}{{ blocks.b }}",
            "nil 5",
        ),
        (
            "code in a block",
            "{-b-}{% for i = 1, 2 do %}{{ i }}{% end %}{-b-}{{ blocks.b }}{{ tostring(i) }}",
            "12nil",
        ),
        ("blocks from code", "{% blocks.c = 'x' %}{{ blocks.c }} {{ type(blocks) }}", "x table"),
        ("the template's own buffer", "{% ___[#___+1] = 'x' %}y", "xy"),
        (
            "a long expression",
            "{{ (n > 3 and 'many' or 'few') .. ' of ' .. (#list) }}",
            "many of 3",
        ),
        ("a member called as a method of a string", "{{ e.x:lower() }}", "x"),
        ("a table made by code", "{% local t = { x = { 1, 2 } } %}{{ t.x[2] }}", "2"),
        (
            "an index that is a name",
            "{{ list[n - 3] }} {{ e['x'] }} {% local k = 'x' %}{{ e[k] }}",
            "2 XX",
        ),
        ("return in the middle", "{% if n then return 'early' end %}late", "early"),
    ] {
        assert_eq!(luau::resty(template, &event).as_deref(), Ok(printed), "{name}");
    }
}

#[test]
fn what_the_event_has_hides_what_lua_has() {
    let event = json!({"type": 2, "string": "text", "nul": null});
    for (template, printed) in [
        ("{{ type + 1 }} {{ #string }}", "3 4"),
        ("{{ context.type + 1 }} {{ math.max(type, 1) }}", "3 2"),
        ("{% type = 5 %}{{ type }} {{ context.type }}", "5 2"),
        ("{% for type = 1, 2 do %}{{ type }}{% end %}{{ type }}", "122"),
    ] {
        assert_eq!(luau::resty(template, &event).as_deref(), Ok(printed), "{template}");
    }
}

/// The tags of a template without Lua print the same when there is Lua beside them.
#[test]
fn a_path_prints_the_same_beside_code() {
    let event = json!({
        "a": {"b": [1, {"c": "<d>"}]}, "off": false, "nul": null, "big": 1_234_567_890_123_456_i64,
        "text": "a/b", "tree": {"k": [true, null]}, "layout": "x", "template": "x",
    });
    for path in [
        "a.b[2].c",
        "a.b[1]",
        "a.b[3].c.d",
        "a['b'][0]",
        "off",
        "off.x",
        "context.off",
        "nul",
        "nul.x",
        "big",
        "text",
        "text.len",
        "text[1]",
        "tree",
        "tree.k",
        "missing",
        "missing.x[1]",
        "layout",
        "template",
        "template.escape",
        "include",
        "echo",
        "___",
        "type",
        "string",
        "string.upper",
        "math.pi",
        "_G",
        "_G.os",
        "os.time",
        "next",
        "error",
        "print",
        "escape",
        "blocks.b",
        "blocks.b.c",
        "context.a.b[2]",
        "größe",
        "context['größe']",
    ] {
        for template in [format!("{{{{ {path} }}}}"), format!("{{* {path} *}}")] {
            let alone = luau::resty(&template, &event).unwrap();
            for code in
                ["{% local unrelated %}", "{% local _ = a, off, nul, big, text, tree, missing %}"]
            {
                let beside = luau::resty(&format!("{code}{template}"), &event);
                assert_eq!(beside.as_ref(), Ok(&alone), "{code}{template}");
            }
        }
    }
}

#[test]
fn what_lua_itself_has_is_never_printed() {
    for template in [
        "{% local _ = type(1) %}{{ type }}",
        "{% local _ = string.upper('x') %}{{ string }}{{ string.upper }}",
        "{% local _ = pairs, next, error, os, math, require %}{{ next }}{{ error }}{{ os.time }}{{ math.pi }}",
        "{% local _ = tostring, escape %}{{ tostring }}{* escape *}",
    ] {
        assert_eq!(luau::resty(template, &json!({})).as_deref(), Ok(""), "{template}");
    }
}

#[test]
fn null_is_empty_whether_it_is_there_or_not() {
    let Value::Object(event) = json!({"nul": null, "e": {"nul": null}, "list": [null, 2]}) else {
        unreachable!()
    };
    for null in [Null::Sentinel, Null::Nil] {
        for (template, printed) in [
            ("{% local _ = 1 %}[{{ nul }}{{ e.nul }}{* nul *}{{ e.nul.x }}]", "[]"),
            ("{{ nul, true }}", ""),
            ("{{ list[2] + 1 }}{{ list[1] }}", "3"),
        ] {
            let compiled = Compiled::new(Dialect::Resty, template).unwrap();
            let printed_here = luau::run(compiled.lua().unwrap(), &event, null);
            assert_eq!(printed_here.as_deref(), Ok(printed), "{template}, {null:?}");
        }
    }
}

#[test]
fn what_fails_names_the_templates_line() {
    for (name, template, said) in [
        ("on the first line", "{{ nope() }}", "line 1: attempt to call a nil value"),
        (
            "after text",
            "a\nb\n{{ 1 + nope }}",
            "line 3: attempt to perform arithmetic (add) on number and nil",
        ),
        (
            "in code over lines",
            "{%\n\nlocal x = nope.y %}",
            "line 3: attempt to index nil with 'y'",
        ),
        (
            "after a comment",
            "{# a\nb #}\n{% --[[ c\nd ]] nope() %}",
            "line 4: attempt to call a nil value",
        ),
        (
            "after raw text",
            "{-raw-}\n\na\n{-raw-}\n{{ nope() }}",
            "line 5: attempt to call a nil value",
        ),
        ("in a block", "{-b-}\n\n{{ nope() }}\n{-b-}", "line 3: attempt to call a nil value"),
        (
            "after newlines of other kinds",
            "a\r\nb\rc\n{{ nope() }}",
            "line 3: attempt to call a nil value",
        ),
        ("an error of the author's", "a\n{% error('no') %}", "line 2: no"),
        ("a layout", "{% layout = 'x' %}", "a template cannot have a layout"),
        ("an include", "a\n{{ include('x') }}", "templates cannot include templates"),
        (
            "a string as a number",
            "{{ h.content-type }}",
            "line 1: attempt to perform arithmetic (sub) on string and function",
        ),
    ] {
        let event = json!({"h": {"content": "x"}});
        assert_eq!(luau::resty(template, &event), Err(said.to_owned()), "{name}");
    }
}

#[test]
fn what_lua_cannot_compile_names_the_templates_line() {
    for (name, template, line) in [
        ("an end too many", "a\n{% end %}\nb", 2),
        ("an end too few", "a\n{% if a then %}\nb", 3),
        ("an expression that is none", "a\n\n{{ a b }}", 3),
        ("return before the end", "{% return 1 %}\na", 2),
    ] {
        let said = luau::resty(template, &json!({})).unwrap_err();
        assert!(said.starts_with(&format!("line {line}: ")), "{name}: {said}");
    }
}

#[test]
fn a_chunk_leaves_nothing_behind() {
    let code = "{% x = 1 function f() end a.b = 2 %}{% context.y = 3 %}{-b-}{% z = 4 %}{-b-}";
    let compiled = Compiled::new(Dialect::Resty, code).unwrap();
    let lua = mlua::Lua::new();
    let names =
        "local names = {} for name in pairs(_G) do table.insert(names, name) end return #names";
    let count = || lua.load(names).eval::<usize>().unwrap();
    let before = count();
    let context = lua.create_table().unwrap();
    context.set("a", lua.create_table().unwrap()).unwrap();
    let printing = luau::printing(&lua).unwrap();
    lua.load(compiled.lua().unwrap()).call::<String>((context, mlua::Nil, printing)).unwrap();
    assert_eq!(count(), before);
}

#[test]
fn a_chunk_is_the_same_every_time_and_short() {
    let template = "{% for _, it in ipairs(list) do %}{{ it }}{% end %}{{ a + b + c }}";
    let chunk = |text: &str| Compiled::new(Dialect::Resty, text).unwrap().lua().unwrap().to_owned();
    assert_eq!(chunk(template), chunk(template));
    assert!(chunk(template).len() < 4 << 10, "{} bytes", chunk(template).len());
}

#[test]
fn only_templates_with_lua_have_a_chunk() {
    for (template, lua) in [
        ("text", false),
        ("{{ a.b }}{* c *}{# d #}{-raw-}{% %}{-raw-}", false),
        ("{-b-}{{ a }}{-b-}{{ blocks.b }}", false),
        ("{{ }}", false),
        ("{{ a + 1 }}", true),
        ("{{ 1 }}", true),
        ("{% %}", true),
        ("{-b-}{{ #a }}{-b-}", true),
    ] {
        assert_eq!(
            Compiled::new(Dialect::Resty, template).unwrap().lua().is_some(),
            lua,
            "{template}"
        );
    }
}

#[test]
fn what_was_not_run_cannot_be_rendered() {
    let event = Map::new();
    let compiled = Compiled::new(Dialect::Resty, "{{ 1 }}").unwrap();
    let error =
        compiled.render(&mut crate::template::rendering::Rendering::of(&event)).unwrap_err();
    assert_eq!(error.to_string(), "the template's Lua was not run");
}

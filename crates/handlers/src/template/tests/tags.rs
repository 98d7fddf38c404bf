//! Where do tags begin and end, and what do they take along? Every row was measured on
//! lua-resty-template 2.0.

use serde_json::json;

use super::luau;

#[test]
fn tags_take_along_what_they_do_upstream() {
    let event =
        json!({"a": "A", "n": 5, "e": {"x": "X"}, "list": [1, 2, 3], "s": "a<b", "off": false});
    for (name, template, printed) in [
        ("a code tag takes the newline after it, not two", "{% local x %}\n\nb", "\nb"),
        ("a code tag takes no carriage return", "{% local x %}\r\nb", "\nb"),
        (
            "a code tag takes tabs, vertical tabs and nulls before it",
            "a\t\x0b\0{% local x %}b",
            "ab",
        ),
        ("a code tag takes no newline before it", "a\n{% local x %}b", "a\nb"),
        ("blanks after a value, before a code tag, are taken", "{{ a }}  {% local x %}b", "Ab"),
        ("a comment takes no blanks before it", "a  {# c #}b", "a  b"),
        ("a comment over lines", "a{# c\nd #}\n\nb", "a\nb"),
        ("a comment is no place for tags", "{# {{ a }} #}b", "b"),
        ("a comment ends at the first end", "{# a #} #}", " #}"),
        ("a value ends at the first end", "{{ 'x' }}}}", "x}}"),
        ("a raw block keeps blanks before it", "a  {-raw-}b{-raw-}", "a  b"),
        ("a raw block loses its first newline", "{-raw-}\n\nb\n{-raw-}c", "\nb\nc"),
        ("a raw block loses its first newline of two letters", "{-raw-}\r\nb{-raw-}", "b"),
        ("a raw block takes the newline after it", "{-raw-}b{-raw-}\nc", "bc"),
        (
            "a raw block holds tags as text",
            "{-raw-}{{ a }}{% b %}{# c #}{-raw-}",
            "{{ a }}{% b %}{# c #}",
        ),
        (
            "a raw block holds other blocks as text",
            "{-raw-}{-verbatim-}{{ a }}{-verbatim-}{-raw-}",
            "{-verbatim-}{{ a }}{-verbatim-}",
        ),
        ("a raw block with blanks in its tag", "{- raw -}{{ a }}{- raw -}", "{{ a }}"),
        (
            "tags of blocks must be the same letter by letter",
            "{-raw-}{{ a }}{- raw -}",
            "{-raw-}A{- raw -}",
        ),
        ("a raw block without an end is text", "{-raw-}{{ a }}", "{-raw-}A"),
        ("a block takes blanks before it", "a \t{-b-}c{-b-}d", "ad"),
        ("a block loses a newline at both ends", "{-b-}\n\nc\n\n{-b-}[{{ blocks.b }}]", "[\nc\n]"),
        ("a block takes the newline after it", "{-b-}c{-b-}\nd", "d"),
        (
            "a block's text is escaped again where it is printed",
            "{-b-}{{ s }}{-b-}{{ blocks.b }} {* blocks.b *}",
            "a&amp;lt;b a&lt;b",
        ),
        (
            "a block that is defined twice is the later one",
            "{-b-}1{-b-}{-b-}2{-b-}{{ blocks.b }}",
            "2",
        ),
        (
            "a block does not see the blocks around it",
            "{-b-}1{-b-}{-c-}[{{ blocks.b }}]{-c-}{{ blocks.c }}",
            "[]",
        ),
        ("a block in a block", "{-b-}1{-c-}2{-c-}{{ blocks.c }}{-b-}{{ blocks.b }}", "12"),
        ("a block that is not there", "[{{ blocks.b }}]", "[]"),
        (
            "any newline in a block is one",
            "{-b-}a{% local x %}\r\nc{# d #}\r\re{-b-}{{ blocks.b }}",
            "ac\ne",
        ),
        ("a block ends before its last line feed only", "{-b-}a\r\n{-b-}[{{ blocks.b }}]", "[a\n]"),
        ("a block with an empty name", "{--}x{--}[{{ blocks[''] }}]", "[x]"),
        (
            "a backslash before a tag",
            "\\{{ a }} \\{* a *} \\{% a %} \\{# a #}",
            "{{ a }} {* a *} {% a %} {# a #}",
        ),
        ("a backslash before a block", "\\{-raw-}{{ a }}{-raw-}", "{-raw-}A{-raw-}"),
        ("a backslash before a block without an end is text", "\\{-raw-}", "\\{-raw-}"),
        ("a backslash before a tag without an end is text", "\\{{ a", "\\{{ a"),
        ("two backslashes before a value are one", "\\\\{{ a }}", "\\A"),
        ("two backslashes before a comment are one", "\\\\{# a #}", "\\"),
        ("two backslashes before a raw block are one", "\\\\{-raw-}x{-raw-}", "\\x"),
        ("two backslashes before code stay two", "\\\\{% local x %}", "\\\\"),
        ("three backslashes before a value are two", "\\\\\\{{ a }}", "\\\\A"),
        ("a backslash elsewhere is text", "\\a\\{a", "\\a\\{a"),
        ("only the first brace is escaped", "\\{{{ a }}", "{A"),
        ("a brace before a value", "{ {{ a }} }", "{ A }"),
        ("text in a tag of the other kind", "{* '{{ a }}' *}", "{{ a }}"),
        ("a carriage return is a newline", "a\rb\n\rc", "a\nb\nc"),
        ("a carriage return at the start is nothing", "\ra", "a"),
        ("a carriage return after a value is nothing", "{{ a }}\rb", "Ab"),
        ("carriage return and line feed after a value are a newline", "{{ a }}\r\nb", "A\nb"),
        ("line feed and carriage return after a value are a newline", "{{ a }}\n\rb", "A\nb"),
        ("an unknown tag is text", "{! a !} {@ a @} {a}", "{! a !} {@ a @} {a}"),
        (
            "the braces of JSON are text",
            "{\"a\": {\"b\": [{\"c\": 1}]}}",
            "{\"a\": {\"b\": [{\"c\": 1}]}}",
        ),
        ("a tag in letters beyond ASCII", "é{{ a }}ü", "éAü"),
        ("nulls are text", "a\0b", "a\0b"),
    ] {
        assert_eq!(luau::resty(template, &event).as_deref(), Ok(printed), "{name}");
    }
}

#[test]
fn text_is_never_more_than_text() {
    for (name, template) in [
        ("the name of a file", "/etc/passwd"),
        ("the name of a file from here", "Cargo.toml"),
        ("bytecode, by its first letter", "\x1bLJ\x02"),
        ("what ends a long string", "a ]=] b ]] c"),
        ("what would be Lua behind one", "]=] os.exit() --[=["),
        ("a name of Lua's", "_G.os"),
    ] {
        for beside in ["", "{% local _ %}"] {
            let printed = luau::resty(&format!("{template}{beside}"), &json!({}));
            assert_eq!(printed.as_deref(), Ok(template), "{name}");
        }
    }
}

#[test]
fn an_array_or_object_is_json() {
    let event = json!({"list": [1, "<a>"], "tree": {"k": {}}});
    for (template, printed) in [
        ("{* list *}", r#"[1,"<a>"]"#),
        ("{{ list }}", "[1,&quot;&lt;a&gt;&quot;]"),
        ("{* tree *}", r#"{"k":{}}"#),
        ("{* context *}", r#"{"list":[1,"<a>"],"tree":{"k":{}}}"#),
        ("{* context.list *}{% local _ %}", r#"[1,"<a>"]"#),
        ("{% local t = {1, 2} %}{* t *}", "[1,2]"),
    ] {
        assert_eq!(luau::resty(template, &event).as_deref(), Ok(printed), "{template}");
    }
}

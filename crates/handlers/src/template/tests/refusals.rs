//! What is not a template, and where is it wrong?

use crate::template::{Compiled, Dialect, SOURCE_LIMIT};

#[test]
fn a_template_that_cannot_work_is_refused_at_its_place() {
    for (name, template, line, column, message) in [
        ("an include", "a\nb {(file.html)}", 2, 3, "no template files to include"),
        ("an include by expression", "{[ name ]}", 1, 1, "no template files to include"),
        ("an include in a block", "{-b-}\n {(x)}{-b-}", 2, 2, "no template files to include"),
        ("a string without an end", "é{{ 'a }}", 1, 5, "this string is not closed"),
        ("a string that the tag's end cuts", "{{ '}}' }}", 1, 4, "this string is not closed"),
        ("a long string without an end", "{% x = [[ %}", 1, 8, "this long string is not closed"),
        ("a comment over tags", "a\n{% --[[ %} b {% ]] %}", 2, 4, "this comment is not closed"),
        ("a comment before the tag's end", "{{ a -- b }}", 1, 6, "would hide the tag's end"),
        ("an expression that goes on", "{{ 1 + }}", 1, 6, "cannot end with `+`"),
        ("a keyword", "{{ end }}", 1, 4, "cannot begin with `end`"),
        ("a bracket without its twin", "{{ f(a }}", 1, 5, "not closed before the tag's end: `(`"),
        ("a way out of the tag", "{{ a) .. f(b }}", 1, 5, "nothing is open for this `)`"),
        ("goto", "{% goto done %}", 1, 4, "goto and its labels are not supported"),
        ("a name of ours", "{% ___finish = 1 %}", 1, 4, "names that begin with `___`"),
        ("a name in letters beyond ASCII", "{{ größe + 1 }}", 1, 4, "context[\"größe\"]"),
        ("no Lua at all", "{% a = $x %}", 1, 8, "`$` means nothing in Lua"),
        (
            "three braces, as in handlebars",
            "{{{ a }}}",
            1,
            3,
            "not closed before the tag's end: `{`",
        ),
    ] {
        let error = Compiled::new(Dialect::Resty, template).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{name}: {error}");
        assert!(error.message.contains(message), "{name}: {error}");
    }
}

#[test]
fn a_template_has_limits() {
    let names =
        |count| (0..count).map(|n| format!("{{{{ n{n} + 1 }}}}")).collect::<Vec<_>>().concat();
    let nested = |depth: usize| {
        let tags = |range: &mut dyn Iterator<Item = usize>| {
            range.map(|n| format!("{{-b{n}-}}")).collect::<Vec<_>>().concat()
        };
        tags(&mut (0..depth)) + &tags(&mut (0..depth).rev())
    };
    for (name, template, fits) in [
        ("text of the greatest length", "x".repeat(SOURCE_LIMIT), true),
        ("text beyond it", "x".repeat(SOURCE_LIMIT + 1), false),
        ("a hundred names", names(100), true),
        ("one name more", names(101), false),
        (
            "a chunk of about the greatest length",
            format!("{{{{ 1 }}}}{}", "x".repeat(60 << 10)),
            true,
        ),
        ("a chunk beyond it", format!("{{{{ 1 }}}}{}", "x".repeat(64 << 10)), false),
        ("a chunk that grows beyond it", format!("{{{{ 1 }}}}{}", "\u{1}".repeat(30 << 10)), false),
        ("blocks as deep as may be", nested(16), true),
        ("one deeper", nested(17), false),
    ] {
        assert_eq!(Compiled::new(Dialect::Resty, &template).is_ok(), fits, "{name}");
    }
}

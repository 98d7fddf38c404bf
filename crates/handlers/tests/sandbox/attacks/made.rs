//! Attacks that are made, not written: whole chunks, on the compiler for the most part.

use std::fmt::Write;

use super::scripts::Stop::{self, Compiler, Itself, Kill, Memory, Refused, Time};

fn straight(line: &str, times: usize, before: &str) -> String {
    format!("return function() {before} {} end", line.repeat(times))
}

/// A name, what may stop it, and a chunk.
type Made = (&'static str, &'static [Stop], String);

pub(super) fn made() -> Vec<Made> {
    [deep(), long()].concat()
}

/// What goes on and on.
fn long() -> Vec<Made> {
    let mut locals = String::new();
    for it in 0..4_500 {
        let _ = write!(locals, "local a{it}={it} ");
    }
    let mut calls = String::new();
    for it in 1..21 {
        let _ = write!(calls, "local function f{it}() return f{0}()+f{0}() end ", it - 1);
    }
    vec![
        ("parts of types", &[Compiler], format!("local x: {}", "()->".repeat(15_000))),
        ("types of values", &[Compiler], format!("local x: {}", "typeof(".repeat(8_000))),
        (
            "branches as values",
            &[Compiler],
            format!("return {}c", "if a then b else ".repeat(3_800)),
        ),
        (
            "loops in loops",
            &[Compiler],
            format!("{}{}", "for i=1,1 do ".repeat(2_500), "end ".repeat(2_500)),
        ),
        ("local variables", &[Compiler], locals),
        ("digits", &[Refused, Compiler], format!("return {}", "1".repeat(60_000))),
        ("brackets that never end", &[Compiler], format!("return {}", "[==[".repeat(15_000))),
        ("comments that never end", &[Compiler, Refused], "--[[".repeat(16_000)),
        ("jumps", &[Compiler], "goto ".repeat(13_000)),
        ("labels", &[Compiler], "::a::".repeat(13_000)),
        ("targets", &[Compiler], format!("{}a=1", "a,".repeat(20_000))),
        ("letters of other scripts", &[Compiler], "é".repeat(30_000)),
        ("zeros", &[Compiler, Refused], "return '\0'\0\0".into()),
        (
            "functions that call each other twice",
            &[Itself, Time],
            format!("local function f0() return 1 end {calls} return f20"),
        ),
        (
            "loops that are unrolled",
            &[Itself],
            format!(
                "return function() local x = 0 {} return x end",
                "for i=1,100 do for j=1,100 do x=x+i*j end end ".repeat(20)
            ),
        ),
    ]
}

/// What is in itself, and what is too much at once.
fn deep() -> Vec<Made> {
    let locals = (0..190).map(|it| format!("local a{it} = {it}")).collect::<Vec<_>>().join("\n");
    let sum = (0..190).step_by(2).map(|it| format!("a{it}")).collect::<Vec<_>>().join("+");
    let large = "local s = ('x'):rep(2^22) .. 'a' local t = ('x'):rep(2^22) .. 'b' local a";
    vec![
        ("comparisons of megabytes, one after the other", &[Kill], straight(" a=s<t", 5000, large)),
        (
            "joins of megabytes, one after the other",
            &[Kill, Memory],
            straight(" a=s..s", 5000, "local s = ('x'):rep(2^20) local a"),
        ),
        (
            "parentheses",
            &[Compiler],
            format!("return {}1{}", "(".repeat(30_000), ")".repeat(30_000)),
        ),
        ("tables", &[Compiler], format!("return {}{}", "{".repeat(30_000), "}".repeat(30_000))),
        ("negations", &[Compiler], format!("return {}1", "- ".repeat(30_000))),
        ("sums", &[Compiler], format!("return {}1", "1+".repeat(30_000))),
        ("joins", &[Compiler], format!("return {}''", "''..".repeat(14_000))),
        ("powers", &[Compiler], format!("return {}2", "2^".repeat(30_000))),
        ("calls", &[Compiler], format!("return f{}", "()".repeat(30_000))),
        ("fields", &[Compiler], format!("return f{}", ".a".repeat(30_000))),
        ("methods", &[Compiler], format!("return f{}", ":a()".repeat(12_000))),
        ("indices", &[Compiler], format!("return {}1{}", "a[".repeat(20_000), "]".repeat(20_000))),
        ("blocks", &[Compiler], format!("{}{}", "do ".repeat(9_000), "end ".repeat(9_000))),
        ("branches", &[Compiler], format!("if a then {}end", "elseif a then ".repeat(4_500))),
        (
            "functions in functions",
            &[Compiler, Itself],
            format!("return {}1 {}", "function() return ".repeat(2_800), "end ".repeat(2_800)),
        ),
        ("parameters", &[Compiler], format!("return function({}a) end", "a,".repeat(20_000))),
        ("arguments", &[Compiler], format!("f({}1)", "1,".repeat(30_000))),
        ("items", &[Compiler, Refused], format!("return {{{}}}", "1,".repeat(31_000))),
        ("types", &[Compiler], format!("local x: {}", "{".repeat(30_000))),
        ("a union of types", &[Compiler], format!("local x: {}nil", "number|".repeat(9_000))),
        ("attributes", &[Compiler], format!("{}function f() end", "@native ".repeat(8_000))),
        (
            "texts in texts",
            &[Compiler],
            format!("return {}1{}", "`{".repeat(15_000), "}`".repeat(15_000)),
        ),
        ("nonsense", &[Compiler], "@ ".repeat(32_000)),
        ("too much", &[Compiler], format!("return function() end --{}", "x".repeat(65_536))),
        ("bytecode of LuaJIT", &[Compiler], "\u{1b}LJ\u{2}".into()),
        ("bytecode of Luau", &[Compiler], "\u{6}\u{3}\u{0}".into()),
        (
            "functions with all the locals around them",
            &[Itself, Time],
            format!(
                "{locals} return function() local t = {{}} {} return #t end",
                format!("t[#t + 1] = function() return {sum} end ").repeat(110)
            ),
        ),
        (
            "orders to the compiler",
            &[Itself],
            format!(
                "--!optimize 2\n--!native\nlocal function f(x) {} return x end \
                 return function() local y = 0 {} return y end",
                "x = x + 1 ".repeat(60),
                "y = f(f(f(f(y)))) ".repeat(2_500)
            ),
        ),
        ("a chunk without end", &[Time], "while true do end".into()),
        (
            "a chunk that takes all memory",
            &[Memory, Time],
            "local t = {} while true do t = {t} end".into(),
        ),
        ("a chunk that raises", &[Refused], "error('x')".into()),
        ("no function", &[Refused], "return 1".into()),
    ]
}

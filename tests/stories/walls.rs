//! A wall is a test: what the house forbids, something checks.
//!
//! A rule that only a document knows is broken by the first person in a hurry. Each wall here
//! says, when it falls, who broke it and what it is for.

mod linking;

use serde_json::Value;

use self::linking::cargo;
use crate::repository::{self, Source};

/// Fails with every breach of a wall at once, and what the wall is for.
fn stands(wall: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{wall}:\n  {}\n", breaches.join("\n  "));
}

// Who dials out.

/// What opens a connection or sends a datagram, as it is written.
const WAYS_OUT: [&str; 4] = ["TcpStream::connect", "UdpSocket", "reqwest::", "hyper_util::client"];

#[test]
fn every_outbound_byte_leaves_through_the_egress() {
    let breaches: Vec<_> = sources()
        .filter(|source| !may_dial(&source.path))
        .flat_map(|Source { path, text }| {
            let used = WAYS_OUT.into_iter().filter(move |way| text.contains(way));
            used.map(move |way| format!("{path} mentions {way}"))
        })
        .collect();
    stands("egress knows where not to go; nothing may dial past it", &breaches);
}

#[test]
fn the_egress_and_tests_may_dial_and_nothing_else() {
    for (path, expected) in [
        ("crates/handlers/src/egress.rs", true),
        ("crates/handlers/src/egress/connect.rs", true),
        ("crates/handlers/tests/main.rs", true),
        ("crates/local/benches/drain.rs", true),
        ("crates/testkit/src/receiver.rs", true),
        ("crates/cli/src/deployment/connect.rs", true),
        ("crates/cli/src/hook.rs", false),
        ("crates/aws/src/xray.rs", true),
        ("crates/aws/src/sdk.rs", false),
        ("crates/handlers/src/webhook.rs", false),
        ("crates/handlers/src/egress_rules.rs", false),
        ("crates/hooks/src/tests.rs", false),
        ("functions/ingest/src/main.rs", false),
    ] {
        assert_eq!(may_dial(path), expected, "{path}");
    }
}

fn may_dial(path: &str) -> bool {
    path == "crates/handlers/src/egress.rs"
        // To the daemon beside the function, whose address the platform gives; no hook has a say.
        || path == "crates/aws/src/xray.rs"
        || path.starts_with("crates/handlers/src/egress/")
        || path.starts_with("crates/testkit/")
        // The command line is a user of the system. It too has one door.
        || path == "crates/cli/src/deployment.rs"
        || path.starts_with("crates/cli/src/deployment/")
        || path.split('/').any(|folder| matches!(folder, "tests" | "benches"))
}

/// clippy.toml forbids at compile time what the source test sees only by its spelling.
#[test]
fn the_compiler_guards_the_egress_and_says_why() {
    let settings = repository::read("clippy.toml");
    let forbidden: Vec<_> = settings.lines().filter(|line| line.contains("path = ")).collect();
    let silent = forbidden.iter().filter(|line| !gives_a_reason(line));
    stands(
        "whoever meets a forbidden method in clippy.toml is told why",
        &silent.map(|line| line.trim().to_owned()).collect::<Vec<_>>(),
    );
    for method in [
        "reqwest::Client::new",
        "reqwest::Client::builder",
        "reqwest::ClientBuilder::new",
        "std::net::TcpStream::connect",
        "tokio::net::TcpStream::connect",
    ] {
        let guarded = forbidden.iter().any(|line| line.contains(&format!("\"{method}\"")));
        assert!(guarded, "clippy.toml forbids {method} outside of egress");
    }
}

/// Does an entry of clippy.toml have more of a reason than the word for it?
fn gives_a_reason(entry: &str) -> bool {
    let reason = entry.split_once("reason = \"").map_or("", |(_, reason)| reason);
    reason.split('"').next().is_some_and(|it| it.split_whitespace().count() >= 3)
}

// How the sources keep.

#[test]
fn every_package_is_under_the_lints_of_the_house() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version=1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let breaches: Vec<_> = packages
        .iter()
        .map(|package| package["manifest_path"].as_str().expect("packages have manifests"))
        .filter(|manifest| !repository::read(manifest).contains("[lints]\nworkspace = true\n"))
        .map(|manifest| format!("{manifest} lacks [lints] workspace = true"))
        .collect();
    stands("lints hold for every package", &breaches);
}

#[test]
fn what_is_unsafe_says_why_it_is_sound() {
    let breaches: Vec<_> = sources()
        .flat_map(|Source { path, text }| {
            let lines = unsafe_without_a_reason(&text).into_iter();
            lines.map(move |line| format!("{path}:{line} has no `// SAFETY:` above it"))
        })
        .collect();
    stands("what the compiler cannot check, a comment proves", &breaches);
}

#[test]
fn a_reason_for_unsafe_stands_in_the_comment_above_it() {
    for (name, text, expected) in [
        ("nothing unsafe", "let unsafe_code = 1; // unsafe { }", vec![]),
        ("with a reason", "// SAFETY: it is.\nunsafe { go() }", vec![]),
        ("with a long reason", "// SAFETY: it\n// is.\nunsafe { go() }", vec![]),
        ("an attribute between", "// SAFETY: it is.\n#[inline]\nunsafe fn go() {}", vec![]),
        ("without any", "let x = unsafe { go() };", vec![1]),
        ("another comment", "// it is\nunsafe impl Send for X {}", vec![2]),
        ("a reason further up", "// SAFETY: it is.\n\nunsafe { go() }", vec![3]),
    ] {
        assert_eq!(unsafe_without_a_reason(text), expected, "{name}");
    }
}

/// The numbers of the lines that are unsafe without a reason.
fn unsafe_without_a_reason(text: &str) -> Vec<usize> {
    let mut unproven = Vec::new();
    let mut proven = false;
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        let code = line.split("//").next().unwrap_or_default();
        let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        if words.into_iter().any(|word| word == "unsafe") && !proven {
            unproven.push(number);
        }
        let goes_on = line.starts_with("//") || line.starts_with("#[");
        proven = line.starts_with("// SAFETY:") || proven && goes_on;
    }
    unproven
}

#[test]
fn a_file_is_short_enough_to_be_read() {
    /// Aim for 400. What is longer than this is two files.
    const MOST_LINES: usize = 600;
    let tests = repository::sources_in("tests");
    let breaches: Vec<_> = sources()
        .chain(tests)
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path} has {lines} lines"))
        .collect();
    stands(&format!("no file has more than {MOST_LINES} lines"), &breaches);
}

/// Every Rust file that is not of this package.
fn sources() -> impl Iterator<Item = Source> {
    let sources: Vec<_> =
        ["crates", "functions"].into_iter().flat_map(repository::sources_in).collect();
    assert!(sources.len() > 20, "the sources are where they are looked for");
    sources.into_iter()
}

// What is written about the code.

#[test]
fn what_style_quotes_still_stands_in_the_code() {
    let style = repository::read("STYLE.md");
    let quotes = repository::code_blocks(&style).into_iter().filter(|it| it.language == "rust");
    let quotes: Vec<_> = quotes.collect();
    assert!(quotes.len() >= 10, "STYLE.md shows its habits in the code of this repository");

    let breaches: Vec<_> = quotes
        .iter()
        .filter_map(|quote| {
            let (first, lines) = quote.lines.split_first()?;
            let Some(path) = first.strip_prefix("// ") else {
                return Some(format!("{first}: a quote begins with a comment naming its file"));
            };
            let missing = missing_from(&repository::read(path), lines)?;
            Some(format!("{path} no longer has, in this order: {missing}"))
        })
        .collect();
    stands("STYLE.md quotes code that is there", &breaches);
}

#[test]
fn a_quote_may_leave_lines_out_but_not_turn_them_round() {
    let text = "fn a() {\n    one();\n    two();\n}\n";
    for (name, quote, missing) in [
        ("all of it", &["fn a() {", "    one();", "    two();", "}"][..], None),
        ("indented otherwise", &["one();", "", "  two();"], None),
        ("with something left out", &["fn a() {", "    …", "}"], None),
        ("turned round", &["two();", "one();"], Some("one();")),
        ("changed", &["one();", "three();"], Some("three();")),
        ("part of a line", &["one()"], Some("one()")),
    ] {
        assert_eq!(missing_from(text, quote), missing, "{name}");
    }
}

/// The first line of a quote that does not follow in the text after the one before it. `…`
/// stands for lines left out.
fn missing_from<'a>(text: &str, quote: &[&'a str]) -> Option<&'a str> {
    let mut lines = text.lines().map(str::trim);
    let quoted = quote.iter().map(|line| line.trim()).filter(|line| !matches!(*line, "" | "…"));
    quoted.into_iter().find(|wanted| !lines.any(|line| line == *wanted))
}

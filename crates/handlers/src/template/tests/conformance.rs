//! Does a template brought along from lua-resty-template print what it printed there?

use serde::Deserialize;
use serde_json::{Map, Value};

use super::luau;
use crate::template::Dialect;

const CASES: &str = include_str!("../../../../../tests/conformance/resty-templates.json");

#[derive(Deserialize)]
struct Case {
    name: String,
    template: String,
    context: Map<String, Value>,
    output: Option<String>,
}

/// Where we differ on purpose: the case, what ours prints (`None` for an error), and why.
const DIFFERENCES: [(&str, Option<&str>, &str); 3] = [
    (
        "index of missing table is an error",
        Some(""),
        "a missing value is empty at any depth: events of one source do not all have the same members",
    ),
    (
        "include inline text through {( )}",
        None,
        "an include reads a file where there is one; hooks have no files, so that it is always a mistake",
    ),
    (
        "literal ]=] breaks the generated Lua",
        Some("a ]=] b"),
        "text is text: upstream's long brackets are not ours",
    ),
];

#[test]
fn every_case_has_the_measured_outcome_or_a_reason_to_differ() {
    let cases: Vec<Case> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() >= 69, "cases got lost");
    for case in &cases {
        let difference = DIFFERENCES.iter().find(|(name, ..)| *name == case.name);
        let expected = difference.map_or(case.output.as_deref(), |(_, output, _)| *output);
        let printed = luau::render(Dialect::Resty, &case.template, &case.context);
        let printed = printed.ok().and_then(Result::ok);
        assert_eq!(printed.as_deref(), expected, "{}", case.name);
        assert!(difference.is_none() || printed != case.output, "{}: no difference", case.name);
    }
    for (name, ..) in DIFFERENCES {
        assert!(cases.iter().any(|case| case.name == name), "no case is called {name}");
    }
}

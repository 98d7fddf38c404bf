//! Who links what, and how that is compiled.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::stands;
use crate::repository;

#[test]
fn a_crate_links_what_its_part_needs_and_nothing_else() {
    const EVERY_HTTP: &[&str] = &["axum", "hyper", "hyper-util", "reqwest"];
    const EVERY_STORE: &[&str] = &["aws-*", "rusqlite"];
    const EVERY_SCRIPT: &[&str] = &["handlebars", "mlua"];

    let mut breaches = Vec::new();
    for (part, banned, why) in [
        ("hooks", [EVERY_HTTP, EVERY_STORE, EVERY_SCRIPT, &["tokio"]].concat(), "rules do no I/O"),
        (
            "api",
            [EVERY_STORE, EVERY_SCRIPT, &["handlers", "reqwest"]].concat(),
            "doors decode and answer; a function that only does so starts fast",
        ),
        (
            "handlers",
            [EVERY_STORE, &["api", "axum"]].concat(),
            "a handler runs a hook, whoever asks and wherever that is remembered",
        ),
        (
            "embedded",
            [EVERY_HTTP, EVERY_SCRIPT, &["aws-*", "api", "handlers"]].concat(),
            "a store remembers and talks to nobody",
        ),
        (
            "dynamodb",
            [EVERY_SCRIPT, &["rusqlite", "reqwest", "axum", "api", "handlers"]].concat(),
            "a store remembers and talks to nobody but its database",
        ),
        (
            "sqs",
            [EVERY_SCRIPT, &["rusqlite", "reqwest", "axum", "api", "handlers"]].concat(),
            "a queue hands over, and knows nothing of what is done then",
        ),
        (
            "settings",
            [EVERY_HTTP, EVERY_STORE, EVERY_SCRIPT].concat(),
            "everybody reads settings, whatever else they link",
        ),
        (
            "ingest-function",
            [EVERY_SCRIPT, &["rusqlite", "reqwest", "handlers"]].concat(),
            "who takes events in starts fast, and has nothing that an event could break",
        ),
        ("admin-function", vec!["rusqlite", "embedded"], "what AWS remembers is in DynamoDB"),
        ("dispatcher-function", vec!["rusqlite", "embedded", "axum"], "nobody calls it by HTTP"),
        ("local", vec!["aws-*", "lambda_*"], "one process on one machine needs no cloud"),
    ] {
        let linked = linked_by(part);
        let broken = linked.iter().filter(|it| banned.iter().any(|name| is_called(it, name)));
        breaches.extend(broken.map(|it| format!("{part} links {it}, but {why}")));
    }
    stands(
        "crates are the walls of the house (ask `cargo tree --package P --invert X`)",
        &breaches,
    );
}

#[test]
fn what_a_crate_links_is_seen_however_far_down() {
    assert!(linked_by("handlers").contains("reqwest"), "directly");
    assert!(linked_by("local").contains("reqwest"), "through another crate of ours");
    assert!(linked_by("embedded").contains("libsqlite3-sys"), "through one of others");
    assert!(is_called("aws-config", "aws-*") && !is_called("awsome", "aws-*"));
    assert!(is_called("hyper", "hyper") && !is_called("hyper-util", "hyper"));
}

#[test]
fn what_reaches_outside_has_one_owner() {
    // Functions make the clients that these crates are handed; `awskit` is for tests, `bench` and
    // `counts` measure.
    const DYNAMODB: &[&str] = &[
        "dynamodb",
        "admin-function",
        "ingest-function",
        "dispatcher-function",
        "awskit",
        "counts",
    ];
    const SQS: &[&str] =
        &["sqs", "admin-function", "ingest-function", "dispatcher-function", "awskit"];
    const SECRETS: &[&str] = &["apigateway", "admin-function", "ingest-function"];
    const CALLERS: &[&str] = &["handlers", "testkit", "e2e", "cli", "bench"];

    let mut breaches = Vec::new();
    for (dependency, owners, why) in [
        ("reqwest", CALLERS, "outbound calls have one door"),
        ("rusqlite", &["embedded"], "what is in the file is one crate's business"),
        ("mlua", &["handlers"], "scripts run in one sandbox"),
        ("handlebars", &["handlers"], "templates are rendered in one place"),
        ("aws-sdk-dynamodb", DYNAMODB, "what is in the tables is one crate's business"),
        ("aws-sdk-sqs", SQS, "what is in the queues is one crate's business"),
        ("aws-sdk-secretsmanager", SECRETS, "one secret has one reader"),
    ] {
        let others = packages_that_name(dependency).into_iter();
        let others = others.filter(|it| !owners.contains(&it.as_str()));
        breaches.extend(others.map(|it| format!("{it} depends on {dependency}, but {why}")));
    }
    stands("what reaches outside has one owner", &breaches);
}

#[test]
fn what_functions_share_is_compiled_once() {
    const FUNCTIONS: [&str; 3] = ["admin-function", "ingest-function", "dispatcher-function"];

    let mut shared: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
    let beneath = ["aws", "dynamodb", "aws-sdk-sqs"].into_iter().flat_map(features);
    let beneath: BTreeSet<_> = beneath.map(|(package, _)| package).collect();
    for function in FUNCTIONS {
        let mut built_from = features(function);
        built_from.retain(|package, _| beneath.contains(package));
        for (package, features) in built_from {
            shared.entry(package).or_default().entry(features).or_default().push(function);
        }
    }
    assert!(shared.keys().any(|it| it.starts_with("aws-sdk-dynamodb ")), "{:?}", shared.keys());
    let breaches: Vec<_> = shared
        .into_iter()
        .filter(|(_, choices)| choices.len() > 1)
        .map(|(package, choices)| format!("{package} has other features in each: {choices:?}"))
        .collect();
    stands("`sam build` compiles what functions share once (crates/aws names features)", &breaches);
}

/// Does a crate go by this name? `aws-*` is every name that begins with `aws-`.
fn is_called(package: &str, name: &str) -> bool {
    match name.strip_suffix('*') {
        Some(beginning) => package.starts_with(beginning),
        None => package == name,
    }
}

/// The names of all crates in a crate's finished program, itself among them. Build scripts,
/// macros and tests are not in it.
fn linked_by(package: &str) -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--package",
        package,
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
    ]);
    let linked: BTreeSet<_> =
        tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(linked.contains(package), "cargo tree says what {package} is made of");
    linked
}

/// What a crate's program is built from, build scripts and macros too: packages and their features.
fn features(package: &str) -> BTreeMap<String, String> {
    let tree = cargo(&[
        "tree",
        "--package",
        package,
        "--edges=normal,build",
        "--prefix=none",
        "--format={p}\t{f}",
    ]);
    let lines = tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('\t'));
    lines.map(|(package, features)| (package.to_owned(), features.to_owned())).collect()
}

/// Our packages whose manifests name this dependency, for whatever purpose.
fn packages_that_name(dependency: &str) -> Vec<String> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version=1"]))
            .expect("cargo metadata is JSON");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    list(&metadata["packages"])
        .into_iter()
        .filter(|package| list(&package["dependencies"]).iter().any(|it| it["name"] == dependency))
        .map(|package| package["name"].as_str().expect("packages have names").to_owned())
        .collect()
}

/// What cargo answers, without the network and without touching the lock file.
pub(super) fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(repository::root())
        .stdin(Stdio::null())
        .output()
        .expect("cargo runs these tests");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

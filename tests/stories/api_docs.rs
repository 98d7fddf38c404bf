//! docs/api.md, as somebody reads it who tries everything.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::{
    console::{self, Listener},
    repository,
    world::{World, answer},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_what_the_page_says() {
    if !console::has_curl() {
        println!("skipped: the commands of docs/api.md, for there is no curl");
        return;
    }
    let page = repository::read("docs/api.md");
    let world = World::new().await;
    let taking = Listener::start(&["--secret", "s3cr3t"]).await;
    let failing = Listener::start(&["--status", "503"]).await;
    let receivers = [("localhost:9000", taking.address()), ("localhost:9001", failing.address())];
    let commands = console::follow(&page, &world, &receivers).await;
    assert!(commands >= 25, "only {commands} commands found");

    let metrics = world.get("/metrics").await.text;
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let unknown: Vec<_> = names.filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(unknown.is_empty(), "the page does not know {unknown:?}");
}

#[tokio::test]
async fn every_path_can_be_asked_what_the_page_says_and_nothing_else() {
    let world = World::new().await;
    let mut paths = BTreeMap::<String, BTreeSet<String>>::new();
    for (methods, path) in routes(&repository::read("docs/api.md")) {
        paths.entry(path).or_default().extend(methods);
    }
    assert!(paths.len() >= 12, "only {} paths found", paths.len());
    for (path, methods) in paths {
        let allowed = answer(world.request("OPTIONS", &path)).await.header("allow").to_owned();
        let of_every_path = |method: &&str| ["HEAD", "OPTIONS"].contains(method);
        let allowed = allowed.split(", ").filter(|it| !of_every_path(it)).map(str::to_owned);
        assert_eq!(allowed.collect::<BTreeSet<_>>(), methods, "{path}");
    }
}

/// The rows of the table of routes: methods, and a path with ids in it.
fn routes(page: &str) -> Vec<(Vec<String>, String)> {
    let row = Regex::new(r"(?m)^\| ((?:`[A-Z]+` )+)`(/[^`?]*)[^`]*` \|").unwrap();
    let placeholder = Regex::new(r"\{\w+\}").unwrap();
    let route = |row: regex::Captures<'_>| {
        let methods = row[1].split_whitespace().map(|it| it.trim_matches('`').to_owned());
        let path = placeholder.replace_all(&row[2], "13a16f91-68b6-4384-97f7-d02763a551ac");
        (methods.collect(), path.into_owned())
    };
    row.captures_iter(page).map(route).collect()
}

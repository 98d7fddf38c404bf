//! docs/guarantees.md, as somebody reads it who does not believe a word.

use regex::Regex;

use crate::repository;

#[test]
fn every_promise_names_tests_that_exist() {
    let page = repository::read("docs/guarantees.md");
    let link = Regex::new(r"\[`(\w+)`\]\(\.\./([^)]+)\)").unwrap();
    let (promises, _) = page.split_once("\n## Figures\n").expect("promises, then figures");
    let (_, promises) = promises.split_once("\n## Promises\n").expect("what they are");
    for promise in promises.split("\n\n").filter(|it| it.starts_with("**")) {
        assert!(link.is_match(promise), "nothing shows that: {promise}");
    }
    let mut named = 0;
    for link in link.captures_iter(&page) {
        let (name, file) = (&link[1], &link[2]);
        let is_there = repository::read(file).contains(&format!("fn {name}("));
        assert!(is_there, "there is no test {name} in {file}");
        named += 1;
    }
    assert!(named > 20, "only {named} tests named");
}

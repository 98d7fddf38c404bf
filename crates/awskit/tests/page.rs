//! docs/cost.md, held to what was counted, and its dollars to its prices.

use std::{fs, path::Path};

use crate::world::Bill;

/// How far a figure of the page may be from what comes of deliveries that race.
const ABOUT: f64 = 0.1;

/// The page's table of this heading: the cells of each row, the first of which names it.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cost.md");
    let page = fs::read_to_string(page).expect("docs/cost.md");
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let rows = section.lines().take_while(|it| !it.starts_with("## "));
    let rows = rows.filter_map(|it| it.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<_> =
        rows.map(|it| it.split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect();
    assert!(!rows.is_empty(), "there is no table under {heading}");
    rows
}

/// A number in a table, which may stand among words.
fn number(heading: &str, row: &str, column: usize) -> f64 {
    let rows = table(heading);
    let cells = rows.iter().find(|cells| cells[0] == row);
    let cells = cells.unwrap_or_else(|| panic!("{heading} has no row {row:?}"));
    let number = |word: &str| word.trim_start_matches('$').replace(',', "").parse().ok();
    let found = cells[column].split(' ').find_map(number);
    found.unwrap_or_else(|| panic!("no number in {:?} of {row:?}", cells[column]))
}

/// What one costs, in dollars.
fn price(what: &str) -> f64 {
    const PRICED_BY: [(&str, f64); 2] = [("a million", 1e6), ("GB-second", 1.0)];

    let rows = table("Prices");
    let cells = rows.iter().find(|cells| cells[0] == what);
    let cells = cells.unwrap_or_else(|| panic!("Prices has no row {what:?}"));
    let many = PRICED_BY.iter().find(|(name, _)| cells[2].starts_with(name));
    number("Prices", what, 1) / many.unwrap_or_else(|| panic!("priced by {:?}", cells[2])).1
}

/// What is counted of each event, in the order of the page's columns.
fn counted(bill: &Bill) -> [(&'static str, f64); 6] {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = |count: usize| count as f64 / bill.events as f64;
    [
        ("requests to the API", each(bill.posts)),
        ("invocations", each(bill.posts + bill.batches)),
        ("SQS", each(bill.queues.billed)),
        ("items written", each(bill.tables.items)),
        ("units written", each(bill.tables.written)),
        ("units read", each(bill.tables.read)),
    ]
}

/// What a million events cost, in dollars, when functions take as long as the page assumes.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn dollars(bill: &Bill) -> f64 {
    let assumed = |what| number("What is assumed", what, 1);
    let count = |count: usize| count as f64;
    let ingest = count(bill.posts) * assumed("a run of ingest, ms")
        + count(bill.events) * assumed("each event in it, ms");
    let dispatcher = count(bill.batches) * assumed("a run of the dispatcher, ms")
        + count(bill.attempts) * assumed("each attempt in it, ms")
        + count(bill.waiting) * assumed("a receiver's answer, ms");
    let gb_seconds = ingest / 1_000.0 * assumed("memory of ingest, GB")
        + dispatcher / 1_000.0 * assumed("memory of the dispatcher, GB");
    let log = count(bill.posts) * assumed("log of a run of ingest, KB")
        + count(bill.batches) * assumed("log of a run of the dispatcher, KB")
        + count(bill.telling) * assumed("more, where it has events or makes attempts, KB")
        + count(bill.attempts) * assumed("log of an attempt, KB");
    let all = [
        (count(bill.posts), "HTTP API, requests"),
        (count(bill.posts + bill.batches), "Lambda, invocations"),
        (gb_seconds, "Lambda, arm64"),
        (count(bill.queues.billed), "SQS, standard queues, requests"),
        (count(bill.tables.written), "DynamoDB on demand, units written"),
        (count(bill.tables.read), "DynamoDB on demand, units read"),
        (log, "CloudWatch Logs, KB taken in"),
    ];
    let all: f64 = all.iter().map(|(count, what)| count * price(what)).sum();
    all / count(bill.events) * 1e6
}

/// What a million events cost with `EventBridge`, which counts every event and every attempt.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn eventbridge(events: usize, attempts: usize) -> f64 {
    let each = attempts as f64 / events as f64;
    1e6 * (price("EventBridge, custom events")
        + each * price("EventBridge, API destinations, invocations"))
}

/// The page has these figures, to the last digit.
pub(crate) fn says(situation: &str, bill: &Bill) {
    holds(situation, bill, 0.0);
}

/// The page has about these.
pub(crate) fn says_about(situation: &str, bill: &Bill) {
    holds(situation, bill, ABOUT);
}

fn holds(situation: &str, bill: &Bill, about: f64) {
    const COUNTED: &str = "Counted, for each event";
    const DOLLARS: &str = "In dollars, for a million events";

    let mut wrong = Vec::new();
    let mut check = |what: &str, said: f64, is: f64, digits: f64| {
        if (said - is).abs() > is * about + digits {
            wrong.push(format!("{what}: {is}, not {said}"));
        }
    };
    for (column, (what, is)) in (1..).zip(counted(bill)) {
        check(what, number(COUNTED, situation, column), is, 0.000_51);
    }
    check("dollars", number(DOLLARS, situation, 1), dollars(bill), 0.005_1);
    // It knows neither a gate nor when to give up early: it makes an attempt for each event, and
    // as many more as it has to.
    let attempts = match situation {
        "failing receiver: for a day" => 185 * bill.events,
        _ => bill.attempts.max(bill.events),
    };
    let theirs = eventbridge(bill.events, attempts);
    check("EventBridge", number(DOLLARS, situation, 2), theirs, 0.005_1);
    assert!(wrong.is_empty(), "docs/cost.md, {situation}:\n  {}\n{bill:#?}", wrong.join("\n  "));
}

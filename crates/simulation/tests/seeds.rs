//! Does every seed keep every promise, and is a seed all that decides?

use simulation::{run, run_many};

/// How many seeds every test run tries.
const SEEDS: u64 = 2_000;

#[test]
fn no_seed_breaks_a_promise() {
    let summary = run_many(0..SEEDS, 2, None);
    println!("{}", summary.tally);
    let told = |it: &simulation::Outcome| format!("{}\n  {}", it.replay(), it.broken.join("\n  "));
    let failed: Vec<_> = summary.failed.iter().take(5).map(told).collect();
    let first = summary.failed.first().map(|it| run(it.seed, None, true).history.join("\n"));
    assert!(
        summary.failed.is_empty(),
        "{} of {SEEDS} seeds broke a promise:\n{}\n\nthe first of them:\n{}",
        summary.failed.len(),
        failed.join("\n"),
        first.unwrap_or_default(),
    );
    let tally = summary.tally;
    for (what, count) in [
        ("deaths", tally.deaths),
        ("calls that failed", tally.refused),
        ("answers that were lost", tally.unanswered),
        ("conflicts", tally.conflicts),
        ("sendings in part", tally.partial),
        ("messages handed out again", tally.repeated),
        ("panics", tally.panics),
        ("probes", tally.probes),
        ("replays", tally.replays),
        ("jumps of clocks", tally.clock_changes),
    ] {
        assert!(count > SEEDS / 50, "{what}: only {count} in {SEEDS} seeds");
    }
}

#[test]
fn a_seed_decides_everything() {
    for seed in 0..20 {
        let (first, second) = (run(seed, None, true), run(seed, None, true));
        assert!(first.history.len() > 20, "something happens");
        assert_eq!(first, second, "seed {seed}");
    }
}

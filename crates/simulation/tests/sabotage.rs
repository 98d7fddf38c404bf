//! Would the checks notice? Every deliberate fault must be found.

use simulation::{Sabotage, run};

/// How many seeds a fault may take to be found.
const MOST_SEEDS: u64 = 500;

#[test]
fn every_deliberate_fault_is_found() {
    let mut missed = Vec::new();
    for sabotage in Sabotage::ALL {
        let mut seeds = 0..MOST_SEEDS;
        let found = seeds.find_map(|seed| {
            let broken = run(seed, Some(*sabotage), false).broken;
            broken.into_iter().next().map(|broken| (seed + 1, broken))
        });
        match found {
            Some((seeds, broken)) => println!("| `{}` | {seeds} | {broken} |", sabotage.as_str()),
            None => missed.push(sabotage.as_str()),
        }
    }
    assert!(missed.is_empty(), "not found within {MOST_SEEDS} seeds: {missed:?}");
}

#[test]
fn the_crates_page_lists_every_deliberate_fault() {
    let page = include_str!("../src/lib.rs");
    for sabotage in Sabotage::ALL {
        assert!(page.contains(&format!("//! | `{}`: ", sabotage.as_str())), "{sabotage:?}");
    }
}

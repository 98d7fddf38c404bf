//! How long does a gate take: the rules alone, and with a memory that is read and written?

use std::{hint::black_box, num::NonZeroU32, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use embedded::Store;
use hooks::{
    digest::Digest,
    gate::{self, Candidate, GateKey, Memory, Rules},
    id::OccurrenceId,
    ports::{Ledger as _, Remembered},
};
use testkit::{
    builders::{at, gate_key, memory, order},
    fakes::HandClock,
};
use tokio::runtime::Runtime;

const RULES: Rules = Rules { on_change: true, snooze: NonZeroU32::new(60) };

/// An event at that second, which says so.
fn candidate(seconds: i64, said: &str) -> Candidate {
    Candidate {
        occurrence: OccurrenceId::at(at(seconds)),
        order: order(seconds),
        said: Digest::of_texts([said]),
        subject: None,
        again: false,
    }
}

fn rules(criterion: &mut Criterion) {
    let (memory, event) = (memory(0, "a"), candidate(30, "b"));
    criterion.bench_function("gate/snooze and on_change, in memory", |bench| {
        bench.iter(|| gate::decide_all(RULES, black_box(&memory), black_box(&[event])));
    });
}

/// Reads what a gate remembers, decides, and writes where that changes it.
async fn pass(store: &Store, key: &GateKey, event: Candidate) {
    let remembered = store.recall(&[*key]).await.expect("the store answers").pop().flatten();
    let nothing = Remembered { memory: Memory::default(), version: 0 };
    let Remembered { memory, version } = remembered.unwrap_or(nothing);
    let (_, after) = gate::decide_all(RULES, &memory, &[event]);
    if let Some(after) = after {
        store.remember(key, &after, version, None).await.expect("nobody else writes");
    }
}

/// One event after the other: what a group commit saves does not show here.
fn remembered(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let store = Store::open(folder.path(), std::sync::Arc::new(HandClock::default()))
        .expect("an empty folder");
    let mut group = criterion.benchmark_group("gate");
    group.measurement_time(Duration::from_secs(5));

    let key = gate_key();
    runtime.block_on(pass(&store, &key, candidate(0, "a")));
    group.bench_function("snoozed, remembered", |bench| {
        bench.iter(|| runtime.block_on(pass(&store, &key, candidate(30, "b"))));
    });

    let key = gate_key();
    let mut seconds = 0;
    group.bench_function("changed, remembered", |bench| {
        bench.iter(|| {
            seconds += 61;
            runtime.block_on(pass(&store, &key, candidate(seconds, &seconds.to_string())));
        });
    });
    group.finish();
}

criterion_group!(benches, rules, remembered);
criterion_main!(benches);

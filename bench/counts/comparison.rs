//! Which scenarios take more than they did, and which less? Both are said: a gain that is not stored
//! leaves room for a loss that nobody sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// By how much a count may differ, in per cent. From run to run it is not half of one, however busy the machine.
const MOST: f64 = 5.0;

/// A baseline beside what was counted.
#[derive(Debug)]
pub(crate) struct Comparison(Vec<Row>);

#[derive(Debug)]
struct Row {
    name: String,
    /// What was counted; what is in the baseline, where nothing was.
    instructions: u64,
    change: Change,
}

/// What has become of a scenario, in per cent where it has a count then and now.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Within(f64),
    Grown(f64),
    Shrunk(f64),
    /// It is not in the baseline.
    New,
    /// It is in the baseline only.
    Gone,
}

impl Comparison {
    pub(crate) fn of(baseline: &BTreeMap<String, u64>, counted: &BTreeMap<String, u64>) -> Self {
        let names: BTreeSet<_> = baseline.keys().chain(counted.keys()).collect();
        let row = |name: &String| {
            let (then, now) = (baseline.get(name).copied(), counted.get(name).copied());
            let instructions = now.or(then).unwrap_or_default();
            Row { name: name.clone(), instructions, change: Change::between(then, now) }
        };
        Self(names.into_iter().map(row).collect())
    }

    /// Has nothing grown, and is the baseline one of these scenarios?
    pub(crate) fn is_good(&self) -> bool {
        self.0.iter().all(|it| matches!(it.change, Change::Within(_) | Change::Shrunk(_)))
    }

    /// What is to be done, where something is.
    pub(crate) fn advice(&self) -> &'static str {
        if !self.is_good() {
            return "FAILED: something takes over 5 % more than it did, or is not in the baseline, or \
                    only there. `callgrind_annotate target/counts/NAME.out` says where instructions \
                    go (the name with hyphens). If that is worth it: make bench-check STORE=1\n";
        }
        if self.0.iter().any(|it| matches!(it.change, Change::Shrunk(_))) {
            return "something takes over 5 % less than it did; keep it so: \
                    make bench-check STORE=1\n";
        }
        ""
    }
}

impl Change {
    fn between(then: Option<u64>, now: Option<u64>) -> Self {
        let (then, now) = match (then, now) {
            (None, _) => return Self::New,
            (_, None) => return Self::Gone,
            (Some(then), Some(now)) => (then, now),
        };
        match per_cent(then, now) {
            more if more > MOST => Self::Grown(more),
            less if less < -MOST => Self::Shrunk(less),
            much => Self::Within(much),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to a thousandth of a per cent")]
fn per_cent(then: u64, now: u64) -> f64 {
    (now as f64 / then as f64 - 1.0) * 100.0
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Row { name, instructions, change } in &self.0 {
            writeln!(out, "{name:32} {instructions:>12} instructions {change}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(much) => write!(out, "{much:+.2} %"),
            Self::Grown(much) => write!(out, "{much:+.2} % GROWN"),
            Self::Shrunk(much) => write!(out, "{much:+.2} % shrunk"),
            Self::New => out.write_str("NEW"),
            Self::Gone => out.write_str("GONE"),
        }
    }
}

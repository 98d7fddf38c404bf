//! A line of the table that docs/benchmarks.md is made of.

use std::{fmt, fs, path::Path};

use serde_json::{Value, json};

use crate::Result;

/// What was measured, and what was to be reached.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    what: String,
    /// In the order of their size.
    numbers: Vec<f64>,
    unit: &'static str,
    goal: Option<f64>,
    note: String,
}

impl Row {
    /// What came of it each time, at least once.
    pub(crate) fn new(what: impl Into<String>, mut numbers: Vec<f64>, unit: &'static str) -> Self {
        numbers.sort_by(f64::total_cmp);
        Self { what: what.into(), numbers, unit, goal: None, note: String::new() }
    }

    /// What the median is to be at most.
    pub(crate) fn at_most(self, goal: f64) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// What stands beside it.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// As many are below as above; of an even number, the greater one in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.numbers[self.numbers.len() / 2]
    }

    fn json(&self) -> Value {
        json!({
            "section": "Functions",
            "what": self.what,
            "goal": self.goal.map(|it| format!("≤ {it} {}", self.unit)).unwrap_or_default(),
            "least": self.numbers.first(),
            "median": self.median(),
            "most": self.numbers.last(),
            "unit": self.unit,
            "reached": self.goal.map(|it| self.median() <= it),
            "note": self.note,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, unit, note, .. } = self;
        let (least, most) = (self.numbers[0], self.numbers[self.numbers.len() - 1]);
        write!(out, "{what}: {:.2} {unit} ({least:.2} to {most:.2})", self.median())?;
        if let Some(goal) = self.goal {
            let reached = if self.median() <= goal { "reached" } else { "missed" };
            write!(out, ", ≤ {goal} {unit} {reached}")?;
        }
        write!(out, "\n    {note}")
    }
}

/// Writes rows to where the page is made from them.
pub(crate) fn write(folder: &Path, name: &str, rows: &[Row]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let rows: Vec<_> = rows.iter().map(Row::json).collect();
    Ok(fs::write(folder.join(format!("{name}.json")), serde_json::to_string_pretty(&rows)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_median_is_low_enough() {
        for (name, numbers, goal, expected) in [
            ("below", vec![9.0, 1.0, 2.0], Some(2.5), json!(true)),
            ("at it", vec![2.0], Some(2.0), json!(true)),
            ("above", vec![1.0, 3.0, 3.0], Some(2.5), json!(false)),
            ("nothing was promised", vec![1.0], None, Value::Null),
        ] {
            let row = Row { goal, ..Row::new("it", numbers, "ms") };
            assert_eq!(row.json()["reached"], expected, "{name}");
        }
    }
}

//! One line of the table: what every program that measures hands to the one that writes the page.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{failure::Result, spread::Spread};

/// What was measured, and what was to be reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Rows of one section stand together.
    pub(crate) section: String,
    /// What it is.
    pub(crate) what: String,
    /// What is to be reached, in words; empty where nothing was promised.
    pub(crate) goal: String,
    /// Over the rounds.
    pub(crate) least: f64,
    /// Over the rounds.
    pub(crate) median: f64,
    /// Over the rounds.
    pub(crate) most: f64,
    /// Of these three.
    pub(crate) unit: String,
    /// Was it? `None` where nothing was promised.
    pub(crate) reached: Option<bool>,
    /// The figures behind a ratio, how many rounds there were, what limits it.
    pub(crate) note: String,
}

/// What is to be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// No less than that.
    AtLeast(f64),
    /// No more than that.
    AtMost(f64),
    /// Nothing was promised: it is there to be looked at.
    None,
}

impl Row {
    /// A row whose median is held to the goal.
    pub(crate) fn new(section: &str, what: impl Into<String>, spread: Spread, unit: &str) -> Self {
        Self {
            section: section.to_owned(),
            what: what.into(),
            goal: String::new(),
            least: spread.least,
            median: spread.median,
            most: spread.most,
            unit: unit.to_owned(),
            reached: None,
            note: String::new(),
        }
    }

    /// With what is to be reached by the median.
    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        let (sign, number, reached) = match goal {
            Goal::AtLeast(number) => ("≥", number, self.median >= number),
            Goal::AtMost(number) => ("≤", number, self.median <= number),
            Goal::None => return self,
        };
        self.goal = format!("{sign} {} {}", crate::page::figure(number), self.unit);
        self.reached = Some(reached);
        self
    }

    /// With what stands beside it.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// Writes what a section measured to where the page is made from it.
pub(crate) fn write(folder: &Path, name: &str, rows: &[Row]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let file = folder.join(format!("{name}.json"));
    Ok(fs::write(file, serde_json::to_string_pretty(rows)?)?)
}

/// Reads what a section measured last.
pub(crate) fn read(folder: &Path, name: &str) -> Result<Vec<Row>> {
    let file = folder.join(format!("{name}.json"));
    let text = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))?)
}

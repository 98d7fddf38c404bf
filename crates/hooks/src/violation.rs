//! What is wrong with a hook that somebody wants to save, field by field.

use std::fmt;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The field, dotted: `config.url`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// Everything that is wrong; at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// One thing that is wrong.
    pub fn one(field: impl Into<String>, message: impl fmt::Display) -> Self {
        let mut violations = Self::default();
        violations.add(field, message);
        violations
    }

    /// Notes another thing.
    pub fn add(&mut self, field: impl Into<String>, message: impl fmt::Display) {
        self.0.push(Violation { field: field.into(), message: message.to_string() });
    }

    /// Notes everything that somebody else found.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// `Ok` where nothing is wrong.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// All of it, by field.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort();
        sorted.into_iter()
    }
}

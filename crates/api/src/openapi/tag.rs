//! What is an operation about?

use serde_json::{Value, json};

/// What an operation is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tag {
    /// Hooks.
    Hooks,
    /// Deliveries, and sending them again.
    Deliveries,
    /// The catalog.
    Sources,
    /// Taking events in.
    Events,
    /// Messages that could not be processed.
    Poison,
    /// Who may come in.
    Tokens,
    /// How the service is.
    System,
}

impl Tag {
    /// All of them, in the order that the document has them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Hooks,
        Self::Deliveries,
        Self::Sources,
        Self::Events,
        Self::Poison,
        Self::Tokens,
        Self::System,
    ];

    /// Its name in the document.
    pub(crate) fn name(self) -> &'static str {
        self.said().0
    }

    /// The tag, as the document has it.
    pub(crate) fn described(self) -> Value {
        let (name, description) = self.said();
        json!({"name": name, "description": description})
    }

    fn said(self) -> (&'static str, &'static str) {
        match self {
            Self::Hooks => ("hooks", "What is to happen when an event comes."),
            Self::Deliveries => {
                ("deliveries", "What hooks were owed, what became of it, and sending it again.")
            }
            Self::Sources => ("sources", "The catalog: which events there are."),
            Self::Events => ("events", "Where gateways post."),
            Self::Poison => ("poison", "Messages that could not be processed at all."),
            Self::Tokens => ("tokens", "Who may come in."),
            Self::System => ("system", "How the service is."),
        }
    }
}

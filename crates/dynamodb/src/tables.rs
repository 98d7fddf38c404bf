//! Where is everything kept? Four tables, all of the same shape.

use std::fmt;

/// The name of every table's partition key, a text.
pub const PARTITION_KEY: &str = "pk";

/// The name of every table's sort key, a text.
pub const SORT_KEY: &str = "sk";

/// The attribute by which rows of [`Table::Ledger`] age: seconds since 1970. `DynamoDB` deletes
/// late, so that nothing that is read goes by its having been deleted.
pub const TIME_TO_LIVE: &str = "expires";

/// What a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Hooks, their shelves and their lists.
    Hooks,
    /// What was published.
    Catalog,
    /// Access tokens.
    Tokens,
    /// Deliveries, gate memories, claims, health, recoveries, poison.
    Ledger,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hooks, Self::Catalog, Self::Tokens, Self::Ledger];

    /// By which attribute its rows age, if they do.
    pub const fn time_to_live(self) -> Option<&'static str> {
        match self {
            Self::Ledger => Some(TIME_TO_LIVE),
            Self::Hooks | Self::Catalog | Self::Tokens => None,
        }
    }

    /// Was it typed by somebody, so that it must be possible to bring it back? Everything else
    /// ages.
    pub const fn is_configuration(self) -> bool {
        self.time_to_live().is_none()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Hooks => "hooks",
            Self::Catalog => "catalog",
            Self::Tokens => "tokens",
            Self::Ledger => "ledger",
        })
    }
}

/// What the tables of a deployment are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// The name of [`Table::Hooks`].
    pub hooks: String,
    /// The name of [`Table::Catalog`].
    pub catalog: String,
    /// The name of [`Table::Tokens`].
    pub tokens: String,
    /// The name of [`Table::Ledger`].
    pub ledger: String,
}

impl Tables {
    /// What this table is called.
    pub fn name(&self, table: Table) -> &str {
        match table {
            Table::Hooks => &self.hooks,
            Table::Catalog => &self.catalog,
            Table::Tokens => &self.tokens,
            Table::Ledger => &self.ledger,
        }
    }
}

//! Seeds, and deliberate faults.

mod seeds;
mod sabotage;

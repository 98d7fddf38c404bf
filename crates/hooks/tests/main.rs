//! The use cases over the fakes: one world, one deed, one sentence.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]

mod world;

mod delivering;
mod explaining;
mod gating;
mod managing;
mod matching;
mod publishing;

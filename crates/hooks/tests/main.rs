//! The use cases over the fakes: one world, one deed, one sentence.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]

mod world;

mod auditing;
mod closing;
mod delivering;
mod disabling;
mod explaining;
mod filtering;
mod gating;
mod health;
mod judging;
mod managing;
mod matching;
mod operational;
mod publishing;
mod replaying;
mod tokens;

//! The use cases over the fakes: one world, one deed, one sentence.

mod world;

mod delivering;
mod explaining;
mod gating;
mod managing;
mod matching;
mod publishing;

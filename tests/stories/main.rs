//! Event Hooks as its users meet it, and the house as its builders keep it: one module a story, all
//! in one binary.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]

mod console;
mod repository;
mod world;

mod administering;
mod api_docs;
mod delivering;
mod listening;
mod living;
mod misusing;
mod readme;
mod reference;

mod verify_docs;
mod walls;

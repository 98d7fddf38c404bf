//! Event Hooks as its users meet it, and the house as its builders keep it: one module a story, all
//! in one binary.

mod repository;

mod verify_docs;
mod walls;

//! Event Hooks as its users meet it, and the house as its builders keep it: one module a story, all
//! in one binary.

#![expect(clippy::unwrap_used, reason = "in a test a panic is a finding")]

mod console;
mod repository;
mod signature;
mod world;

mod access;
mod administering;
mod api_docs;
mod aws;
mod customising;
mod delivering;
mod enduring;
mod filters_docs;
mod guarantees_docs;
mod killing;
mod lua_docs;
mod listening;
mod living;
mod migrating;
mod misusing;
mod no_room;
mod overload;
mod readme;
mod recovering;
mod reference;
mod scripting;
mod secrets;
mod template;
mod template_docs;
mod verify_docs;
mod walls;

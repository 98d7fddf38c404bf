//! Do both doors keep to the contract? Routes are asked over ports in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers included")]

mod doors;

mod access;
mod any_bytes;
mod arguments;
mod bad_events;
mod bad_hooks;
mod bodies;
mod deliveries;
mod errors;
mod guard;
mod hooks;
mod ingest;
mod intake;
mod openapi;
mod ping_test;
mod poison;
mod replay;
mod roles;
mod routes;
mod sources;
mod tokens;

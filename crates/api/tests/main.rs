//! Do both doors keep to the contract? Routes are asked over ports in memory.

mod doors;

mod access;
mod arguments;
mod bad_input;
mod deliveries;
mod errors;
mod hooks;
mod ingest;
mod ping_test;
mod routes;
mod sources;

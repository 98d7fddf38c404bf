//! The handlers against receivers that listen, and the cases of `tests/conformance`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers included")]

mod world;

mod check;
mod conformance_egress;
mod conformance_signature;
mod egress;
mod sandbox;
mod port;
mod proxy;
mod webhook;
mod hostile;
mod trust;
mod webhook_custom;
mod lambda;

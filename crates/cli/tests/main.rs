//! The real client against the real server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, its helpers included")]

mod world;
mod canned;
mod administering;
mod applying;
mod bringing;
mod interrupting;
mod secrecy;
mod mending;
mod mistakes;
mod sending;
mod following;
mod granting;
mod reaching;
mod typing;

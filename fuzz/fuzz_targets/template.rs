//! Is there a text that a template panics on, or that it prints too much or takes too long for?

#![no_main]

use handlers::template;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/handlers/src/template/tests/anything.rs"]
mod anything;

fuzz_target!(|input: &str| anything::holds(input));

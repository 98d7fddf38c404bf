//! What do the three functions share? How AWS is asked, and what they say of themselves.
//!
//! Reading order: `sdk`; where what is said goes (`telemetry`), as lines (`logs`), numbers (`metrics`)
//! and spans (`xray`); and what all of it is about (`invocation`, `trace`).

mod clock;
mod sdk;

mod telemetry;
mod fields;
mod logs;
mod metrics;
mod xray;

mod invocation;
pub mod trace;

pub use self::{
    clock::SystemClock,
    invocation::{Invocations, Invoked},
    sdk::sdk_config,
    telemetry::{Telemetry, ended},
};

//! Calls that fail because a test wants them to.

use std::{collections::HashMap, hash::Hash, sync::Mutex};

use hooks::ports::{PortError, PortResult};

/// How many of the next calls of each kind are to fail.
#[derive(Debug)]
pub(super) struct Faults<Call>(Mutex<HashMap<Call, u32>>);

impl<Call> Default for Faults<Call> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Call: Eq + Hash> Faults<Call> {
    /// One more of these is to fail.
    pub(super) fn add(&self, call: Call) {
        *super::locked(&self.0).entry(call).or_default() += 1;
    }

    /// Fails, when it is this call's turn to.
    pub(super) fn strike(&self, call: &Call, what: &'static str) -> PortResult<()> {
        match super::locked(&self.0).get_mut(call) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Err(PortError::Unavailable { what, source: "a test wants it to fail".into() })
            }
            _ => Ok(()),
        }
    }
}

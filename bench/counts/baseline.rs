//! What the hot path took when somebody last looked, and on which machine.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Counts by scenario, and what they depend on besides our code.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// What compiled it and what it ran on, by what that is.
    pub(crate) circumstances: BTreeMap<String, String>,
    /// How many instructions each scenario takes.
    pub(crate) instructions: BTreeMap<String, u64>,
}

impl Baseline {
    fn path() -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "baseline.json"].iter().collect()
    }

    /// The one that is stored; an empty one where there is none.
    pub(crate) fn read() -> io::Result<Self> {
        match fs::read(Self::path()) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Stores it in the place of the other.
    pub(crate) fn write(&self) -> io::Result<()> {
        fs::write(Self::path(), serde_json::to_string_pretty(self)? + "\n")
    }

    /// Why nothing that is counted here can be compared with it.
    pub(crate) fn differs_from(&self, here: &BTreeMap<String, String>) -> Option<String> {
        let (what, stored, found) = here.iter().find_map(|(what, found)| {
            let stored = self.circumstances.get(what).map_or("unknown", String::as_str);
            (stored != found).then_some((what, stored, found))
        })?;
        Some(format!(
            "the baseline's {what} is {stored}, and here it is {found}: \
             `make bench-check STORE=1` stores a baseline of this machine"
        ))
    }
}

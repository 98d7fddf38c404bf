//! Can the store still write?

use hooks::ports::PortResult;

use crate::{
    Store, schema,
    writer::{Survives, Terms},
};

impl Store {
    /// Writes what is there already, in a way that survives a power cut: a full disk, a broken one
    /// and a writer that has stopped all show in the answer.
    pub async fn probe(&self) -> PortResult<()> {
        let terms = Terms::asked("the store", Survives::PowerCut, 0);
        self.write(terms, |connection| Ok(schema::write_version_again(connection)?)).await
    }
}

#[cfg(test)]
mod tests;

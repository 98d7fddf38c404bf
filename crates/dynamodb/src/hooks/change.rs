//! What is written when a hook comes, changes or goes?

use aws_sdk_dynamodb::types::TransactWriteItem;
use hooks::{hook::EventHook, name::Workspace};

use super::{
    rows::{self, Place},
    shelf,
};
use crate::{
    fault::Fault,
    item::{Key, Row, number_of},
    transaction::{Condition, Transaction},
};

/// A change of one hook: from what was seen, if there was one, to what is to be there, if anything.
pub(super) struct Change<'a> {
    pub(super) from: Option<&'a Place>,
    pub(super) to: Option<&'a EventHook>,
}

impl Change<'_> {
    /// All of its writes. No item is written twice: that is all that `DynamoDB` asks of them.
    pub(super) fn writes(&self, table: &str) -> Result<Vec<TransactWriteItem>, Fault> {
        let mut all = Transaction::on(table);
        let to = self.to.map(Place::of);
        self.write_hook(&mut all)?;
        self.write_copy(to.as_ref(), &mut all)?;
        self.move_versions(to.as_ref(), &mut all);
        self.write_lists(to.as_ref(), &mut all);
        Ok(all.into_writes())
    }

    fn write_hook(&self, all: &mut Transaction<'_>) -> Result<(), Fault> {
        let condition = self.from.map_or_else(Condition::is_free, is_still);
        match (self.from, self.to) {
            (_, Some(hook)) => all.put_if(rows::row(&rows::hook(hook.id), hook)?, condition),
            (Some(from), None) => all.delete_if(&rows::hook(from.id), condition),
            (None, None) => {}
        }
        Ok(())
    }

    fn write_copy(&self, to: Option<&Place>, all: &mut Transaction<'_>) -> Result<(), Fault> {
        if let (Some(hook), Some(place)) = (self.to, to) {
            all.put(rows::row(&place.copy(), hook)?);
        }
        let left = self.from.map(Place::copy).filter(|it| Some(it) != to.map(Place::copy).as_ref());
        if let Some(left) = left {
            all.delete(&left);
        }
        Ok(())
    }

    fn move_versions(&self, to: Option<&Place>, all: &mut Transaction<'_>) {
        let gone = self.from.map(|it| (&it.shelf, -it.checksum()));
        let come = to.map(|it| (&it.shelf, it.checksum()));
        match (gone, come) {
            (Some((left, minus)), Some((met, plus))) if left == met => {
                shelf::touch(met, plus + minus, all);
            }
            _ => gone.into_iter().chain(come).for_each(|(it, sum)| shelf::touch(it, sum, all)),
        }
    }

    fn write_lists(&self, to: Option<&Place>, all: &mut Transaction<'_>) {
        let gone = self.from.map(listed).unwrap_or_default();
        let come = to.map(listed).unwrap_or_default();
        for key in gone.iter().filter(|it| !come.contains(it)) {
            all.delete(key);
        }
        for key in come.iter().filter(|it| !gone.contains(it)) {
            all.put(Row::at(key));
        }
    }
}

/// The hook that is there is still the one that was seen.
fn is_still(seen: &Place) -> Condition {
    Condition::new(
        "generation = :generation AND version = :version",
        [(":generation", number_of(seen.generation)), (":version", number_of(seen.version))],
    )
}

/// Where it is listed.
fn listed(place: &Place) -> Vec<Key> {
    let workspaces: [Option<&Workspace>; 2] = [None, Some(&place.shelf.workspace)];
    workspaces.map(|it| rows::listed(it, place.id)).into()
}

//! Where is a hook, and what is written there?

use hooks::{
    hook::EventHook,
    id::{Generation, HookId},
    name::Workspace,
    ports::ShelfKey,
};
use uuid::Uuid;

use crate::{
    SORT_KEY,
    fault::Fault,
    item::{self, Item, Key, Row},
};

/// The list of all hooks.
const LIST: &str = "list";

/// What the sort key of a hook on its shelf begins with.
const COPY: &str = "hook#";

/// The hook itself.
pub(super) fn hook(id: HookId) -> Key {
    Key::new(format!("hook#{id}"), "hook")
}

/// Where the hooks of a shelf are. A workspace has no `#` in it.
pub(super) fn shelf(key: &ShelfKey) -> String {
    format!("shelf#{}#{}", key.workspace, key.source)
}

/// The version of a shelf: it sorts before the hooks, so that they are read after it.
pub(super) fn version(key: &ShelfKey) -> Key {
    Key::new(shelf(key), "0")
}

/// The hook on its shelf.
fn copy(key: &ShelfKey, id: HookId) -> Key {
    Key::new(shelf(key), format!("{COPY}{id}"))
}

/// The list of all hooks, or of those of one workspace.
pub(super) fn list(workspace: Option<&Workspace>) -> String {
    workspace.map_or_else(|| LIST.to_owned(), |it| format!("{LIST}#{it}"))
}

/// That there is a hook of this id.
pub(super) fn listed(workspace: Option<&Workspace>, id: HookId) -> Key {
    Key::new(list(workspace), id.to_string())
}

/// Which writing of a hook this is, and on which shelf it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) id: HookId,
    pub(super) generation: Generation,
    pub(super) version: u64,
    pub(super) shelf: ShelfKey,
}

impl Place {
    pub(super) fn of(hook: &EventHook) -> Self {
        let EventHook { id, generation, version, .. } = *hook;
        let (workspace, source) = (hook.workspace.clone(), hook.draft.source.clone());
        Self { id, generation, version, shelf: ShelfKey { workspace, source } }
    }

    /// Reads it beside the hook: one that cannot be read can still be taken away.
    pub(super) fn read(id: HookId, row: &Item) -> Result<Self, Fault> {
        let name = |name| item::text(row, name).map(str::to_owned);
        let workspace = name("workspace")?.try_into().map_err(|_| Fault::lacks("workspace"))?;
        let source = name("source")?.try_into().map_err(|_| Fault::lacks("source"))?;
        Ok(Self {
            id,
            generation: item::number::<u64>(row, "generation")?.into(),
            version: item::number(row, "version")?,
            shelf: ShelfKey { workspace, source },
        })
    }

    /// The hook on its shelf.
    pub(super) fn copy(&self) -> Key {
        copy(&self.shelf, self.id)
    }

    /// What it adds to the checksum of its shelf.
    pub(super) fn checksum(&self) -> i128 {
        checksum(self.id, self.generation, self.version)
    }
}

/// What the hook in this row, if it is one on a shelf, adds to the shelf's checksum.
pub(super) fn checksum_of(row: &Item) -> Result<i128, Fault> {
    let id = item::text(row, SORT_KEY)?.strip_prefix(COPY).and_then(|it| it.parse().ok());
    let id = id.ok_or_else(|| Fault::lacks(SORT_KEY))?;
    let generation = item::number::<u64>(row, "generation")?.into();
    Ok(checksum(id, generation, item::number(row, "version")?))
}

/// A number that another writing of a hook, or another hook, does not have. It is so small that
/// the sum of those of a shelf is exact in `DynamoDB`, which counts with 38 digits.
fn checksum(id: HookId, generation: Generation, version: u64) -> i128 {
    let writing = format!("{generation} {version}");
    i128::from(Uuid::new_v5(id.as_uuid(), writing.as_bytes()).as_u64_pair().0)
}

/// The row of a hook, by its id or on its shelf.
pub(super) fn row(key: &Key, hook: &EventHook) -> Result<Row, Fault> {
    Row::at(key)
        .number("generation", hook.generation)
        .number("version", hook.version)
        .text("workspace", hook.workspace.as_str())
        .text("source", hook.draft.source.as_str())
        .json("body", hook)
}

/// Reads a hook.
pub(super) fn read(row: &Item) -> Result<EventHook, Fault> {
    item::json(row, "body")
}

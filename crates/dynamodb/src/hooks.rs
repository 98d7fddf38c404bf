//! [`HookStore`]: each hook by its id and, in the same step, on its shelf and in the lists.
//!
//! | partition key | sort key | holds |
//! |---|---|---|
//! | `hook#<id>` | `hook` | the hook |
//! | `shelf#<workspace>#<source>` | `0` | the shelf's version, and its [checksum](shelf) |
//! | `shelf#<workspace>#<source>` | `hook#<id>` | the hook once more |
//! | `list`, `list#<workspace>` | `<id>` | that there is a hook of this id |

mod rows;
mod change;
mod shelf;

use async_trait::async_trait;
use hooks::{
    hook::EventHook,
    id::HookId,
    name::Scope,
    ports::{HookStore, Page, PageRequest, PortError, PortResult, Shelf, ShelfKey},
};

use self::{change::Change, rows::Place};
use crate::{
    Dynamo, Table,
    fault::Fault,
    item::{self, Item, Key},
    ledger,
    requests::{Range, Sort},
};

const WHAT: &str = "the hook store";

/// A page ends with the hook with which it reaches this.
const MOST_BYTES: usize = 1024 * 1024;

/// How many hooks of a page are asked for in one request: each may have a third of the page.
const ASKED_AT_ONCE: usize = 25;

impl Dynamo {
    /// Where the hook stands that is there now, if it is of this life and version.
    async fn place(&self, hook: &EventHook, version: u64) -> PortResult<Place> {
        let found = self.get(WHAT, Table::Hooks, &rows::hook(hook.id)).await?;
        let place = found.map(|it| Place::read(hook.id, &it)).transpose();
        let place = place.map_err(|it| it.of(WHAT))?;
        place
            .filter(|it| it.generation == hook.generation && it.version == version)
            .ok_or(PortError::Conflict)
    }

    /// Makes a change, the whole of it or nothing.
    async fn change(&self, change: Change<'_>) -> PortResult<()> {
        let writes = change.writes(&self.tables.hooks).map_err(|it| it.of(WHAT))?;
        self.transact(WHAT, writes).await
    }

    /// Clears away what the gates of a hook that is gone remember. Nobody asks for it any more: its
    /// keys have the generation of the hook. So what is left behind by a crash or a failure does no
    /// harm but stand there, and the hook has been removed all the same.
    async fn clear_gates(&self, hook: &EventHook) {
        let range = Range { pk: ledger::gates(hook.id, hook.generation), ..Range::default() };
        let cleared = async {
            let rows = self.query(WHAT, Table::Ledger, &range).await?;
            let keys = rows.iter().map(Key::of).collect::<Result<Vec<_>, Fault>>();
            self.delete_all(WHAT, Table::Ledger, &keys.map_err(|it| it.of(WHAT))?).await
        };
        if let Err(error) = cleared.await {
            tracing::warn!(hook.id = %hook.id, %error, "gate memories of a removed hook are left");
        }
    }

    /// The hooks of these ids that are there, as far as they fit on a page, and how many of the
    /// ids that took.
    async fn fill(&self, ids: &[HookId], scope: &Scope) -> PortResult<(Vec<EventHook>, usize)> {
        let (mut hooks, mut taken, mut bytes) = (Vec::new(), 0, 0);
        for ids in ids.chunks(ASKED_AT_ONCE) {
            let keys: Vec<_> = ids.iter().copied().map(rows::hook).collect();
            for row in self.get_all(WHAT, Table::Hooks, &keys).await? {
                if bytes >= MOST_BYTES {
                    return Ok((hooks, taken));
                }
                taken += 1;
                bytes += row.as_ref().map_or(0, item::bytes);
                let hook = row.and_then(|it| item::readable([&it], rows::read).pop());
                // The list may be older than the hook: this may be another one of its id.
                hooks.extend(hook.filter(|it| scope.includes(&it.workspace)));
            }
        }
        Ok((hooks, taken))
    }
}

/// Reads the id of a list's row.
fn id(row: &Item) -> Result<HookId, Fault> {
    let id = item::text(row, crate::SORT_KEY)?.parse();
    id.map_err(|_| Fault::lacks(crate::SORT_KEY))
}

#[async_trait]
impl HookStore for Dynamo {
    async fn hook(&self, id: HookId) -> PortResult<Option<EventHook>> {
        let found = self.get(WHAT, Table::Hooks, &rows::hook(id)).await?;
        found.map(|it| rows::read(&it)).transpose().map_err(|it| it.of(WHAT))
    }

    async fn hooks(
        &self,
        scope: &Scope,
        page: PageRequest<HookId>,
    ) -> PortResult<Page<EventHook, HookId>> {
        let workspace = match scope {
            Scope::All => None,
            Scope::Only(workspace) => Some(workspace),
        };
        let size = page.size.max(1);
        let range = Range {
            pk: rows::list(workspace),
            sort: page.after.map_or(Sort::All, |it| Sort::After(it.to_string())),
            // One more, to see whether any follow.
            limit: Some(size + 1),
            attributes: &[],
            descending: false,
        };
        let listed = self.query(WHAT, Table::Hooks, &range).await?;
        let ids = listed.iter().map(id).collect::<Result<Vec<_>, _>>();
        let ids = ids.map_err(|it| it.of(WHAT))?;
        let (items, taken) = self.fill(&ids[..ids.len().min(size)], scope).await?;
        Ok(Page { items, next: (taken < ids.len()).then(|| ids[taken - 1]) })
    }

    async fn insert(&self, hook: &EventHook) -> PortResult<()> {
        self.change(Change { from: None, to: Some(hook) }).await
    }

    async fn replace(&self, hook: &EventHook, seen: u64) -> PortResult<()> {
        let from = self.place(hook, seen).await?;
        self.change(Change { from: Some(&from), to: Some(hook) }).await
    }

    async fn remove(&self, hook: &EventHook) -> PortResult<()> {
        let from = self.place(hook, hook.version).await?;
        self.change(Change { from: Some(&from), to: None }).await?;
        self.clear_gates(hook).await;
        Ok(())
    }

    async fn versions(&self, shelves: &[ShelfKey]) -> PortResult<Vec<u64>> {
        let keys: Vec<_> = shelves.iter().map(rows::version).collect();
        let found = self.get_all(WHAT, Table::Hooks, &keys).await?;
        let versions = found.iter().map(|it| shelf::version(it.as_ref()));
        versions.collect::<Result<_, Fault>>().map_err(|it| it.of(WHAT))
    }

    async fn shelf(&self, key: &ShelfKey) -> PortResult<Shelf> {
        self.read_shelf(key).await
    }
}

//! [`HookStore`]: hooks as JSON, each on its shelf, whose version moves in the same step.

use async_trait::async_trait;
use hooks::{
    hook::EventHook,
    id::HookId,
    name::Scope,
    ports::{HookStore, Page, PageRequest, PortResult, Shelf, ShelfKey},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use crate::{
    Store,
    fault::Fault,
    paging::{self, Placed},
    writer::{Survives, Terms},
};

const WHAT: &str = "the hook store";

/// All hooks, by id.
const LIST: &str = "SELECT id, body FROM hook WHERE id > ?1 ORDER BY id LIMIT ?2";

/// The hooks of a workspace, by id.
const LIST_WORKSPACE: &str =
    "SELECT id, body FROM hook WHERE workspace = ?3 AND id > ?1 ORDER BY id LIMIT ?2";

fn terms(bytes: usize) -> Terms {
    Terms::asked(WHAT, Survives::PowerCut, bytes)
}

/// A hook on its way to the writer.
struct Written {
    id: Uuid,
    generation: i64,
    version: i64,
    shelf: ShelfKey,
    body: String,
}

impl Written {
    fn of(hook: &EventHook) -> PortResult<Self> {
        Ok(Self {
            id: *hook.id.as_uuid(),
            generation: hook.generation.as_u64().cast_signed(),
            version: hook.version.cast_signed(),
            shelf: shelf_of(hook),
            body: serde_json::to_string(hook).map_err(|error| Fault::from(error).of(WHAT))?,
        })
    }

    fn bytes(&self) -> usize {
        self.body.len()
    }

    fn insert(&self, connection: &Connection) -> Result<(), Fault> {
        let inserted = connection
            .prepare_cached(
                "INSERT INTO hook (id, workspace, source, generation, version, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                self.id,
                self.shelf.workspace.as_str(),
                self.shelf.source.as_str(),
                self.generation,
                self.version,
                self.body,
            ])?;
        if inserted == 0 { Err(Fault::Conflict) } else { touch(connection, &self.shelf) }
    }

    /// Takes the row away that is of this version, and answers the shelf that it stood on.
    fn take(&self, connection: &Connection, version: i64) -> Result<ShelfKey, Fault> {
        connection
            .prepare_cached(
                "DELETE FROM hook WHERE id = ?1 AND generation = ?2 AND version = ?3
                 RETURNING workspace, source",
            )?
            .query_row(params![self.id, self.generation, version], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?
            .ok_or(Fault::Conflict)
            .and_then(|(workspace, source)| {
                Ok(ShelfKey { workspace: workspace.try_into()?, source: source.try_into()? })
            })
    }

    fn replace(&self, connection: &Connection, seen: i64) -> Result<(), Fault> {
        let from = self.take(connection, seen)?;
        if from != self.shelf {
            touch(connection, &from)?;
        }
        self.insert(connection)
    }

    fn remove(&self, connection: &Connection) -> Result<(), Fault> {
        let from = self.take(connection, self.version)?;
        connection.prepare_cached("DELETE FROM gate WHERE hook = ?1")?.execute([self.id])?;
        touch(connection, &from)
    }
}

fn shelf_of(hook: &EventHook) -> ShelfKey {
    ShelfKey { workspace: hook.workspace.clone(), source: hook.draft.source.clone() }
}

/// Moves the version of a shelf.
fn touch(connection: &Connection, shelf: &ShelfKey) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT INTO shelf (workspace, source, version) VALUES (?1, ?2, 1)
             ON CONFLICT (workspace, source) DO UPDATE SET version = version + 1",
        )?
        .execute([shelf.workspace.as_str(), shelf.source.as_str()])?;
    Ok(())
}

fn version(connection: &Connection, shelf: &ShelfKey) -> Result<u64, Fault> {
    let version: Option<i64> = connection
        .prepare_cached("SELECT version FROM shelf WHERE workspace = ?1 AND source = ?2")?
        .query_row([shelf.workspace.as_str(), shelf.source.as_str()], |row| row.get(0))
        .optional()?;
    Ok(version.unwrap_or(0).cast_unsigned())
}

/// Reads the body, which comes after the id.
fn read(row: &Row<'_>) -> Result<EventHook, Fault> {
    Ok(serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?)
}

/// A hook beside others: one that cannot be read, as after a rollback, must not hide them.
fn read_among_others(row: &Row<'_>) -> Result<Option<EventHook>, Fault> {
    match read(row) {
        Err(Fault::Unreadable(error)) => {
            tracing::error!(hook.id = %row.get::<_, Uuid>(0)?, %error, "unreadable hook left out");
            Ok(None)
        }
        read => read.map(Some),
    }
}

fn list(
    connection: &Connection,
    scope: &Scope,
    page: PageRequest<HookId>,
) -> Result<Page<EventHook, HookId>, Fault> {
    let after = page.after.as_ref().map_or(&[][..], |id| id.as_uuid().as_bytes());
    let limit = paging::limit(page.size);
    let placed = |row: &Row<'_>| {
        Ok(Placed {
            cursor: HookId::from(row.get::<_, Uuid>(0)?),
            item: read_among_others(row)?,
            bytes: paging::bytes(row, 1)?,
        })
    };
    match scope {
        Scope::All => {
            let mut list = connection.prepare_cached(LIST)?;
            paging::fill(list.query(params![after, limit])?, page.size, placed)
        }
        Scope::Only(workspace) => {
            let mut list = connection.prepare_cached(LIST_WORKSPACE)?;
            paging::fill(list.query(params![after, limit, workspace.as_str()])?, page.size, placed)
        }
    }
}

fn shelf(connection: &Connection, key: &ShelfKey) -> Result<Shelf, Fault> {
    // One transaction, so that the hooks are those of the version.
    let moment = connection.unchecked_transaction()?;
    let version = version(&moment, key)?;
    let mut listed =
        moment.prepare_cached("SELECT id, body FROM hook WHERE workspace = ?1 AND source = ?2")?;
    let hooks = listed
        .query_and_then([key.workspace.as_str(), key.source.as_str()], read_among_others)?
        .filter_map(Result::transpose)
        .collect::<Result<_, Fault>>()?;
    Ok(Shelf { version, hooks })
}

#[async_trait]
impl HookStore for Store {
    async fn hook(&self, id: HookId) -> PortResult<Option<EventHook>> {
        self.read(WHAT, move |connection| {
            let mut found = connection.prepare_cached("SELECT id, body FROM hook WHERE id = ?1")?;
            found.query_and_then([id.as_uuid()], read)?.next().transpose()
        })
        .await
    }

    async fn hooks(
        &self,
        scope: &Scope,
        page: PageRequest<HookId>,
    ) -> PortResult<Page<EventHook, HookId>> {
        let scope = scope.clone();
        self.read(WHAT, move |connection| list(connection, &scope, page)).await
    }

    async fn insert(&self, hook: &EventHook) -> PortResult<()> {
        let hook = Written::of(hook)?;
        self.write(terms(hook.bytes()), move |connection| hook.insert(connection)).await
    }

    async fn replace(&self, hook: &EventHook, seen: u64) -> PortResult<()> {
        let hook = Written::of(hook)?;
        let seen = seen.cast_signed();
        self.write(terms(hook.bytes()), move |connection| hook.replace(connection, seen)).await
    }

    async fn remove(&self, hook: &EventHook) -> PortResult<()> {
        let hook = Written::of(hook)?;
        self.write(terms(0), move |connection| hook.remove(connection)).await
    }

    async fn versions(&self, shelves: &[ShelfKey]) -> PortResult<Vec<u64>> {
        let shelves = shelves.to_vec();
        self.read(WHAT, move |connection| {
            // One transaction, so that the versions are those of one moment.
            let moment = connection.unchecked_transaction()?;
            shelves.iter().map(|shelf| version(&moment, shelf)).collect()
        })
        .await
    }

    async fn shelf(&self, key: &ShelfKey) -> PortResult<Shelf> {
        let key = key.clone();
        self.read(WHAT, move |connection| shelf(connection, &key)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;

    #[test]
    fn lists_seek() {
        plan::assert_seeks(&[LIST, LIST_WORKSPACE]);
    }
}

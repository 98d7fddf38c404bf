//! [`CatalogStore`]: what was published, a row for each pair of names.

use async_trait::async_trait;
use hooks::{
    catalog::Published,
    name::{EventName, SourceName},
    ports::{CatalogStore, PortResult},
};
use rusqlite::Row;

use crate::{
    Store,
    fault::Fault,
    writer::{Survives, Terms},
};

const WHAT: &str = "the catalog";

fn terms(bytes: usize) -> Terms {
    Terms::asked(WHAT, Survives::PowerCut, bytes)
}

fn read(row: &Row<'_>) -> Result<Published, Fault> {
    Ok(Published {
        source: row.get::<_, String>(0)?.try_into()?,
        event: row.get::<_, String>(1)?.try_into()?,
        spec: serde_json::from_str(&row.get::<_, String>(2)?)?,
    })
}

#[async_trait]
impl CatalogStore for Store {
    async fn published(&self) -> PortResult<Vec<Published>> {
        self.read(WHAT, |connection| {
            let mut all = connection.prepare_cached("SELECT source, event, spec FROM published")?;
            all.query_and_then([], read)?.collect()
        })
        .await
    }

    async fn publish(&self, entry: &Published) -> PortResult<()> {
        let spec = serde_json::to_string(&entry.spec).map_err(|it| Fault::from(it).of(WHAT))?;
        let (source, event) = (entry.source.clone(), entry.event.clone());
        self.write(terms(spec.len()), move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO published (source, event, spec) VALUES (?1, ?2, ?3)
                     ON CONFLICT (source, event) DO UPDATE SET spec = excluded.spec",
                )?
                .execute([source.as_str(), event.as_str(), &spec])?;
            Ok(())
        })
        .await
    }

    async fn withdraw(&self, source: &SourceName, event: &EventName) -> PortResult<bool> {
        let (source, event) = (source.clone(), event.clone());
        self.write(terms(0), move |connection| {
            let withdrawn = connection
                .prepare_cached("DELETE FROM published WHERE source = ?1 AND event = ?2")?
                .execute([source.as_str(), event.as_str()])?;
            Ok(withdrawn > 0)
        })
        .await
    }
}

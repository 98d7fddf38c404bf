//! [`CatalogStore`]: what was published, an item for each pair of names, all in one partition.
//!
//! | partition key | sort key | holds |
//! |---|---|---|
//! | `catalog` | `<length of the source>#<source>#<event>` | the entry |

use async_trait::async_trait;
use hooks::{
    catalog::Published,
    name::{EventName, SourceName},
    ports::{CatalogStore, PortError, PortResult},
};

use crate::{
    Dynamo, Table,
    fault::Fault,
    item::{self, Key, Row},
    requests::Range,
    transaction::{Condition, Transaction},
};

const WHAT: &str = "the catalog";

const PARTITION: &str = "catalog";

/// Where the entry of these names is. Both may have any character in them, so that the length
/// says where the source ends.
fn key(source: &SourceName, event: &EventName) -> Key {
    Key::new(PARTITION, format!("{}#{source}#{event}", source.as_str().len()))
}

fn row(entry: &Published) -> Result<Row, Fault> {
    Row::at(&key(&entry.source, &entry.event)).json("body", entry)
}

#[async_trait]
impl CatalogStore for Dynamo {
    async fn published(&self) -> PortResult<Vec<Published>> {
        let range = Range { pk: PARTITION.to_owned(), ..Range::default() };
        let rows = self.query(WHAT, Table::Catalog, &range).await?;
        Ok(item::readable(&rows, |row| item::json(row, "body")))
    }

    async fn publish(&self, entry: &Published) -> PortResult<()> {
        // A transaction, so that a request that arrives late undoes no later publication.
        let mut all = Transaction::on(&self.tables.catalog);
        all.put(row(entry).map_err(|it| it.of(WHAT))?);
        self.transact(WHAT, all.into_writes()).await
    }

    async fn withdraw(&self, source: &SourceName, event: &EventName) -> PortResult<bool> {
        // A transaction, so that it is known as withdrawn when the first answer was lost.
        let mut all = Transaction::on(&self.tables.catalog);
        all.delete_if(&key(source, event), Condition::is_there());
        match self.transact(WHAT, all.into_writes()).await {
            Ok(()) => Ok(true),
            Err(PortError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

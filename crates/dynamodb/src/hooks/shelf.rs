//! Are these hooks the ones that belong to this version?
//!
//! What a transaction has written becomes visible item by item, and a query may meet it half-way:
//! it would answer the new version beside an old hook, and who remembers that would never ask
//! again. So the item of the version has a checksum too, the sum of a number for each hook on the
//! shelf, which moves with the version. Where the hooks that were read come to another sum, the
//! shelf is read again.

use std::time::Duration;

use hooks::{
    hook::EventHook,
    ports::{PortResult, Shelf, ShelfKey},
};

use super::{WHAT, rows};
use crate::{
    Dynamo, SORT_KEY, Table,
    fault::Fault,
    item::{self, Item},
    requests::Range,
    transaction::Transaction,
};

/// How often a shelf is read until its hooks and its checksum agree, and how long is waited before
/// each reading.
const READINGS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(10),
    Duration::from_millis(40),
    Duration::from_millis(160),
];

/// Moves the version of a shelf, and its checksum by this much.
pub(super) fn touch(key: &ShelfKey, checksum: i128, all: &mut Transaction<'_>) {
    all.add(&rows::version(key), [("version", 1), ("checksum", checksum)]);
}

/// The version in a row, 0 where there is no row.
pub(super) fn version(row: Option<&Item>) -> Result<u64, Fault> {
    row.map_or(Ok(0), |row| item::number(row, "version"))
}

/// What was read of a shelf.
struct Reading {
    version: u64,
    hooks: Vec<EventHook>,
    /// Do the hooks belong to the version?
    agrees: bool,
}

impl Reading {
    fn of(rows: Vec<Item>, key: &ShelfKey) -> Result<Self, Fault> {
        let version_key = rows::version(key).sk;
        let is_version = |row: &Item| item::text(row, SORT_KEY).is_ok_and(|it| it == version_key);
        let (head, copies): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_version);
        let head = head.first();
        let expected = head.map_or(Ok(0), |it| item::number::<i128>(it, "checksum"))?;
        let sum = copies.iter().map(rows::checksum_of).sum::<Result<i128, _>>()?;
        Ok(Self {
            version: version(head)?,
            hooks: item::readable(&copies, rows::read),
            agrees: sum == expected,
        })
    }
}

impl Dynamo {
    /// The hooks of a shelf, and a version that they are not older than.
    pub(super) async fn read_shelf(&self, key: &ShelfKey) -> PortResult<Shelf> {
        let range = Range { pk: rows::shelf(key), ..Range::default() };
        let mut last = None;
        for wait in READINGS {
            tokio::time::sleep(wait).await;
            let rows = self.query(WHAT, Table::Hooks, &range).await?;
            let reading = Reading::of(rows, key).map_err(|it| it.of(WHAT))?;
            if reading.agrees {
                return Ok(Shelf { version: reading.version, hooks: reading.hooks });
            }
            last = Some(reading);
        }
        Ok(last.map(|it| unsettled(key, it)).unwrap_or_default())
    }
}

/// Somebody changes this shelf all the time, or has changed its rows by hand. What was read is good
/// for now and not to be remembered: it goes by a version that nobody will ask for.
fn unsettled(key: &ShelfKey, reading: Reading) -> Shelf {
    tracing::warn!(
        workspace = %key.workspace, source = %key.source, version = reading.version,
        "the hooks of a shelf are not those of its version",
    );
    Shelf { version: reading.version.saturating_sub(1), hooks: reading.hooks }
}

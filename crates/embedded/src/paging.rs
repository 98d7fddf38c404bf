//! How much goes on a page? As many rows as were asked for, and no more than a megabyte.

use hooks::ports::Page;
use rusqlite::Rows;

use crate::fault::Fault;

/// A page ends after the row with which it reaches this.
const MOST_BYTES: usize = 1024 * 1024;

/// A row that was read.
pub(crate) struct Placed<T, C> {
    /// What it holds; `None` where that cannot be read: such a row takes its place, empty.
    pub(crate) item: Option<T>,
    /// Where a page begins that follows it.
    pub(crate) cursor: C,
    /// How large it was.
    pub(crate) bytes: usize,
}

/// How many rows to ask for, to see whether any follow a page of this size.
pub(crate) fn limit(size: usize) -> i64 {
    i64::try_from(size).map_or(i64::MAX, |size| size.saturating_add(1))
}

/// Fills a page from rows in order.
pub(crate) fn fill<T, C>(
    mut rows: Rows<'_>,
    size: usize,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<Placed<T, C>, Fault>,
) -> Result<Page<T, C>, Fault> {
    let mut page = Page { items: Vec::new(), next: None };
    let (mut count, mut bytes) = (0, 0);
    let mut last = None;
    while let Some(row) = rows.next()? {
        if count >= size.max(1) || bytes >= MOST_BYTES {
            page.next = last;
            break;
        }
        let placed = read(row)?;
        count += 1;
        bytes += placed.bytes;
        last = Some(placed.cursor);
        page.items.extend(placed.item);
    }
    Ok(page)
}

/// How large the text in this column is.
pub(crate) fn bytes(row: &rusqlite::Row<'_>, column: usize) -> Result<usize, Fault> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?.len())
}

//! Reading a list page by page.

use hooks::ports::{Page, PageRequest, PortResult};

/// More pages than any suite has.
const MOST_PAGES: usize = 1_000;

/// All items of a list, asked for in pages of this size. `between` happens after each page.
pub(super) async fn all<T, C: Copy>(
    size: usize,
    fetch: impl AsyncFn(PageRequest<C>) -> PortResult<Page<T, C>>,
    between: impl AsyncFn() -> PortResult<()>,
) -> PortResult<Vec<T>> {
    let mut items = Vec::new();
    let mut after = None;
    for _ in 0..MOST_PAGES {
        let page = fetch(PageRequest { size, after }).await?;
        assert!(page.items.len() <= size, "a page of {} has {} items", size, page.items.len());
        items.extend(page.items);
        if page.next.is_none() {
            return Ok(items);
        }
        after = page.next;
        between().await?;
    }
    panic!("the list has no end");
}

/// Nothing happens between the pages.
pub(super) async fn quietly() -> PortResult<()> {
    Ok(())
}

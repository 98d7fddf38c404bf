//! docs/filters.md, as somebody reads it who types along. Its table is read by `hooks`' own tests.

use crate::{console, repository, world::World};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_prints_what_the_page_says() {
    if !console::has_curl() {
        println!("skipped: the commands of docs/filters.md, for there is no curl");
        return;
    }
    let world = World::new().await;
    let commands = console::follow(&repository::read("docs/filters.md"), &world, &[]).await;
    assert_eq!(commands, 2);
}

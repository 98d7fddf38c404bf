//! How does a data folder come to be full before the process starts? By the same code that fills it
//! when the process runs: the store, and the rules that publish.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use embedded::Store;
use futures_util::future::try_join_all;
use hooks::{
    handler::Handler,
    hook::{Draft, EventHook},
    id::HookId,
    name::Workspace,
    ports::{Clock, HookStore as _},
    publish::{NewEvent, Posting, Publisher},
    secret::{Secret, Signing},
    time::Timestamp,
};
use testkit::builders::{data, draft, hook, named, source, webhook};

use crate::{event, failure::Result};

/// The time of this machine.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "what is filled in must be as old as it is")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Opens the store in this folder.
pub(crate) fn open(folder: &Path) -> Result<Arc<Store>> {
    Ok(Arc::new(Store::open(folder, Arc::new(MachineClock))?))
}

/// A hook that sends signed webhooks for events of these names.
pub(crate) fn signed((of, name): (&str, &str), url: &str) -> EventHook {
    let Handler::Webhook(mut handler) = webhook(url) else { unreachable!("it makes webhooks") };
    handler.signing = Signing::with(Some(Secret::new("whsec_ZXZlbnQtaG9va3MtYmVuY2htYXJr")));
    let draft = Draft {
        source: source(of),
        event: Some(named(name)),
        handler: Handler::Webhook(handler),
        ..draft()
    };
    EventHook { id: HookId::random(), draft, ..hook() }
}

/// Puts hooks into a folder.
pub(crate) async fn hooks(store: &Store, hooks: &[EventHook]) -> Result<()> {
    for some in hooks.chunks(1_000) {
        try_join_all(some.iter().map(|hook| store.insert(hook))).await?;
    }
    Ok(())
}

/// Puts so many events onto the queue, a hundred in a request.
pub(crate) async fn events(store: &Arc<Store>, names: (&str, &str), count: usize) -> Result<()> {
    const BATCH: usize = 100;

    let new = NewEvent {
        source: source(names.0),
        event: named(names.1),
        data: data(event::data()),
        id: None,
        time: None,
        pid: None,
    };
    let publisher =
        Publisher::new(Arc::clone(store) as _, Arc::clone(store) as _, Arc::new(MachineClock));
    let workspace = Workspace::default_workspace();
    let mut left = count;
    while left > 0 {
        let batches = (0..8).map(|_| {
            let size = left.min(BATCH);
            left -= size;
            publisher.publish(&workspace, vec![new.clone(); size], Posting::default())
        });
        try_join_all(batches.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

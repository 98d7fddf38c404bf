//! What somebody wants of the stores, and what is there before and after, as the stores in memory
//! have it.

use hooks::{
    access::Token,
    catalog::Published,
    hook::{Draft, EventHook},
    name::Scope,
    ports::{CatalogStore, HookStore, PageRequest, PortResult, Shelf, ShelfKey, TokenStore},
};
use testkit::{
    builders::{at, draft, hook, published, source, token, workspace},
    fakes::MemoryStore,
};
use uuid::Uuid;

/// What somebody wants to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    Insert,
    Replace,
    Move,
    Remove,
    Publish,
    Withdraw,
    AddToken,
    RemoveToken,
}

/// All of them.
pub(crate) const DEEDS: [Deed; 8] = [
    Deed::Insert,
    Deed::Replace,
    Deed::Move,
    Deed::Remove,
    Deed::Publish,
    Deed::Withdraw,
    Deed::AddToken,
    Deed::RemoveToken,
];

/// All stores in one.
pub(crate) trait Stores: HookStore + CatalogStore + TokenStore {}

impl<T: HookStore + CatalogStore + TokenStore> Stores for T {}

/// One deed, on things of its own.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) deed: Deed,
    pub(crate) hook: EventHook,
    pub(crate) entry: Published,
    pub(crate) token: Token,
}

/// All that can be read of a case's things.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    hook: Option<EventHook>,
    listed: [Vec<EventHook>; 2],
    shelves: Vec<Shelf>,
    versions: Vec<u64>,
    published: Vec<Published>,
    token: Option<Token>,
    tokens: Vec<Token>,
}

impl Case {
    pub(crate) fn new(deed: Deed) -> Self {
        let name = Uuid::new_v4().to_string();
        Self {
            deed,
            hook: EventHook { workspace: workspace(&name), ..hook() },
            entry: published(&name, "happened"),
            token: token(&name),
        }
    }

    /// What is there before.
    pub(crate) async fn prepare(&self, stores: &dyn Stores) -> PortResult<()> {
        match self.deed {
            Deed::Replace | Deed::Move | Deed::Remove => stores.insert(&self.hook).await,
            Deed::Withdraw => stores.publish(&self.entry).await,
            Deed::RemoveToken => stores.add_token(&self.token).await,
            Deed::Insert | Deed::Publish | Deed::AddToken => Ok(()),
        }
    }

    /// Does it; answers whether there was anything to be done.
    pub(crate) async fn run(&self, stores: &dyn Stores) -> PortResult<bool> {
        let Self { hook, entry, token, .. } = self;
        let moved = Draft { source: source("elsewhere"), ..draft() };
        match self.deed {
            Deed::Insert => stores.insert(hook).await.map(|()| true),
            Deed::Replace => stores.replace(&hook.changed(draft(), at(60)), 1).await.map(|()| true),
            Deed::Move => stores.replace(&hook.changed(moved, at(60)), 1).await.map(|()| true),
            Deed::Remove => stores.remove(hook).await.map(|()| true),
            Deed::Publish => stores.publish(entry).await.map(|()| true),
            Deed::Withdraw => stores.withdraw(&entry.source, &entry.event).await,
            Deed::AddToken => stores.add_token(token).await.map(|()| true),
            Deed::RemoveToken => stores.remove_token(token.id).await,
        }
    }

    pub(crate) async fn state(&self, stores: &dyn Stores) -> PortResult<State> {
        let key = |source| ShelfKey { workspace: self.hook.workspace.clone(), source };
        let keys = [key(self.hook.draft.source.clone()), key(source("elsewhere"))];
        let page = PageRequest { size: 1_000, after: None };
        let only = Scope::Only(self.hook.workspace.clone());
        let mut all = stores.hooks(&Scope::All, page).await?.items;
        all.retain(|it| it.id == self.hook.id);
        let mut published = stores.published().await?;
        published.retain(|it| it.source == self.entry.source);
        let mut tokens = stores.tokens(PageRequest { size: 1_000, after: None }).await?.items;
        tokens.retain(|it| it.id == self.token.id);
        Ok(State {
            hook: stores.hook(self.hook.id).await?,
            listed: [all, stores.hooks(&only, page).await?.items],
            shelves: vec![stores.shelf(&keys[0]).await?, stores.shelf(&keys[1]).await?],
            versions: stores.versions(&keys).await?,
            published,
            token: stores.token(&self.token.hash).await?,
            tokens,
        })
    }

    /// What is there before and after, where nothing goes wrong.
    pub(crate) async fn expected(&self) -> (State, State) {
        let memory = MemoryStore::default();
        self.prepare(&memory).await.expect("memory is there");
        let before = self.state(&memory).await.expect("memory is there");
        assert!(self.run(&memory).await.expect("memory is there"), "{:?}", self.deed);
        let after = self.state(&memory).await.expect("memory is there");
        assert_ne!(before, after, "{:?}", self.deed);
        (before, after)
    }
}

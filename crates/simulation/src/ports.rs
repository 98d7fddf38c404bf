//! The world's side of the ports: what real adapters promise, and not a bit more.

mod queue;
mod ledger;
mod rows;
mod store;
mod receivers;

use std::sync::Arc;

use hooks::{
    ports::{CatalogStore, Clock, Handlers, HookStore, Ledger, TaskQueue},
    time::Timestamp,
};

pub(crate) use self::{
    queue::{Handout, Queues},
    receivers::{Mood, Receivers},
    rows::Rows,
    store::Hooks,
};
use crate::world::{Process, World};

/// All ports, as one process reaches them.
#[derive(Clone)]
pub(crate) struct Port {
    pub(crate) world: World,
    pub(crate) process: Process,
}

impl Port {
    pub(crate) fn new(world: &World, process: Process) -> Arc<Self> {
        Arc::new(Self { world: world.clone(), process })
    }

    /// The same as the trait objects that use cases take.
    pub(crate) fn hooks(self: &Arc<Self>) -> Arc<dyn HookStore> {
        Arc::clone(self) as _
    }

    pub(crate) fn catalog(self: &Arc<Self>) -> Arc<dyn CatalogStore> {
        Arc::clone(self) as _
    }

    pub(crate) fn ledger(self: &Arc<Self>) -> Arc<dyn Ledger> {
        Arc::clone(self) as _
    }

    pub(crate) fn queue(self: &Arc<Self>) -> Arc<dyn TaskQueue> {
        Arc::clone(self) as _
    }

    pub(crate) fn handlers(self: &Arc<Self>) -> Arc<dyn Handlers> {
        Arc::clone(self) as _
    }

    pub(crate) fn clock(self: &Arc<Self>) -> Arc<dyn Clock> {
        Arc::clone(self) as _
    }
}

impl Clock for Port {
    fn now(&self) -> Timestamp {
        self.world.clock(self.process)
    }
}

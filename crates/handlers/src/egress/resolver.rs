//! What does a name lead to, and may one go there?

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use reqwest::dns::{Addrs, Name, Resolving};
use tokio::sync::Semaphore;

use super::policy::Policy;

/// Looks names up.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of a name. Their port is 0, unless the resolver knows one that counts where
    /// the URL has none.
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver that the client connects by. It hands out only what the policy has judged, and
/// the client connects to what was handed out: there is no second lookup to rebind.
pub(super) struct Guarded {
    pub(super) policy: Arc<Policy>,
    pub(super) resolver: Arc<dyn Resolve>,
}

impl reqwest::dns::Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, resolver) = (Arc::clone(&self.policy), Arc::clone(&self.resolver));
        Box::pin(async move {
            let addresses = match policy.localhost(name.as_str()) {
                Some(loopback) => loopback,
                None => resolver.resolve(name.as_str()).await?,
            };
            policy.judge_resolved(name.as_str(), &addresses)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Asks the operating system.
///
/// Its lookups block a thread and cannot be called off, for as long as a name server keeps quiet.
/// So a name is looked up once at a time, whoever asks, and no more than
/// [`MOST_LOOKUPS`] names are: a hook whose name server is dead holds one thread.
pub(super) struct System {
    look_up: fn(&str) -> io::Result<Vec<SocketAddr>>,
    slots: Arc<Semaphore>,
    under_way: Arc<Mutex<HashMap<String, Lookup>>>,
}

const MOST_LOOKUPS: usize = 64;

type Answer = Result<Vec<SocketAddr>, Arc<io::Error>>;
type Lookup = Shared<BoxFuture<'static, Answer>>;

impl System {
    pub(super) fn new() -> Self {
        Self::asking(|name| (name, 0).to_socket_addrs().map(Iterator::collect))
    }

    fn asking(look_up: fn(&str) -> io::Result<Vec<SocketAddr>>) -> Self {
        let slots = Arc::new(Semaphore::new(MOST_LOOKUPS));
        Self { look_up, slots, under_way: Arc::default() }
    }

    /// The lookup of this name that is under way, or a new one.
    fn lookup(&self, name: &str) -> Lookup {
        let mut under_way = lock(&self.under_way);
        if let Some(lookup) = under_way.get(name) {
            return lookup.clone();
        }
        // The lookup takes itself off the list, which waits for the lock that is held here.
        let lookup = self.begin(name.to_owned()).shared();
        under_way.insert(name.to_owned(), lookup.clone());
        lookup
    }

    fn begin(&self, name: String) -> BoxFuture<'static, Answer> {
        let (look_up, slots) = (self.look_up, Arc::clone(&self.slots));
        let under_way = Arc::clone(&self.under_way);
        let task = tokio::spawn(async move {
            let _slot = slots.acquire_owned().await;
            let asked = name.clone();
            let answer = tokio::task::spawn_blocking(move || look_up(&asked)).await;
            lock(&under_way).remove(&name);
            answer.unwrap_or_else(|died| Err(died.into()))
        });
        let answer = async { task.await.unwrap_or_else(|died| Err(died.into())) };
        answer.map(|answer| answer.map_err(Arc::new)).boxed()
    }
}

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        self.lookup(name).await.map_err(|error| io::Error::new(error.kind(), error))
    }
}

fn lock(under_way: &Mutex<HashMap<String, Lookup>>) -> MutexGuard<'_, HashMap<String, Lookup>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_name_is_looked_up_once_at_a_time_and_never_remembered() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let system = System::asking(|name| {
            LOOKUPS.fetch_add(1, Ordering::SeqCst);
            match name {
                "known.example" => Ok(vec![([192, 0, 2, 1], 0).into()]),
                _ => Err(io::ErrorKind::NotFound.into()),
            }
        });

        let lookups: Vec<_> = (0..100).map(|_| system.lookup("known.example")).collect();
        assert!(join_all(lookups).await.into_iter().all(|answer| answer.unwrap().len() == 1));
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1, "one lookup for all who asked at once");

        let error = system.resolve("unknown.example").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        system.resolve("known.example").await.unwrap();
        assert_eq!(LOOKUPS.load(Ordering::SeqCst), 3, "asked again later, looked up again");
        assert!(lock(&system.under_way).is_empty());
    }

    #[tokio::test]
    async fn a_lookup_that_nobody_waits_for_any_more_is_not_begun_twice() {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        static OVER: AtomicBool = AtomicBool::new(false);
        let system = System::asking(|_| {
            BEGUN.fetch_add(1, Ordering::SeqCst);
            while !OVER.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(Vec::new())
        });
        for _ in 0..3 {
            let impatient = Duration::from_millis(20);
            let waited = tokio::time::timeout(impatient, system.resolve("dead.example")).await;
            assert!(waited.is_err(), "it takes longer than anybody waits");
        }
        OVER.store(true, Ordering::SeqCst);
        assert_eq!(system.resolve("dead.example").await.unwrap(), []);
        assert_eq!(BEGUN.load(Ordering::SeqCst), 1);
    }
}

//! How are the handlers of a deployment put together? As its settings say.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism, time::Duration};

use settings::{Environment, Networks, Signature, Switch, Wrong};

use crate::{
    AllHandlers, EgressHttp, LogSink,
    egress::{Egress, EgressError, Policy},
    sandbox::{LuaHttp, Sandbox, SandboxConfig},
    signature::SignatureAlgorithm,
};

/// What a deployment says about its handlers.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The algorithm of `x-kong-signature`.
    pub signature: Signature,
    /// What may be called beside public addresses.
    pub egress_allow: Networks,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// May Lua make requests?
    pub lua_http: Switch,
}

/// How many workers of the sandbox there are at most: each takes some 6 MB.
const MOST_WORKERS: usize = 8;

impl Setup {
    /// As the environment says.
    pub fn read(environment: &Environment) -> Result<Self, Wrong> {
        Ok(Self {
            signature: environment.signature()?,
            egress_allow: environment.egress_allow()?,
            timeout: environment.timeout()?,
            lua_http: environment.lua_http()?,
        })
    }

    /// Handlers that keep to it, and log there.
    pub fn handlers(self, log: LogSink) -> Result<AllHandlers, EgressError> {
        let algorithm = match self.signature {
            Signature::Sha1 => SignatureAlgorithm::Sha1,
            Signature::Sha256 => SignatureAlgorithm::Sha256,
        };
        let egress = Arc::new(Egress::new(Policy::new(self.egress_allow.0), self.timeout)?);
        let sandbox = sandbox(self.lua_http, &egress);
        Ok(AllHandlers::new(egress, algorithm, log, sandbox))
    }
}

/// Scripts compute on as many workers as there are processors; where they may wait for answers,
/// on more.
fn sandbox(http: Switch, egress: &Arc<Egress>) -> Sandbox {
    let processors = available_parallelism().map_or(2, NonZeroUsize::get);
    let (workers, http): (_, Option<Arc<dyn LuaHttp>>) = match http {
        Switch::Off => (processors.clamp(2, MOST_WORKERS), None),
        Switch::On => (MOST_WORKERS, Some(Arc::new(EgressHttp::new(Arc::clone(egress))))),
    };
    Sandbox::new(SandboxConfig { workers, http, ..SandboxConfig::default() })
}

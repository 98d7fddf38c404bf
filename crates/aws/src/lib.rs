//! What the three functions share: SDK settings, logs, metrics, traces, the first token.

mod sdk;

pub use self::sdk::sdk_config;

//! The rules of event hooks and their use cases, without I/O.
//!
//! Reading order: what there is (`event`, `hook`, `handler`, `catalog`), what is decided about it
//! (`matching`, `gate`, `retry`), what is done (`publish`, `dispatch`, `manage`), and what that
//! needs from the world (`ports`).

pub mod event;
pub mod hook;
pub mod handler;
pub mod catalog;

pub mod matching;
pub mod filter;
pub mod digest;
pub mod gate;
pub mod retry;
pub mod health;

pub mod publish;
pub mod in_force;
pub mod dispatch;
pub mod deliver;
pub mod closing;
mod slots;
mod vitals;
pub mod replay;
pub mod poison;
mod operational;
pub mod manage;
pub mod explain;

pub mod delivery;
pub mod task;
pub mod ports;

pub mod access;
pub mod tokens;
mod audit;
pub mod id;
pub mod name;
pub mod secret;
pub mod target_url;
pub mod time;
pub mod trace;
pub mod violation;

//! What can a deployment set? The same settings with the same words, as flags of `local` and as
//! variables in the environment of a function.

mod words;
mod networks;
mod environment;
mod named;

pub use self::{
    environment::{Environment, Wrong},
    named::{DEFAULT_RETENTION_DAYS, DEFAULT_TIMEOUT, RETENTION_DAYS, TIMEOUT},
    networks::{Networks, NotANetwork},
    words::{Signature, Switch, Words},
};

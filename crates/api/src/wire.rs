//! What was meant, and how is it said? Decoding of requests and encoding of answers.

pub mod arguments;
pub mod infer;
mod names;
mod form;
mod multipart;
mod json;
pub(crate) mod query;

pub(crate) mod fields;
pub mod hook;
mod config;
pub(crate) mod described;
pub(crate) mod spec;

pub(crate) mod delivery;
pub(crate) mod range;
pub(crate) mod recovery;
pub(crate) mod poison;
pub(crate) mod token;
pub(crate) mod paging;
pub(crate) mod ran;

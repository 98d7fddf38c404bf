//! What tests of the functions share: AWS as a fake that remembers what it was asked, AWS as servers
//! on this machine, and what Lambda hands over.

pub mod fake;
pub mod servers;
pub mod events;

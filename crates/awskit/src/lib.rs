//! What tests of the functions share: AWS as a fake that remembers what it was asked, AWS as servers
//! on this machine, what Lambda hands over, and what it costs.

pub mod fake;
pub mod rows;
pub mod servers;
pub mod events;
pub mod meter;

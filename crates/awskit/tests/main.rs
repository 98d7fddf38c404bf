//! What does an event cost on AWS? Counted on its way from the post to the receiver; docs/cost.md is
//! held to what comes of it.

mod queues;
mod world;
mod situations;
mod page;

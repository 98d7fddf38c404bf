//! The two queues in Amazon SQS, and what Lambda hands over from them.
//!
//! Both are standard queues: cheap, without a limit of throughput, at least once, in about the
//! order of sending. Nothing here relies on more than that.

mod queue;
mod entry;
mod batch;
mod fault;
mod depth;
mod handed_over;

pub use self::{
    depth::Depth,
    handed_over::{DeadLetters, End, Origin, Origins, Record, answer, records},
    queue::{Queues, SqsQueue},
};

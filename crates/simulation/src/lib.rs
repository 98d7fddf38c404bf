//! Are the promises kept when everything goes wrong that can?
//!
//! The use cases of `hooks` run here over simulated ports, with a seed deciding all that happens:
//! who goes on next, which call fails, is done without an answer or takes its time, which message is
//! handed out twice, late or in another order, which process dies and where, what clocks show, how
//! receivers are, and what administrators change meanwhile. Then trouble ends, everything comes to
//! rest, and each event is accounted for, for each hook that listens to it. At last all receivers are
//! well, all hooks are enabled, and what is left over is sent again: every delivery must arrive.
//!
//! ```text
//! cargo test -p simulation                                    2,000 seeds
//! make simulate SEEDS=100000                                  more of them
//! cargo run -p simulation --bin simulate -- --seed 17         one of them, told step by step
//! cargo run -p simulation --bin simulate -- --sabotage record-first --seeds 50
//! ```
//!
//! A run is one thread, one random number generator and one clock that moves when nobody can go on,
//! so that the same seed is the same story; what is random in `hooks` is drawn from that, too. The
//! ids of recoveries and requests are the exception: nothing depends on their values, only on their
//! being different, or later than those before.
//!
//! # What is judged
//!
//! When it happens (`check/attempts.rs`, `check/circuits.rs`): no attempt is made that the ledger
//! held when its message was handed out, with an older version of the hook than was in force then,
//! for a hook that is disabled or was removed, without a failed attempt before it, before its time,
//! or beyond the schedule; an open circuit lets one probe through for each lease; and where only
//! receivers are ill, a healthy hook's first attempt begins within two seconds.
//!
//! When all is over (`check/accounts.rs`, `check/gates.rs`, `check/replays.rs`): what was accepted is
//! delivered, held, exhausted, parked or cancelled, each for a reason that was seen; nothing is
//! pending; an event with an id ran once; gates told each change once, the latest one always, kept
//! quiet in snoozes and held nothing else; what was asked to be sent again was; and no attempt was
//! repeated more often than messages were.
//!
//! # Would a defect be noticed?
//!
//! Each row undoes one rule in the simulated ports (`sabotage.rs`). The test `sabotage` finds every one
//! of them, and prints this table anew.
//!
//! | deliberate fault | seeds until it was found | seen as |
//! |---|---|---|
//! TABLE
//!
//! # What it cannot tell
//!
//! Real adapters are proved by the suites of `testkit`, not here. Retention, expiry and dead-letter
//! queues are left out: a message is handed out for as long as it takes. Repetitions are kept rare
//! where deliveries wait for hours: a task that goes round in hops is not told from its copy before
//! it is due, so that at the rates that are usual here copies would outgrow any queue.

mod profile;
mod world;
mod executor;
mod ports;
mod process;
mod actors;
mod facts;
mod check;
mod sabotage;
mod tally;
mod run;

pub use self::{
    run::{Outcome, Summary, run, run_many},
    sabotage::Sabotage,
    tally::Tally,
};

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
//! of them, and prints what it saw.
//!
//! | deliberate fault | seeds until it was found | seen as |
//! |---|---|---|
//! | `acknowledge-first`: a message is deleted when it is handed out | 2 | pending for ever, or lost |
//! | `answer-first`: 202 before the queue has the events | 14 | accepted, and never dispatched |
//! | `record-first`: the attempt is recorded before its retry is sent | 3 | pending for ever |
//! | `tail-dropped`: the last one of several tasks is dropped | 1 | lost, or a recovery that sends too little |
//! | `given-up`: what could not be seen through is deleted | 3 | pending for ever, or lost |
//! | `claims-granted`: every claim is answered with yes | 7 | the same id ran twice |
//! | `memory-overwritten`: a gate's memory is written unconditionally | 144 | fired twice, where nothing changed in between |
//! | `passed-forgotten`: a memory without the ids that passed | 5 | held, and nothing fired around it |
//! | `progress-unknown`: the ledger does not say what is done | 2 | an attempt that the ledger held already |
//! | `records-go-back`: the last record wins | 12 | delivered, and it says pending |
//! | `records-dropped`: a record is not written | 1 | lost: attempted, and not in the ledger |
//! | `cancelled-for-parked`: what a disabled hook is owed is cancelled | 3 | cancelled, and the hook was not removed |
//! | `generation-ignored`: a hook made again is taken for the one before | 1 | attempted after the hook was removed |
//! | `stale-hooks`: hooks are those of the first look | 2 | attempted with an old version of the hook |
//! | `endless-retries`: attempts are not counted | 1 | pending for ever: the ledger drops what it holds |
//! | `hasty-retries`: retries are due in a tenth of the time | 1 | too early |
//! | `health-overwritten`: health is written unconditionally | 95 | two probes at once |
//! | `one-connection`: attempts of a process wait for each other | 1 | a healthy hook waits for a hanging one |
//! | `runs-ignored`: what is sent again keeps its old run | 2 | pending for ever |
//!
//! # What it cannot tell
//!
//! Real adapters are proved by the suites of `testkit`, not here. Retention, expiry and dead-letter
//! queues are left out: a message is handed out for as long as it takes. Repetitions are kept rare
//! where deliveries wait for hours: a task that goes round in hops is not told from its copy before
//! it is due, so that at the rates that are usual here copies would outgrow any queue.
//! Where clocks disagree, a recovery leaves out what ended before it by one clock and after it by
//! another; that is not judged.

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

//! How much of what could go wrong did?

use std::{fmt, ops::AddAssign};

macro_rules! tally {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// Counts of what happened in a run, or in many.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Tally {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl AddAssign for Tally {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl fmt::Display for Tally {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(out, "{:>10}  {}", self.$name, $text)?;)*
                Ok(())
            }
        }
    };
}

tally! {
    /// Events that the queue took.
    events => "events",
    /// Runs of handlers.
    attempts => "attempts",
    /// Of these, those that did not succeed.
    failures => "failed attempts",
    /// Handlers that panicked.
    panics => "panics of handlers",
    /// Processes that died.
    deaths => "deaths of processes",
    /// Calls that failed, having done nothing.
    refused => "calls that failed",
    /// Calls that were done, and said that they failed.
    unanswered => "calls that were done and whose answer was lost",
    /// Calls that found that somebody else was faster.
    conflicts => "conflicts",
    /// Sendings of which the queue took a part, and said that it failed.
    partial => "sendings that were taken in part",
    /// Messages that were handed out more than once.
    repeated => "messages handed out again",
    /// Changes of hooks.
    changes => "changes of hooks",
    /// Deliveries that were sent again on request, one by one or in a recovery.
    replays => "redeliveries and recoveries",
    /// Events that a gate let pass or held, where that was judged.
    gated => "gated events judged",
    /// Probes of open circuits.
    probes => "probes of open circuits",
    /// Clocks that were put forward or back.
    clock_changes => "jumps of clocks",
    /// Deliveries of which every one was accounted for.
    accounted => "pairs of event and hook accounted for",
    /// How often a future was polled.
    polls => "polls",
}

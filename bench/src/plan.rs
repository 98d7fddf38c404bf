//! How much is measured? All of it in one place, for `bench all` is to end within a quarter of an
//! hour: about ten minutes by these numbers, and criterion and the functions come on top.

use std::time::Duration;

/// How long each side posts in a round of accepting.
pub(crate) const ACCEPTING: Duration = Duration::from_secs(2);

/// How many events wait in the queue when the process starts.
pub(crate) const FILLED: u32 = 30_000;

/// How long events come in while they are delivered, in a round.
pub(crate) const WHILE_ACCEPTING: Duration = Duration::from_secs(4);

/// How many events are posted one at a time in each round.
pub(crate) const ONE_AT_A_TIME: u64 = 200;

/// How long half of the load goes on in each round.
pub(crate) const HALF_LOAD: Duration = Duration::from_secs(3);

/// For how long more is offered than can be delivered.
pub(crate) const OFFERED: Duration = Duration::from_secs(5);

/// How many fresh events are posted beside retries.
pub(crate) const FRESH: u64 = 200;

/// How long an hour's worth of events may take here; what comes in this time is what is measured.
pub(crate) const MANY_EVENTS: Duration = Duration::from_mins(1);

/// How many deliveries are made in a round with few or many hooks.
pub(crate) const MADE: usize = 2_000;

/// How many deliveries stand in the log. To put them there takes longest of all: about a minute.
pub(crate) const LOGGED: [usize; 2] = [100, 1_000_000];

/// How many pages of the log are read in a round.
pub(crate) const PAGES: usize = 100;

/// How often the process is started.
pub(crate) const STARTS: usize = 20;

//! Would a defect be noticed? One rule each is undone here, in the simulated ports.

macro_rules! sabotage {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// A deliberate fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Sabotage {
            $($(#[$doc])* $name,)*
        }

        impl Sabotage {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As commands and tables name it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The one of this name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == name)
            }
        }
    };
}

sabotage! {
    /// A message is deleted when it is handed out, not when it is done with.
    AcknowledgeFirst => "acknowledge-first",
    /// The answer is 202 before the queue has the events.
    AnswerFirst => "answer-first",
    /// The attempt is recorded before its retry is sent.
    RecordFirst => "record-first",
    /// Of several tasks that are sent at once, the last one is dropped.
    TailDropped => "tail-dropped",
    /// What could not be seen through is deleted instead of given back.
    GivenUp => "given-up",
    /// Every claim is answered with yes.
    ClaimsGranted => "claims-granted",
    /// A gate's memory is written without looking whether it has changed.
    MemoryOverwritten => "memory-overwritten",
    /// A gate's memory forgets which events it let pass.
    PassedForgotten => "passed-forgotten",
    /// The ledger does not say how far deliveries have come.
    ProgressUnknown => "progress-unknown",
    /// The last record wins, whatever it says.
    RecordsGoBack => "records-go-back",
    /// The ledger says that it wrote a record, and did not.
    RecordsDropped => "records-dropped",
    /// What a disabled hook is owed is cancelled.
    CancelledForParked => "cancelled-for-parked",
    /// A hook that was made again is taken for the one that was deleted.
    GenerationIgnored => "generation-ignored",
    /// What is known of hooks is as old as the first look at them.
    StaleHooks => "stale-hooks",
    /// Attempts are not counted.
    EndlessRetries => "endless-retries",
    /// Retries are due in a tenth of the time.
    HastyRetries => "hasty-retries",
    /// A hook's health is written without looking whether it has changed.
    HealthOverwritten => "health-overwritten",
    /// All attempts of a process share one connection.
    OneConnection => "one-connection",
    /// What is sent again is sent as the run that it was in at first.
    RunsIgnored => "runs-ignored",
}

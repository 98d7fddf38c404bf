//! How is this process set up? Flags and environment, read once.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
    error::ContextKind,
};
use hooks::deliver::DeliveryLog;
use settings::{Networks, Signature, Switch, Words};

/// The environment variable of the first admin token. It has no flag: a process' arguments are
/// everybody's to read.
pub(crate) const ADMIN_TOKEN: &str = "EVENT_HOOKS_ADMIN_TOKEN";

const ABOUT_TOKEN: &str = "\
Environment only:
  EVENT_HOOKS_ADMIN_TOKEN  the token that requests must show in the header Kong-Admin-Token.
                           Without it everybody may do everything, so --listen must then be a
                           loopback address
  EVENT_HOOKS_LOG          which log lines are shown, as tracing-subscriber filters
                           [default: info]";

/// Event Hooks as one process: tells the outside world what happens inside an API gateway.
#[derive(Debug, Parser)]
#[command(name = "event-hooks", version, after_help = ABOUT_TOKEN, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What this program can do beside serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Receive webhooks: print each request and whether its signatures hold
    Listen(Listen),
}

/// Settings of the server.
#[derive(Debug, Clone, Args)]
pub(crate) struct Serve {
    /// Where admin API and ingest listen
    #[arg(
        long,
        env = "EVENT_HOOKS_LISTEN",
        default_value = "127.0.0.1:8001",
        value_name = "ADDRESS"
    )]
    pub(crate) listen: SocketAddr,

    /// The folder that everything is remembered in; made if it is not there
    #[arg(long, env = "EVENT_HOOKS_DATA", default_value = "data", value_name = "FOLDER")]
    pub(crate) data: PathBuf,

    /// Networks that hooks may call although they are loopback, private or reserved, separated by
    /// commas. A value replaces the default; an empty one allows none
    #[arg(
        long,
        env = "EVENT_HOOKS_EGRESS_ALLOW",
        default_value = "127.0.0.0/8,::1/128",
        value_name = "NETWORKS"
    )]
    pub(crate) egress_allow: Networks,

    /// How log lines look: pretty for people, json for machines, auto: pretty on a terminal
    #[arg(long, env = "EVENT_HOOKS_LOG_FORMAT", default_value = "auto", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,

    /// How many deliveries of each queue are worked on at once, give or take a batch
    #[arg(
        long,
        env = "EVENT_HOOKS_WORKERS",
        default_value_t = 2_048,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u16).range(1..=50_000)
    )]
    pub(crate) workers: u16,

    /// How many MiB of events may wait to be dispatched. While as many do, further ones are refused
    /// with 429
    #[arg(
        long,
        env = "EVENT_HOOKS_QUEUE_LIMIT",
        default_value_t = 1_024,
        value_name = "MIB",
        value_parser = clap::value_parser!(u32).range(1..=1_048_576)
    )]
    pub(crate) queue_limit: u32,

    /// The algorithm of x-kong-signature
    #[arg(long, env = "EVENT_HOOKS_SIGNATURE", default_value = "sha1", value_name = "ALGORITHM", value_parser = one_of::<Signature>())]
    pub(crate) signature: Signature,

    /// Do new hooks check their receiver's certificate, where they do not say?
    #[arg(
        long,
        env = "EVENT_HOOKS_SSL_VERIFY_DEFAULT",
        default_value_t = false,
        action = clap::ArgAction::Set,
        value_name = "BOOLEAN"
    )]
    pub(crate) ssl_verify_default: bool,

    /// Which deliveries are kept in the log
    #[arg(long, env = "EVENT_HOOKS_DELIVERY_LOG", default_value = "all", value_name = "WHICH", value_parser = one_of::<DeliveryLog>())]
    pub(crate) delivery_log: DeliveryLog,

    /// For how many days they are kept
    #[arg(
        long,
        env = "EVENT_HOOKS_RETENTION_DAYS",
        default_value_t = settings::DEFAULT_RETENTION_DAYS,
        value_name = "DAYS",
        value_parser = number_of(settings::RETENTION_DAYS)
    )]
    pub(crate) retention_days: u16,

    /// May Lua make requests, with resty.http, through the same door as webhooks?
    #[arg(long, env = "EVENT_HOOKS_LUA_HTTP", default_value = "off", value_name = "SWITCH", value_parser = one_of::<Switch>())]
    pub(crate) lua_http: Switch,

    /// How many seconds an attempt may take in all
    #[arg(
        long,
        env = "EVENT_HOOKS_TIMEOUT",
        default_value_t = settings::DEFAULT_TIMEOUT,
        value_name = "SECONDS",
        value_parser = number_of(settings::TIMEOUT)
    )]
    pub(crate) timeout: u16,
}

impl Serve {
    /// How long an attempt may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// How many bytes of events may wait.
    pub(crate) fn queue_limit(&self) -> u64 {
        u64::from(self.queue_limit) * 1024 * 1024
    }

    /// How long deliveries are kept.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_hours(24) * u32::from(self.retention_days)
    }
}

/// Settings of the receiver.
#[derive(Debug, Clone, Args)]
pub(crate) struct Listen {
    /// Where to listen
    #[arg(long = "listen", default_value = "127.0.0.1:9000", value_name = "ADDRESS")]
    pub(crate) address: SocketAddr,

    /// The hook's config.secret; signatures are checked where it is given
    #[arg(long, env = "EVENT_HOOKS_LISTEN_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub(crate) secret: Option<String>,

    /// The status to answer with: try 503 to see deliveries being tried again
    #[arg(
        long,
        default_value_t = 200,
        value_name = "STATUS",
        value_parser = clap::value_parser!(u16).range(200..=599)
    )]
    pub(crate) status: u16,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people on a terminal, for machines elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// A flag that is one of a few words.
fn one_of<T: Words>() -> impl TypedValueParser<Value = T> {
    let words = PossibleValuesParser::new(T::WORDS.iter().map(|(word, _)| *word));
    words.map(|word| T::from_word(&word).expect("it is one of them"))
}

/// A flag that is a number of a range.
fn number_of(range: RangeInclusive<u16>) -> impl TypedValueParser<Value = u16> {
    clap::value_parser!(u16).range(i64::from(*range.start())..=i64::from(*range.end()))
}

/// Reads flags and environment. Help, version and wrong values are printed, and end the process.
pub(crate) fn read() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| {
        let variable = variable_behind(&error, std::env::args());
        let _ = error.print();
        if let Some(variable) = variable {
            let _ = clap::error::Error::<clap::error::RichFormatter>::raw(
                error.kind(),
                format!("the value comes from the environment variable {variable}\n"),
            )
            .print();
        }
        std::process::exit(error.exit_code())
    })
}

/// The environment variable that a wrong value came from, if it did not come from a flag.
fn variable_behind(error: &clap::Error, args: impl Iterator<Item = String>) -> Option<String> {
    let flag = error.get(ContextKind::InvalidArg)?.to_string();
    let flag = flag.split(' ').next()?.to_owned();
    let given = args.into_iter().any(|arg| arg.split('=').next() == Some(&flag));
    let name = flag.strip_prefix("--")?.replace('-', "_").to_uppercase();
    let variable = format!("EVENT_HOOKS_{name}");
    (!given && std::env::var_os(&variable).is_some()).then_some(variable)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}

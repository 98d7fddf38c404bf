//! Where does what a function says go? Lines and numbers to CloudWatch, by standard output; spans,
//! where that is wanted, to X-Ray.

use std::{
    io::{Write as _, stdout},
    net::SocketAddr,
    panic,
    process::ExitCode,
    sync::Arc,
};

use ::metrics::set_global_recorder;
use serde_json::json;
use settings::{Environment, Words, Wrong};
use tracing_subscriber::{
    Layer as _, filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{
    SystemClock,
    invocation::{Counted, Invocations},
    logs::Lines,
    metrics::Metrics,
    xray::{self, XRay},
};

const LOG: &str = "EVENT_HOOKS_LOG";
const TRACE: &str = "EVENT_HOOKS_TRACE";
const DAEMON: &str = "AWS_XRAY_DAEMON_ADDRESS";
const FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// Who records traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tracer {
    Nobody,
    XRay,
}

impl Words for Tracer {
    const WORDS: &'static [(&'static str, Self)] = &[("off", Self::Nobody), ("xray", Self::XRay)];
}

/// Logs, metrics and traces, on their way from now on.
pub struct Telemetry {
    metrics: Arc<Metrics>,
}

impl Telemetry {
    /// Sends them where the environment says.
    pub fn start(environment: &Environment) -> Result<Self, Wrong> {
        let filter = filter(environment)?;
        let daemon = daemon(environment)?;
        let function = environment.optional_text(FUNCTION_NAME)?.unwrap_or_default();
        let clock = Arc::new(SystemClock);

        let lines = Lines::new(stdout, clock.clone()).with_filter(filter);
        let spans = daemon.and_then(|daemon| XRay::start(daemon, clock.clone()).ok());
        let spans = spans.map(|it| it.with_filter(xray::wanted()));
        // Each is refused where there is one already: what runs twice in a process is a test.
        let _ = tracing_subscriber::registry().with(lines).with(spans).try_init();
        // A panic is caught somewhere, and answered; that it was one is said here.
        panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
        let metrics = Arc::new(Metrics::new(function, clock, Box::new(stdout())));
        let _ = set_global_recorder(Arc::clone(&metrics));
        Ok(Self { metrics })
    }

    /// What all invocations of the runtime are to go through.
    pub fn invocations(&self) -> Invocations {
        Invocations
    }

    /// What is to write down, with each of its answers, what was counted for it.
    pub fn counted<S>(&self, service: S) -> Counted<S> {
        Counted::new(service, Arc::clone(&self.metrics))
    }
}

/// How a function's process ends: with a line that says why, where it should not have.
pub fn ended(result: Result<(), lambda_runtime::Error>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    // It may be that very line's place that is not there: nothing is tried twice.
    let line = json!({"level": "ERROR", "message": format!("cannot run: {error}")});
    let _ = writeln!(stdout(), "{line}");
    ExitCode::FAILURE
}

fn filter(environment: &Environment) -> Result<Targets, Wrong> {
    let filter = environment.optional_text(LOG)?.unwrap_or_else(|| "info".to_owned());
    filter.parse().map_err(|_| Wrong::Value {
        variable: LOG.to_owned(),
        value: filter,
        allowed: "a level such as info or debug, or levels of targets: info,hooks=debug".to_owned(),
    })
}

/// Where X-Ray listens, if it is to.
fn daemon(environment: &Environment) -> Result<Option<SocketAddr>, Wrong> {
    const WANTED: &str = "the address of X-Ray's daemon, as Lambda does, or EVENT_HOOKS_TRACE to \
                          off";
    if environment.word(TRACE, Tracer::Nobody)? == Tracer::Nobody {
        return Ok(None);
    }
    let address = environment.text(DAEMON, WANTED)?;
    address.parse().map(Some).map_err(|_| Wrong::Value {
        variable: DAEMON.to_owned(),
        value: address,
        allowed: WANTED.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_go_to_the_daemon_where_that_is_wanted() {
        let address = ("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000");
        for (name, variables, expected) in [
            ("not set", &[][..], Ok(None)),
            ("off", &[("EVENT_HOOKS_TRACE", "off"), address], Ok(None)),
            ("on", &[("EVENT_HOOKS_TRACE", "xray"), address], Ok(Some(2000))),
            ("nowhere to go", &[("EVENT_HOOKS_TRACE", "xray")], Err(DAEMON)),
            (
                "a name",
                &[("EVENT_HOOKS_TRACE", "xray"), ("AWS_XRAY_DAEMON_ADDRESS", "x:2000")],
                Err(DAEMON),
            ),
            ("something else", &[("EVENT_HOOKS_TRACE", "jaeger"), address], Err(TRACE)),
        ] {
            let found = daemon(&Environment::of(variables)).map(|it| it.map(|it| it.port()));
            let found = found.map_err(|wrong| wrong.to_string());
            let found = found.as_ref().map_err(|it| it.split(' ').next().unwrap());
            assert_eq!(found, expected.as_ref().map_err(|it| *it), "{name}");
        }
    }

    #[test]
    fn a_filter_that_is_none_stops_the_start() {
        assert!(filter(&Environment::of(&[("EVENT_HOOKS_LOG", "warn,hooks=debug")])).is_ok());
        let wrong = filter(&Environment::of(&[("EVENT_HOOKS_LOG", "info=loud")])).unwrap_err();
        assert!(wrong.to_string().starts_with("EVENT_HOOKS_LOG is 'info=loud'"), "{wrong}");
    }
}

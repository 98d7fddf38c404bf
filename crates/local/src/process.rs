//! The server's life: open, listen, serve, drain.

use std::{env::VarError, io::stderr, sync::Arc, time::Duration};

use api::{Admin, Auth, Front, Ingest};
use embedded::Store;
use handlers::{LogSink, Setup};
use hooks::{
    access::TokenHash,
    deliver::Logging,
    dispatch::{Dispatcher, Ports},
    explain::Explainer,
    manage::Hooks,
    poison::Poisons,
    ports::Handlers,
    publish::{Publisher, Sources},
    replay::Replays,
    task::Queue,
    tokens::Tokens,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::{
    clock::SystemClock,
    config::{ADMIN_TOKEN, Serve},
    intake::QueueLimit,
    logging, metrics,
    probe::StoreProbe,
    say, serve,
    worker::Worker,
};

/// How often expired rows are removed, and how many at a time.
const SWEEP: (Duration, usize) = (Duration::from_secs(30), 200);

/// Serves until SIGTERM or Ctrl-C, then drains: no new requests, running attempts end within ten
/// seconds, the rest stays queued.
pub(crate) async fn run(config: Serve) -> Result<(), String> {
    let pretty = logging::is_pretty(config.log_format);
    let _log = logging::start(pretty)?;
    let token = admin_token(&config)?;
    let handlers = handlers(&config, pretty)?;
    let store = Store::open(&config.data, Arc::new(SystemClock)).map_err(|it| it.to_string())?;
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error}; choose another --listen", config.listen)
    })?;
    let counted = metrics::start(store.clone(), config.queue_limit())?;

    let (stop, stopped) = watch::channel(false);
    let dispatcher = Arc::new(dispatcher(&config, &store, &handlers));
    let workers: Vec<_> = [Queue::Events, Queue::Retries]
        .map(|queue| Worker {
            queue,
            store: store.clone(),
            dispatcher: Arc::clone(&dispatcher),
            in_flight: config.workers.into(),
        })
        .map(|worker| tokio::spawn(worker.run(stopped.clone())))
        .into();
    let sweeping = tokio::spawn(sweep(store.clone()));
    let front = front(&config, &store, &handlers, token.as_deref(), counted);
    welcome(&config, &listener, token.is_some());

    let serving = tokio::spawn(serve::serve(listener, api::router(front), stopped));
    asked_to_stop().await.map_err(|error| format!("cannot wait for signals: {error}"))?;
    tracing::info!("stopping: no new requests, running attempts may end");
    let _ = stop.send(true);
    for ended in workers.into_iter().chain([serving]) {
        ended.await.map_err(|error| error.to_string())?;
    }
    sweeping.abort();
    Ok(())
}

/// The first admin token. Without one the server must not be reachable from elsewhere.
fn admin_token(config: &Serve) -> Result<Option<String>, String> {
    let token = token_in(std::env::var(ADMIN_TOKEN))?;
    if token.is_none() && !config.listen.ip().is_loopback() {
        return Err(format!(
            "--listen {} can be reached from elsewhere, and without {ADMIN_TOKEN} everybody could \
             do everything: set {ADMIN_TOKEN}, or listen on a loopback address",
            config.listen
        ));
    }
    Ok(token)
}

/// The token that the variable holds. One that is set and holds none is a mistake that must not
/// open the doors it was to shut.
fn token_in(variable: Result<String, VarError>) -> Result<Option<String>, String> {
    let wrong = match variable {
        Err(VarError::NotPresent) => return Ok(None),
        Ok(token) if !token.trim().is_empty() => return Ok(Some(token)),
        Ok(_) => "is empty",
        Err(VarError::NotUnicode(_)) => "is not UTF-8",
    };
    Err(format!("{ADMIN_TOKEN} {wrong}: set it to a token, or unset it to run without one"))
}

fn handlers(config: &Serve, pretty: bool) -> Result<Arc<dyn Handlers>, String> {
    let log = if pretty {
        LogSink::pretty(Box::new(stderr()))
    } else {
        LogSink::json(Box::new(stderr()))
    };
    let setup = Setup {
        signature: config.signature,
        egress_allow: config.egress_allow.clone(),
        timeout: config.timeout(),
        lua_http: config.lua_http,
    };
    let handlers = setup.handlers(log);
    Ok(Arc::new(handlers.map_err(|error| format!("cannot set up outgoing requests: {error}"))?))
}

fn dispatcher(config: &Serve, store: &Store, handlers: &Arc<dyn Handlers>) -> Dispatcher {
    let ports = Ports {
        hooks: Arc::new(store.clone()),
        catalog: Arc::new(store.clone()),
        ledger: Arc::new(store.clone()),
        queue: Arc::new(store.clone()),
        handlers: Arc::clone(handlers),
        clock: Arc::new(SystemClock),
    };
    let logging = Logging { log: config.delivery_log, retention: config.retention() };
    Dispatcher::new(ports, logging)
}

fn front(
    config: &Serve,
    store: &Store,
    handlers: &Arc<dyn Handlers>,
    token: Option<&str>,
    counted: PrometheusHandle,
) -> Front {
    let clock = Arc::new(SystemClock);
    let intake = QueueLimit::new(store.clone(), clock.clone(), config.queue_limit());
    let store = Arc::new(store.clone());
    let publisher = Arc::new(Publisher::new(store.clone(), store.clone(), clock.clone()));
    let explainer = Arc::new(Explainer::new(
        Arc::clone(&publisher),
        store.clone(),
        store.clone(),
        store.clone(),
        clock.clone(),
    ));
    let hooks = Hooks::new(store.clone(), store.clone(), Arc::clone(handlers), clock.clone());
    let replays = Replays::new(
        store.clone(),
        store.clone(),
        store.clone(),
        clock.clone(),
        config.retention(),
    );
    let poisons = Poisons::new(store.clone(), store.clone(), clock.clone());
    let auth = match token {
        Some(token) => Auth::guarded(Arc::new(TokenHash::of(token)), store.clone(), clock.clone()),
        None => Auth::open(),
    };
    Front {
        admin: Admin {
            hooks: Arc::new(hooks),
            sources: Arc::new(Sources::new(store.clone())),
            ledger: store.clone(),
            replays: Arc::new(replays),
            poisons: Arc::new(poisons),
            explainer: Arc::clone(&explainer),
            tokens: Arc::new(Tokens::new(store.clone(), clock.clone())),
            clock,
            defaults: api::wire::hook::Defaults { ssl_verify: config.ssl_verify_default },
        },
        ingest: Ingest { publisher, explainer: Some(explainer), intake: Some(Arc::new(intake)) },
        auth,
        probe: Arc::new(StoreProbe((*store).clone())),
        metrics: Some(Arc::new(move || counted.render())),
    }
}

/// Removes what has expired, a little at a time.
async fn sweep(store: Store) {
    let (pause, most) = SWEEP;
    loop {
        tokio::time::sleep(pause).await;
        // As long as there is a full slice to remove, with room for others in between.
        let mut removed = Ok(most);
        while removed.as_ref().is_ok_and(|removed| *removed >= most) {
            removed = store.sweep(most).await;
        }
        if let Err(error) = removed {
            tracing::warn!(%error, "expired rows not removed");
        }
    }
}

async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

fn welcome(config: &Serve, listener: &TcpListener, with_token: bool) {
    let address = listener.local_addr().map_or(config.listen, |it| it);
    let data = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
    let header =
        if with_token { format!(" -H Kong-Admin-Token:${ADMIN_TOKEN}") } else { String::new() };
    say!("Event Hooks {} listens on http://{address}", env!("CARGO_PKG_VERSION"));
    say!("  everything it remembers is in {}", data.display());
    match config.egress_allow.0.as_slice() {
        [] => say!("  hooks may call public addresses only"),
        allowed => say!(
            "  hooks may also call {}, which --egress-allow can change",
            allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
    }
    if !with_token {
        say!("  everybody on this machine may do everything: set {ADMIN_TOKEN} to change that");
    }
    say!("\nSee it work: make a hook that logs, then post an event.\n");
    say!(
        "  curl{header} http://{address}/event-hooks -d source=crud -d event=consumers -d handler=log"
    );
    say!(
        "  curl{header} http://{address}/events -H content-type:application/json \\\n    \
         -d '{{\"source\":\"crud\",\"event\":\"consumers\",\"operation\":\"create\",\"entity\":{{\"username\":\"Ada\"}}}}'\n"
    );
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    use super::*;

    #[test]
    fn only_a_token_that_is_not_set_means_none() {
        let set = |text: &str| Ok(text.to_owned());
        for (name, variable, expected) in [
            ("not set", Err(VarError::NotPresent), Ok(None)),
            ("set", set("s3cr3t"), Ok(Some("s3cr3t"))),
            ("empty", set(""), Err("EVENT_HOOKS_ADMIN_TOKEN is empty")),
            ("only space", set(" \n"), Err("EVENT_HOOKS_ADMIN_TOKEN is empty")),
            (
                "of other bytes",
                Err(VarError::NotUnicode(OsString::from_vec(b"s3cr3t\xff".to_vec()))),
                Err("EVENT_HOOKS_ADMIN_TOKEN is not UTF-8"),
            ),
        ] {
            let token = token_in(variable);
            let token = token.as_ref().map(Option::as_deref);
            let token = token.map_err(|error| error.split(':').next().unwrap());
            assert_eq!(token, expected, "{name}");
        }
    }
}

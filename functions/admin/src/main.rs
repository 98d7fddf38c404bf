//! The admin API behind API Gateway. This file is wiring.

mod config;
mod probe;

use std::{io::stdout, process::ExitCode, sync::Arc};

use api::{Admin, Auth, wire::hook::Defaults};
use apigateway::{Door, SecretToken};
use aws::{SystemClock, Telemetry};
use dynamodb::Dynamo;
use handlers::{LogSink, sandbox};
use hooks::{
    explain::Explainer,
    manage::Hooks,
    poison::Poisons,
    publish::{Publisher, Sources},
    replay::Replays,
    tokens::Tokens,
};
use settings::Environment;
use sqs::SqsQueue;

use crate::{config::Config, probe::AwsProbe};

/// The same executable is also the sandbox's worker, which must come before any thread.
fn main() -> ExitCode {
    if sandbox::is_worker(std::env::args_os()) {
        return sandbox::worker_main();
    }
    aws::ended(run())
}

#[tokio::main]
async fn run() -> Result<(), lambda_http::Error> {
    let environment = Environment::of_this_process();
    let telemetry = Telemetry::start(&environment)?;
    let config = Config::read(&environment)?;
    let sdk = aws::sdk_config();
    let clock = Arc::new(SystemClock);

    let database = aws_sdk_dynamodb::Client::new(&sdk);
    let store = Arc::new(Dynamo::new(database, config.tables.clone(), clock.clone()));
    let queue = SqsQueue::new(aws_sdk_sqs::Client::new(&sdk), config.queues.clone());
    let queue = Arc::new(queue);
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
    let first = SecretToken::new(secrets, config.admin_token_secret.clone(), clock.clone());

    let auth = Auth::guarded(Arc::new(first), store.clone(), clock.clone());
    let probe = Arc::new(AwsProbe { store: store.clone(), queue: queue.clone() });
    let router = api::admin_router(admin(config, &store, &queue)?, auth, probe);
    let door = telemetry.counted(Door::new(router, clock));
    lambda_http::runtime(door).layer(telemetry.invocations()).run().await
}

fn admin(
    config: Config,
    store: &Arc<Dynamo>,
    queue: &Arc<SqsQueue>,
) -> Result<Admin, lambda_http::Error> {
    let (store, queue, clock) = (|| Arc::clone(store), || Arc::clone(queue), Arc::new(SystemClock));
    let handlers = Arc::new(config.handlers.handlers(LogSink::json(Box::new(stdout())))?);
    let publisher = Arc::new(Publisher::new(store(), queue(), clock.clone()));
    let explainer = Explainer::new(publisher, store(), store(), store(), clock.clone());
    let replays = Replays::new(store(), store(), queue(), clock.clone(), config.retention);
    Ok(Admin {
        hooks: Arc::new(Hooks::new(store(), queue(), handlers, clock.clone())),
        sources: Arc::new(Sources::new(store())),
        ledger: store(),
        replays: Arc::new(replays),
        poisons: Arc::new(Poisons::new(store(), queue(), clock.clone())),
        explainer: Arc::new(explainer),
        tokens: Arc::new(Tokens::new(store(), clock.clone())),
        clock,
        defaults: Defaults { ssl_verify: config.ssl_verify_default },
    })
}

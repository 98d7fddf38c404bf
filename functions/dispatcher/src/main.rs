//! Both queues' dispatcher: what Lambda hands over is matched, attempted, recorded. This file is
//! wiring.

mod config;
mod batch;

use std::{convert::Infallible, process::ExitCode, sync::Arc};

use aws::{SystemClock, Telemetry};
use aws_lambda_events::sqs::SqsEvent;
use dynamodb::Dynamo;
use handlers::{LogSink, sandbox};
use hooks::dispatch::{Dispatcher, Ports};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use settings::Environment;
use sqs::{Origins, SqsQueue};

use crate::{batch::Batches, config::Config};

/// The same executable is also the sandbox's worker, which must come before any thread.
fn main() -> ExitCode {
    if sandbox::is_worker(std::env::args_os()) {
        return sandbox::worker_main();
    }
    aws::ended(run())
}

#[tokio::main]
async fn run() -> Result<(), lambda_runtime::Error> {
    let environment = Environment::of_this_process();
    let telemetry = Telemetry::start(&environment)?;
    let config = Config::read(&environment)?;
    let batches = Arc::new(batches(config)?);
    let work = move |LambdaEvent { payload, context }: LambdaEvent<SqsEvent>| {
        let batches = Arc::clone(&batches);
        async move { Ok::<_, Infallible>(batches.work(payload, context.deadline).await) }
    };
    let work = telemetry.counted(service_fn(work));
    Runtime::new(work).layer(telemetry.invocations()).run().await
}

fn batches(config: Config) -> Result<Batches, lambda_runtime::Error> {
    let sdk = aws::sdk_config();
    let clock = Arc::new(SystemClock);
    let database = aws_sdk_dynamodb::Client::new(&sdk);
    let store = Arc::new(Dynamo::new(database, config.tables, clock.clone()));
    let origins = Origins::new(&config.queues, config.dead_letters);
    let queue = Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&sdk), config.queues));
    let attempt = config.handlers.timeout;
    let handlers = config.handlers.handlers(LogSink::json(Box::new(std::io::stdout())))?;

    let ports = Ports {
        hooks: store.clone(),
        catalog: store.clone(),
        ledger: store.clone(),
        queue,
        handlers: Arc::new(handlers),
        clock: clock.clone(),
    };
    let retention = config.logging.retention;
    let dispatcher = Dispatcher::new(ports, config.logging);
    Ok(Batches { dispatcher, store, origins, clock, attempt, retention })
}

//! `POST /events` behind API Gateway, in front of SQS. This file is wiring.

mod config;

use std::{process::ExitCode, sync::Arc};

use api::{Auth, Ingest};
use apigateway::{Door, SecretToken};
use aws::{SystemClock, Telemetry};
use dynamodb::Dynamo;
use hooks::publish::Publisher;
use settings::Environment;
use sqs::SqsQueue;

use crate::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    aws::ended(run().await)
}

async fn run() -> Result<(), lambda_http::Error> {
    let environment = Environment::of_this_process();
    let telemetry = Telemetry::start(&environment)?;
    let config = Config::read(&environment)?;
    let sdk = aws::sdk_config();
    let clock = Arc::new(SystemClock);

    let database = aws_sdk_dynamodb::Client::new(&sdk);
    let store = Arc::new(Dynamo::new(database, config.tables, clock.clone()));
    let queue = Arc::new(SqsQueue::new(aws_sdk_sqs::Client::new(&sdk), config.queues));
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
    let first = Arc::new(SecretToken::new(secrets, config.admin_token_secret, clock.clone()));

    let auth = Auth::guarded(first, store.clone(), clock.clone());
    let publisher = Arc::new(Publisher::new(store, queue, clock.clone()));
    // It knows no hooks: who asks what would become of an event is sent to the admin function.
    let router = api::ingest_router(Ingest { publisher, explainer: None, intake: None }, auth);
    let door = telemetry.counted(Door::new(router, clock));
    lambda_http::runtime(door).layer(telemetry.invocations()).run().await
}

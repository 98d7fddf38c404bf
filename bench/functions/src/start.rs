//! How long is it until a function asks for its first invocation, and what does its first call of AWS
//! cost it?
//!
//! The function that does nothing is started in turn with each, so that what else the machine does
//! befalls both.

use std::{io::Write as _, time::Duration};

use awskit::{
    events::{self, Message},
    fake::{FakeAws, TOKEN},
    rows::Rows,
};
use hooks::task::Task;
use serde_json::Value;
use tempfile::NamedTempFile;
use testkit::{
    builders,
    certificates::{Certificate, authority_pem},
    lambda_host::LambdaHost,
    receiver::Receiver,
};

use crate::{
    Result,
    programs::{FUNCTIONS, HELLO, Programs},
    row::Row,
    usage,
};

const TIME: Duration = Duration::from_secs(30);

/// How the start of each function compares with that of one that does nothing, and its first call
/// of AWS with its second.
pub(crate) async fn measure(programs: &Programs, rounds: usize) -> Result<Vec<Row>> {
    let aws = FakeAws::keeping(
        Receiver::https_with([127, 0, 0, 1].into(), Certificate::Good).await,
        &Rows::default(),
    );
    let mut trusted = NamedTempFile::new()?;
    trusted.write_all(authority_pem().as_bytes())?;
    let trusted = trusted.path().to_str().ok_or("a path that is text")?.to_owned();
    let told = [("SSL_CERT_FILE", trusted.as_str())];

    let mut rows = Vec::new();
    for name in FUNCTIONS {
        let (mut bare, mut over, mut computed, mut calls) = (vec![], vec![], vec![], vec![]);
        for _ in 0..rounds {
            let hello = programs.start(HELLO, &aws.url(), &told).await?;
            let of_hello = started(&hello)?;
            drop(hello);
            let function = programs.start(name, &aws.url(), &told).await?;
            let (took, cpu) = started(&function)?;
            bare.push(of_hello.0);
            over.push(took - of_hello.0);
            computed.push(cpu - of_hello.1);
            calls.push(first_call(&function, &payload(name)).await?);
        }
        let times = format!("{rounds} rounds");
        let note =
            format!("a function that does nothing: {:.2} ms", Row::new("", bare, "").median());
        let what = format!("{name}: exec to first poll, beyond a function that does nothing");
        rows.push(
            Row::new(what, over, "ms").at_most(3.0).note(format!("{note}; {times}, in turn")),
        );
        let what = format!("{name}: the same in processor time");
        rows.push(Row::new(what, computed, "ms of CPU").note(times.clone()));
        let what = format!("{name}: first invocation, beyond the second");
        let note = format!("the first TLS call, and all else that is done once; {times}");
        rows.push(Row::new(what, calls, "ms of CPU").at_most(2.0).note(note));
    }
    Ok(rows)
}

/// How long a function took until it asked for work, and of that on a processor.
fn started(function: &LambdaHost) -> Result<(f64, f64)> {
    let cpu = usage::cpu(function.process_id())?;
    Ok((milliseconds(function.init_took()), milliseconds(cpu)))
}

/// What its first invocation takes beyond what its second does.
async fn first_call(function: &LambdaHost, payload: &Value) -> Result<f64> {
    let process = function.process_id();
    let mut took = Vec::new();
    for _ in 0..2 {
        let before = usage::cpu(process)?;
        function.invoke(payload, TIME).await.answer();
        took.push(milliseconds(usage::cpu(process)?.saturating_sub(before)));
    }
    Ok(took[0] - took[1])
}

/// Something that makes a function ask AWS.
fn payload(function: &str) -> Value {
    let headers = [("content-type", "application/json"), ("kong-admin-token", TOKEN)];
    match function {
        "ingest" => {
            let event = br#"{"source": "crud", "event": "consumers", "data": {}}"#;
            events::request("POST", "/events", &headers, event)
        }
        "admin" => events::request("GET", "/event-hooks", &headers, b""),
        _ => {
            let task = Task::Dispatch { events: vec![builders::event()], again: false };
            events::batch(&[Message::new(
                "arn:aws:sqs:us-east-1:000000000000:events",
                task.encode(),
            )])
        }
    }
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

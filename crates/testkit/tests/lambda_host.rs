//! The host, with a function that is this very program: [`function`] is run as one.

use std::{env, time::Duration};

use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};
use testkit::lambda_host::{Invoked, LambdaHost, NotStarted};
use tokio::net::TcpStream;

const LONG: Duration = Duration::from_secs(10);

async fn host(variables: &[(&str, &str)]) -> Result<LambdaHost, NotStarted> {
    let arguments = ["lambda_host::function", "--exact", "--ignored", "--nocapture"];
    let program = env::current_exe().expect("this program");
    LambdaHost::start_with(program, arguments, variables.iter().copied()).await
}

/// What the other tests run: it does what it is told.
#[tokio::test]
#[ignore = "a function, which the other tests start"]
async fn function() {
    if env::var("AWS_LAMBDA_RUNTIME_API").is_err() {
        return;
    }
    if let Ok(why) = env::var("REFUSES_TO_START") {
        eprintln!("{why}");
        std::process::exit(3);
    }
    if let Ok(why) = env::var("REPORTS_THAT_IT_CANNOT_START") {
        report(&json!({"errorType": "Config", "errorMessage": why})).await;
        std::process::exit(1);
    }
    println!("started with {}", env::var("SETTING").unwrap_or_default());
    lambda_runtime::run(service_fn(act)).await.unwrap();
}

/// Tells Lambda why it cannot start.
async fn report(error: &Value) {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").expect("a function has it");
    #[expect(clippy::disallowed_methods, reason = "the host, on loopback")]
    let stream = TcpStream::connect(&api).await.expect("the host is there");
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
    tokio::spawn(connection);
    let request = Request::post("/2018-06-01/runtime/init/error")
        .header("host", api)
        .body(error.to_string())
        .expect("well-formed");
    let answer = sender.send_request(request).await.expect("the host answers");
    assert_eq!(answer.status(), 202);
}

#[expect(clippy::print_stdout, reason = "it is what a function's log is made of")]
async fn act(event: LambdaEvent<Value>) -> Result<Value, lambda_runtime::Error> {
    let LambdaEvent { payload, context } = event;
    match payload["do"].as_str() {
        Some("fail") => Err("as it was told".into()),
        Some("end") => std::process::exit(4),
        Some("hang") => {
            println!("hanging");
            std::future::pending().await
        }
        Some("be large") => Ok("x".repeat(7 * 1024 * 1024).into()),
        _ => Ok(json!({
            "payload": payload,
            "request": context.request_id,
            "left": context.deadline,
            "trace": context.xray_trace_id,
            "process": std::process::id(),
        })),
    }
}

#[tokio::test]
async fn a_function_is_handed_what_it_is_to_do_and_answers() {
    let host = host(&[("SETTING", "care")]).await.unwrap();
    let first = host.invoke(&json!({"n": 1}), LONG).await.answer();
    let second = host.invoke(&json!({"n": 2}), LONG).await.answer();
    assert_eq!((&first["payload"], &second["payload"]), (&json!({"n": 1}), &json!({"n": 2})));
    assert_eq!(first["process"], second["process"], "one process for both");
    assert_ne!(first["request"], second["request"]);
    assert_eq!(first["trace"], LambdaHost::TRACE);
    assert!(first["left"].as_u64() < second["left"].as_u64(), "each has its own deadline");
    host.logged("started with care").await;
    assert_eq!(host.starts(), 1);
    assert!(host.init_took() > Duration::ZERO && host.init_took() < LONG);
}

#[tokio::test]
async fn invocations_at_once_take_turns() {
    let host = host(&[]).await.unwrap();
    let invoke = async |n: u32| host.invoke(&json!({"n": n}), LONG).await.answer();
    let (a, b, c) = tokio::join!(invoke(1), invoke(2), invoke(3));
    assert_eq!([a, b, c].map(|it| it["payload"]["n"].as_u64()), [Some(1), Some(2), Some(3)]);
}

#[tokio::test]
async fn an_error_is_told() {
    let host = host(&[]).await.unwrap();
    let invoked = host.invoke(&json!({"do": "fail"}), LONG).await;
    assert!(
        matches!(&invoked, Invoked::Failed { message, .. } if message == "as it was told"),
        "{invoked:?}"
    );
    host.invoke(&json!({}), LONG).await.answer();
    assert_eq!(host.starts(), 1, "it lives on");
}

#[tokio::test]
async fn an_answer_that_lambda_does_not_take_is_an_error() {
    let host = host(&[]).await.unwrap();
    let invoked = host.invoke(&json!({"do": "be large"}), LONG).await;
    assert!(
        matches!(&invoked, Invoked::Failed { kind, .. } if kind == "Function.ResponseSizeTooLarge"),
        "{invoked:?}"
    );
}

#[tokio::test]
async fn whoever_dies_in_the_middle_is_started_again() {
    let host = host(&[]).await.unwrap();
    let first = host.invoke(&json!({}), LONG).await.answer();

    let invoked = host.invoke(&json!({"do": "end"}), LONG).await;
    assert!(matches!(&invoked, Invoked::Died(how) if how == "exit status: 4"), "{invoked:?}");
    let second = host.invoke(&json!({}), LONG).await.answer();

    let hang = json!({"do": "hang"});
    let (invoked, ()) = tokio::join!(host.invoke(&hang, LONG), async {
        host.logged("hanging").await;
        host.kill().await;
    });
    assert!(matches!(&invoked, Invoked::Died(how) if how.contains("SIGKILL")), "{invoked:?}");
    let third = host.invoke(&json!({}), LONG).await.answer();

    let processes = [&first, &second, &third].map(|it| it["process"].as_u64());
    assert!(processes[0] != processes[1] && processes[1] != processes[2], "{processes:?}");
    assert_eq!(host.starts(), 3);
}

#[tokio::test]
async fn whoever_takes_too_long_is_killed() {
    let host = host(&[]).await.unwrap();
    let invoked = host.invoke(&json!({"do": "hang"}), Duration::from_millis(300)).await;
    assert!(matches!(invoked, Invoked::TimedOut), "{invoked:?}");
    host.invoke(&json!({}), LONG).await.answer();
    assert_eq!(host.starts(), 2);
}

#[tokio::test]
async fn killing_the_dead_is_harmless() {
    let host = host(&[]).await.unwrap();
    host.kill().await;
    host.kill().await;
    host.invoke(&json!({}), LONG).await.answer();
}

#[tokio::test]
async fn why_a_function_does_not_start_is_told() {
    let error = host(&[("REFUSES_TO_START", "SETTING is missing")]).await.unwrap_err();
    assert_eq!(error.why, "exit status: 3");
    let error = host(&[("REPORTS_THAT_IT_CANNOT_START", "no table")]).await.unwrap_err();
    assert!(error.why.contains(r#""errorMessage":"no table""#), "{error:?}");
    let missing = LambdaHost::start("/nowhere/to/be/found", [("", ""); 0]).await.unwrap_err();
    assert!(missing.why.contains("/nowhere/to/be/found"), "{missing:?}");
}

//! How many are served at once?

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::super::*;

async fn ask(caller: &mut TcpStream) {
    caller.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
}

async fn hear(caller: &mut TcpStream) {
    let mut answer = [0; 12];
    caller.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let mut rest = Vec::new();
    while !rest.ends_with(b"here") {
        rest.push(caller.read_u8().await.unwrap());
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the caller")]
#[tokio::test]
async fn who_comes_with_one_connection_too_many_waits_until_one_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(async || "here"));
    let (_stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve_at_once(2, listener, router, stopped));

    let mut callers = Vec::new();
    for _ in 0..3 {
        let mut caller = TcpStream::connect(address).await.unwrap();
        ask(&mut caller).await;
        callers.push(caller);
    }
    let mut last = callers.pop().unwrap();
    for _ in 0..10 {
        for caller in &mut callers {
            hear(caller).await;
            ask(caller).await;
        }
    }
    let early = last.try_read(&mut [0; 12]).map_err(|error| error.kind());
    assert_eq!(early, Err(std::io::ErrorKind::WouldBlock), "there are two already");
    drop(callers.pop());
    hear(&mut last).await;
    serving.abort();
}

//! Requests of those who measure, as cheap as they can be: one connection after the other by hand,
//! requests formatted beforehand, of the answer no more read than where it ends.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{failure::Result, message::Message};

/// A connection that is kept.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    read: Vec<u8>,
    is_over: bool,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = connect(address).await?;
        Ok(Self { address, stream, read: Vec::with_capacity(4_096), is_over: false })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Message<'_>> {
        if self.is_over {
            self.stream = connect(self.address).await?;
        }
        self.is_over = true;
        self.stream.write_all(request).await?;
        self.read.clear();
        while Message::of(&self.read).is_none() {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the connection ended before the answer did".into());
            }
        }
        let answer = Message::of(&self.read).expect("it was there just now");
        self.is_over = answer.header("connection") == Some("close");
        Ok(answer)
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's own requests, on loopback")]
async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Asks once, and expects JSON.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value> {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(&request(method, path, body.as_bytes())).await?;
    if !(200..300).contains(&answer.status()) {
        let said = String::from_utf8_lossy(answer.body);
        return Err(format!("{method} {path} answered {}: {said}", answer.status()).into());
    }
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    Ok(serde_json::from_slice(answer.body)?)
}

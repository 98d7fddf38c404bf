//! What is done on one connection?

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use super::{
    Heard,
    conduct::{Conduct, Hears, Then},
};

/// How long what was said may travel, before something is done that could overtake it.
const A_MOMENT: Duration = Duration::from_millis(50);

/// What lies between two torrents. Without it, a machine has nothing else to do than to read.
const A_BREATH: Duration = Duration::from_millis(1);

/// Behaves like this on a connection, until one of the two sides closes it.
pub(super) async fn act(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    conduct: &Conduct,
    heard: &Heard,
) -> io::Result<()> {
    loop {
        hear(&mut stream, conduct.hears, heard).await?;
        stream.write_all(&conduct.says).await?;
        stream.flush().await?;
        match &conduct.then {
            Then::Close => return stream.shutdown().await,
            Then::Reset => {
                sleep(A_MOMENT).await;
                return Ok(());
            }
            Then::Silence => {
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
                return Ok(());
            }
            Then::Forever(bytes) => loop {
                stream.write_all(bytes).await?;
                sleep(A_BREATH).await;
            },
            Then::Drip(byte) => loop {
                sleep(Duration::from_secs(1)).await;
                stream.write_all(&[*byte]).await?;
            },
            Then::Again => {}
            Then::AgainAfter(more) => {
                sleep(A_MOMENT).await;
                stream.write_all(more).await?;
            }
            Then::HearAndClose => return hear(&mut stream, conduct.hears, heard).await,
        }
    }
}

/// Hears as much of a request as it cares to. An error when the other side hangs up.
async fn hear(
    stream: &mut (impl AsyncRead + Unpin),
    hears: Hears,
    heard: &Heard,
) -> io::Result<()> {
    if hears == Hears::Nothing {
        return Ok(());
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    heard.requests().push(header(&head, "webhook-id").to_owned());
    if hears == Hears::Request {
        let length = header(&head, "content-length").parse().unwrap_or(0);
        let mut body = stream.take(length);
        tokio::io::copy(&mut body, &mut tokio::io::sink()).await?;
    }
    Ok(())
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let values = head.lines().filter_map(|line| line.split_once(": "));
    values.into_iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value)
}

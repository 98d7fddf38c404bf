//! What accepting is compared with: a server that reads a body and says how long it was.

use axum::{Router, body::Bytes, routing::post, serve::ListenerExt as _};
use tokio::net::TcpListener;

use crate::{failure::Result, say};

/// Answers until the process ends.
pub(crate) async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say!("listens on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let router = Router::new().route("/events", post(answer));
    axum::serve(listener, router).await?;
    Ok(())
}

async fn answer(body: Bytes) -> ([(&'static str, &'static str); 1], String) {
    ([("content-type", "application/json")], format!(r#"{{"length":{}}}"#, body.len()))
}

//! What delivering is compared with: a loop that sends the same requests with reqwest, so many at
//! once, and neither signs nor remembers anything.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::{client, failure::Result, message::Message, moment, say};

/// What is sent where.
#[derive(Debug, Clone, Args)]
pub(crate) struct Dial {
    /// The receiver.
    #[arg(long)]
    pub(crate) receiver: SocketAddr,
    /// Under which name.
    #[arg(long)]
    pub(crate) name: String,
    /// The name under which a request came that is sent again.
    #[arg(long)]
    pub(crate) like: String,
    /// How often.
    #[arg(long)]
    pub(crate) requests: u32,
    /// How many wait for their answer at once.
    #[arg(long)]
    pub(crate) in_flight: u32,
}

/// What it took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Dialled {
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// Processor time of the process.
    pub(crate) cpu: Duration,
}

/// Sends all of it, and says what it took.
pub(crate) async fn dial(dial: Dial) -> Result<()> {
    let (headers, body) = sample(&dial).await?;
    let url = format!("http://{}/take/{}", dial.receiver, dial.name);
    let client = client()?;
    let left = Arc::new(AtomicI64::new(dial.requests.into()));
    let began = Instant::now();
    let senders: Vec<_> = (0..dial.in_flight)
        .map(|_| {
            let (client, url, left) = (client.clone(), url.clone(), Arc::clone(&left));
            let (headers, body) = (headers.clone(), body.clone());
            tokio::spawn(async move {
                while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                    let request = client.post(&url).headers(headers.clone()).body(body.clone());
                    request.send().await?.error_for_status()?.bytes().await?;
                }
                Ok::<_, reqwest::Error>(())
            })
        })
        .collect();
    for sender in senders {
        sender.await??;
    }
    let dialled = Dialled { took: began.elapsed(), cpu: moment::cpu() };
    say!("{}", serde_json::to_string(&dialled)?);
    Ok(())
}

/// The headers and the body of a request that the receiver has had.
async fn sample(dial: &Dial) -> Result<(HeaderMap, Bytes)> {
    let path = format!("/~/sample/{}", dial.like);
    let sample = client::ask(dial.receiver, "GET", &path, None).await?;
    let sample = sample.as_str().ok_or("a sample is a text")?;
    let message = Message::of(sample.as_bytes()).ok_or("nothing came under that name")?;
    let mut headers = HeaderMap::new();
    for line in message.head.split("\r\n").skip(1) {
        let (name, value) = line.split_once(':').ok_or("a header has a name")?;
        let name = HeaderName::from_bytes(name.as_bytes())?;
        if name != HOST && name != CONTENT_LENGTH {
            headers.append(name, HeaderValue::from_str(value.trim())?);
        }
    }
    Ok((headers, Bytes::copy_from_slice(message.body)))
}

/// Set up as far as is needed for a receiver on this machine, and no further.
#[expect(clippy::disallowed_methods, reason = "what webhooks are compared with, on loopback")]
fn client() -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().http1_only().build()?)
}

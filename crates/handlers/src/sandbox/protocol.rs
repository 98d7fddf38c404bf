//! What do parent and worker say to each other?
//!
//! JSON messages, each behind its length. The parent speaks first: [`ToWorker::Setup`], answered
//! by [`FromWorker::Ready`]; then jobs, one at a time. Each is answered by any number of
//! [`FromWorker::Log`], and of [`FromWorker::Ask`] which wait for [`ToWorker::Answer`], and then
//! [`FromWorker::Done`].
//!
//! Neither side trusts a length; the parent trusts nothing else either.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    limits::Limits,
    outcome::{LogLine, ScriptFailure},
};

/// The longest message.
const LONGEST: usize = 8 << 20;

/// What is to be run. `D` is how the event's data is held.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job<'a, D> {
    /// The functions of a hook, in their order, until one fails.
    Functions {
        /// Chunks of Lua, each returning a function.
        sources: Cow<'a, [String]>,
        /// What the functions are called with.
        data: D,
        /// What the functions are called with; `nil` where it is `None`.
        event: Option<Cow<'a, str>>,
        /// What the functions are called with.
        source: Cow<'a, str>,
        /// What the functions are called with.
        pid: i64,
    },
    /// Templates, in their order, until one fails.
    Templates {
        /// Chunks as [`Compiled::lua`](crate::template::Compiled::lua) makes them: called with the
        /// context, what stands for null in it, and what is not left to Lua; each returns a text.
        /// Messages call every one of them `template`.
        chunks: Vec<Cow<'a, str>>,
        /// What the event has for templates.
        context: D,
    },
}

/// What the parent says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", bound(deserialize = "D: Deserialize<'de>"))]
pub(super) enum ToWorker<'a, D> {
    /// The first message.
    Setup(Setup),
    /// Run this.
    Run {
        /// What to run.
        job: Job<'a, D>,
        /// May it make requests?
        http: bool,
    },
    /// Are these functions fit to be kept?
    CheckFunctions {
        /// Chunks of Lua, each returning a function.
        sources: Cow<'a, [String]>,
    },
    /// Are these templates fit to be kept?
    CheckTemplates {
        /// As in [`Job::Templates`].
        chunks: Vec<Cow<'a, str>>,
    },
    /// The answer to a request, or why there is none.
    Answer(Result<Answer, String>),
}

/// What holds for all runs of a worker.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Setup {
    /// The budget of each run.
    pub(super) limits: Limits,
    /// Give up all system calls but the few needed?
    pub(super) seccomp: bool,
}

/// What the worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromWorker {
    /// It has given up what it will not need, and waits for jobs.
    Ready {
        /// Do its system calls pass a filter?
        filtered: bool,
    },
    /// The script logged something.
    Log(LogLine),
    /// The script makes a request.
    Ask(Ask),
    /// The job ended.
    Done {
        /// As in [`Ran`](super::Ran).
        returns: Vec<Value>,
        /// As in [`Ran`](super::Ran).
        failure: Option<ScriptFailure>,
        /// May this worker run another job?
        again: bool,
    },
}

/// A request that a script makes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Octets>,
    pub(super) ssl_verify: Option<bool>,
    pub(super) timeout_ms: Option<u64>,
}

/// What a receiver answered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Octets,
}

/// Bytes, as base64 on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Octets(pub(super) Vec<u8>);

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Self).map_err(de::Error::custom)
    }
}

/// A message and its length; `None` when it is longer than any may be.
pub(super) fn frame(message: &impl Serialize) -> Option<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message).ok()?;
    let length = frame.len() - 4;
    if length > LONGEST {
        return None;
    }
    frame[..4].copy_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
    Some(frame)
}

/// The bytes of the next message; `None` at the end of all.
pub(super) fn receive(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if let Err(error) = input.read_exact(&mut length) {
        return at_end(error);
    }
    let mut message = vec![0; judge(length)?];
    input.read_exact(&mut message)?;
    Ok(Some(message))
}

/// As [`receive`].
pub(super) async fn receive_async(
    input: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if let Err(error) = input.read_exact(&mut length).await {
        return at_end(error);
    }
    let mut message = vec![0; judge(length)?];
    input.read_exact(&mut message).await?;
    Ok(Some(message))
}

fn at_end(error: io::Error) -> io::Result<Option<Vec<u8>>> {
    if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) }
}

fn judge(length: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_as_it_was_sent() {
        let ready = frame(&FromWorker::Ready { filtered: true }).unwrap();
        let two = [ready.clone(), ready].concat();
        let mut input = &two[..];
        for _ in 0..2 {
            let message = receive(&mut input).unwrap().unwrap();
            let message: FromWorker = serde_json::from_slice(&message).unwrap();
            assert!(matches!(message, FromWorker::Ready { filtered: true }));
        }
        assert_eq!(receive(&mut input).unwrap(), None);
    }

    #[test]
    fn a_length_is_not_trusted() {
        let endless = [u32::MAX.to_le_bytes().as_slice(), b"{}"].concat();
        assert!(receive(&mut &endless[..]).is_err(), "longer than any");
        assert!(receive(&mut &[9, 0, 0, 0, b'{'][..]).is_err(), "longer than what came");
        assert_eq!(receive(&mut &[9, 0][..]).unwrap(), None, "cut in its length");
        assert!(frame(&"x".repeat(LONGEST)).is_none(), "too long to be sent");
    }

    #[test]
    fn octets_keep_every_byte() {
        let octets = Octets((0..=255).collect());
        let json = serde_json::to_string(&octets).unwrap();
        assert_eq!(serde_json::from_str::<Octets>(&json).unwrap(), octets);
    }
}

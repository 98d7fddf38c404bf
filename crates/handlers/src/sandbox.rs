//! How does code that anybody may have written run, and harm nobody?
//!
//! In a *worker*: this very executable, started again with a private argument, without
//! environment, files, sockets or secrets, under limits of the operating system. It runs one
//! script at a time, each in a Lua state that was never used before, and hands back results, log
//! lines and, where the deployment allows it, requests for its parent to make. What overruns its
//! budget there is stopped; what cannot be stopped is killed together with its worker, and the
//! next run gets a new one.
//!
//! **Promise:** a run ends within its [`Limits`], whatever the script does, and no run sees
//! anything of another one.
//!
//! The programs that run scripts must call [`worker_main`] first thing in `main`, before any
//! thread is started:
//!
//! ```no_run
//! # use std::process::ExitCode;
//! # use handlers::sandbox;
//! fn main() -> ExitCode {
//!     if sandbox::is_worker(std::env::args_os()) {
//!         return sandbox::worker_main();
//!     }
//!     // The program proper, the asynchronous runtime included.
//! #   ExitCode::SUCCESS
//! }
//! ```

// The parent's side.
mod runs;
mod workers;
mod process;
mod conversation;
mod http;

// What both sides know.
mod limits;
mod outcome;
mod protocol;
mod source;
mod absent;

// The child's side.
mod worker;

pub use self::{
    http::{LuaAnswer, LuaHttp, LuaRequest},
    limits::Limits,
    outcome::{FailureKind, LogLevel, LogLine, Ran, ScriptFailure},
    protocol::Job,
    runs::{CheckError, Owner, Sandbox, SandboxConfig, SandboxError},
    worker::{is_worker, worker_main},
};

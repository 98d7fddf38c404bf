//! The worker: a process that runs one script after the other, and can do nothing else.
//!
//! What a run could leave behind, it leaves in a Lua state of its own. The next state is made
//! while nobody waits for it.

mod code;
mod confine;
mod context;
mod decode;
mod encode;
mod host;
mod line;
mod meter;
mod number;
mod run;
mod script;
mod state;

use std::{
    error::Error,
    ffi::{OsStr, OsString},
    hint::black_box,
    process::ExitCode,
    rc::Rc,
};

use serde_json::value::RawValue;

use super::protocol::{FromWorker, ToWorker};
use code::Code;
use confine::CpuLimit;
use context::Context;
use line::Line;
use state::State;

/// The private argument that makes a program a worker.
pub(super) const ARGUMENT: &str = "--event-hooks-lua-worker";

/// Is this process meant to be a worker?
pub fn is_worker(args: impl IntoIterator<Item = OsString>) -> bool {
    args.into_iter().nth(1).as_deref() == Some(OsStr::new(ARGUMENT))
}

/// Is a worker until the parent closes its end of the pipe.
pub fn worker_main() -> ExitCode {
    match work(&Rc::new(Line::new())) {
        Ok(()) => ExitCode::SUCCESS,
        // The parent sees that it ended; there is no place to say why.
        Err(_) => ExitCode::FAILURE,
    }
}

fn work(line: &Rc<Line>) -> Result<(), Box<dyn Error>> {
    let hello = line.receive().ok_or("no parent")?;
    let ToWorker::Setup(setup) = serde_json::from_slice::<ToWorker<'_, &RawValue>>(&hello)? else {
        return Err("no set-up".into());
    };
    let mut cpu_limit = CpuLimit::new(&setup.limits)?;
    let filtered = confine::confine(&setup)?;
    line.send(&FromWorker::Ready { filtered });

    keep_memory();
    let code = Rc::new(Code::default());
    let fresh = || State::new(Context::new(setup.limits, Rc::clone(line)), Rc::clone(&code));
    let mut state = fresh()?;
    while let Some(message) = line.receive() {
        cpu_limit.renew()?;
        let done = run::run(&state, serde_json::from_slice(&message)?).ok_or("no job")?;
        line.send(&done);
        // The used state goes before the next one comes.
        drop(state);
        state = fresh()?;
    }
    Ok(())
}

/// Has the allocator keep so much memory between states that it would give back to the system, and
/// ask for again page by page, which costs as much as half a run.
fn keep_memory() {
    // Larger ones would not be of the heap; smaller ones would touch more pages.
    const PIECE: usize = 112 << 10;
    const PIECES: usize = 20;
    let piece = || black_box(Vec::<u8>::with_capacity(PIECE));
    let pieces: Vec<_> = (0..PIECES).map(|_| piece()).collect();
    // What lies above the pieces keeps the heap from shrinking when they go. It is as large as they
    // are, for a smaller one may find room below them; nobody touches it.
    piece().leak();
    drop(pieces);
}

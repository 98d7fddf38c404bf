//! How does a process end when the one that started it is gone, however that came?
//!
//! Between the benchmark and each process that it starts stands this one: it kills its own when its
//! input ends, which the system sees to when the benchmark dies.

use std::{
    ffi::OsString,
    io,
    process::{Command, Stdio},
};

use crate::{failure::Result, say};

/// Runs a program until the input ends, and says first which process it is.
pub(crate) fn run(program: &[OsString]) -> Result<()> {
    let (program, arguments) = program.split_first().ok_or("guard what?")?;
    let mut child = Command::new(program).args(arguments).stdin(Stdio::null()).spawn()?;
    say!("process {}", child.id());
    let ended = io::copy(&mut io::stdin().lock(), &mut io::sink());
    child.kill()?;
    child.wait()?;
    ended?;
    Ok(())
}

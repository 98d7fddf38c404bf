//! What has a process used? As Linux says.

use std::{fs, time::Duration};

use crate::Result;

/// How long its threads have run on a processor.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let said = fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_a_processor = said.split_whitespace().next().ok_or("schedstat says nothing")?;
        nanoseconds += on_a_processor.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The most memory that it has had resident so far, in MB.
pub(crate) fn peak(process: u32) -> Result<f64> {
    let said = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = said.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let kib = line.and_then(|it| it.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}

//! How fast is the disk that everything is written to before it is accepted?

use std::{
    fs::OpenOptions,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use nix::unistd::fdatasync;

use crate::{failure::Result, spread};

/// How long four kibibytes more and `fdatasync` take, half of the time, in milliseconds.
pub(crate) fn fdatasync_median(folder: &Path) -> Result<f64> {
    const LENGTH: Duration = Duration::from_millis(500);

    let mut file =
        OpenOptions::new().create(true).append(true).open(folder.join("fdatasync.tmp"))?;
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < LENGTH {
        let before = Instant::now();
        file.write_all(&[7; 4_096])?;
        fdatasync(&file)?;
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    Ok(spread::quantile(&mut times, 0.5))
}

//! How large is a function, zipped as it is uploaded?

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Result,
    programs::{FUNCTIONS, Programs},
    row::Row,
};

const MB: f64 = 1_000_000.0;

/// The sizes of the functions.
pub(crate) fn measure(programs: &Programs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for name in FUNCTIONS {
        let path = programs.path(name)?;
        let most = if name == "ingest" { 4.0 } else { 8.0 };
        let bytes = path.metadata()?.len();
        let row = Row::new(format!("{name}, zipped"), vec![in_mb(zipped(&path)?)], "MB");
        rows.push(row.at_most(most).note(format!("{:.1} MB as it is run", in_mb(bytes))));
    }
    Ok(rows)
}

#[expect(clippy::cast_precision_loss, reason = "no program has 2^53 bytes")]
fn in_mb(bytes: u64) -> f64 {
    bytes as f64 / MB
}

/// How much is left of a file when it is deflated, as it is in a zip.
fn zipped(path: &Path) -> Result<u64> {
    let zip = Command::new("gzip")
        .args(["-6", "--stdout"])
        .stdin(Stdio::from(File::open(path)?))
        .output()
        .map_err(|error| format!("gzip: {error}"))?;
    if !zip.status.success() {
        return Err(String::from_utf8_lossy(&zip.stderr).into());
    }
    Ok(u64::try_from(zip.stdout.len())?)
}

//! What ends a measurement. All of it is for a person to read.

use std::error::Error;

/// Why it could not be measured.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What was measured, or why not.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

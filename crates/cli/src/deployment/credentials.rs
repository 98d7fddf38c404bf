//! As whom does one ask? A token of the environment or of a file; on the command line, everybody
//! can read it.

use std::{fs::File, io::Read as _, path::Path};

use reqwest::header::HeaderValue;

use crate::{
    arguments::Shared,
    failure::{Done, Failure},
};

/// The longest file. Tokens have some fifty letters.
const MOST_BYTES: u64 = 16 * 1024;

/// The token to show, where there is one.
pub(super) fn token(shared: &Shared) -> Done<Option<HeaderValue>> {
    let said = shared.token.as_deref().filter(|it| !it.is_empty());
    let read = match (said, shared.token_file.as_deref()) {
        (Some(_), Some(_)) => {
            let why = "a token and a file that has one: which is it?";
            return Err(Failure::usage(why)
                .hint("--token or EVENT_HOOKS_TOKEN, --token-file or EVENT_HOOKS_TOKEN_FILE"));
        }
        (None, Some(file)) => Some(read(file).map_err(|why| {
            Failure::usage(format_args!("--token-file {}: {why}", file.display()))
        })?),
        (_, None) => None,
    };
    let Some(token) = read.as_deref().or(said) else { return Ok(None) };
    let mut token = HeaderValue::from_str(token)
        .map_err(|_| Failure::usage("the token has characters that no token has"))?;
    token.set_sensitive(true);
    Ok(Some(token))
}

fn read(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(file).map_err(|error| error.to_string())?;
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    match text.trim() {
        "" => Err("there is nothing in it".to_owned()),
        _ if text.len() as u64 > MOST_BYTES => Err("this is too long for a token".to_owned()),
        token => Ok(token.to_owned()),
    }
}

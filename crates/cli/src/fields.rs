//! What does `config.url=https://…` on the command line say? The same as in a form that is posted:
//! the deployment turns text into what the field holds.

use std::{
    fs::File,
    io::{self, Read},
};

use crate::failure::{Done, Failure};

/// The longest value that is read from a file. Requests have 1 MiB in all.
const MOST_BYTES: u64 = 1024 * 1024;

/// What the help says of fields.
pub(crate) const HELP: &str = "FIELD=VALUE as the admin API has them in forms, \
    such as config.url=https://… ; FIELD=@FILE reads the value from a file, FIELD=@- from standard input";

/// Reads `FIELD=VALUE`, and what `@` leads to.
pub(crate) fn read(arguments: &[String]) -> Done<Vec<(String, String)>> {
    arguments.iter().map(|it| field(it)).collect()
}

fn field(argument: &str) -> Done<(String, String)> {
    let (name, value) = match argument.split_once('=') {
        Some((name, value)) if !name.is_empty() => (name, value),
        // What stands there may be a value, a secret even, whose field was forgotten.
        _ => {
            return Err(Failure::usage("an argument is no FIELD=VALUE").hint("such as source=crud"));
        }
    };
    let value = match value.strip_prefix('@') {
        Some(path) => {
            content(path).map_err(|why| Failure::usage(format_args!("{name}=@{path}: {why}")))?
        }
        None => value.to_owned(),
    };
    Ok((name.to_owned(), value))
}

/// What is in a file, or comes in by standard input. One line loses its end: a secret in a file
/// usually has one that is not meant.
fn content(path: &str) -> Result<String, String> {
    let source: Box<dyn Read> = match path {
        "-" => Box::new(io::stdin().lock()),
        path => Box::new(File::open(path).map_err(|error| error.to_string())?),
    };
    let mut text = String::new();
    let read = source.take(MOST_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("more than {MOST_BYTES} bytes"));
    }
    let line = text.strip_suffix('\n').map(|it| it.strip_suffix('\r').unwrap_or(it));
    Ok(line.filter(|it| !it.contains('\n')).map_or(text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_a_name_and_a_value() {
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        for (argument, expected) in [
            ("source=crud", pair("source", "crud")),
            ("config.url=http://a/?b=c", pair("config.url", "http://a/?b=c")),
            ("event=", pair("event", "")),
            ("=crud", None),
            ("crud", None),
            ("body=@/there/is/no/such/file", None),
        ] {
            assert_eq!(field(argument).ok(), expected, "{argument}");
        }
    }

    #[test]
    fn a_file_of_one_line_loses_its_end_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        for (text, expected) in [
            ("s3cr3t\n", "s3cr3t"),
            ("s3cr3t\r\n", "s3cr3t"),
            ("a\nb\n", "a\nb\n"),
            ("a", "a"),
            ("", ""),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(content(path.to_str().unwrap()).unwrap(), expected, "{text:?}");
        }
    }
}

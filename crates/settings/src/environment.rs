//! What does the environment say? Every answer is a value or an error that names the variable, what
//! it is, and what it may be.

use std::{collections::HashMap, ffi::OsString, fmt::Display, ops::RangeInclusive};

use crate::{Networks, Words};

/// Variables, by name.
pub struct Environment(Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>);

/// A variable that does not say what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// There is nothing to go by without it.
    #[error("{variable} is not set: set it to {wanted}")]
    Missing {
        /// Its name.
        variable: String,
        /// What it is to be.
        wanted: String,
    },
    /// It means nothing.
    #[error("{variable} is '{value}': set it to {allowed}")]
    Value {
        /// Its name.
        variable: String,
        /// What it is.
        value: String,
        /// What it may be.
        allowed: String,
    },
}

impl Environment {
    /// This process's.
    pub fn of_this_process() -> Self {
        Self(Box::new(|name| std::env::var_os(name)))
    }

    /// One of these variables only.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), OsString::from(value));
        let variables: HashMap<_, _> = variables.iter().map(owned).collect();
        Self(Box::new(move |name| variables.get(name).cloned()))
    }

    /// A text that must be there, and is not empty; `wanted` says what it is.
    pub fn text(&self, name: &str, wanted: &str) -> Result<String, Wrong> {
        let missing = || Wrong::Missing { variable: name.to_owned(), wanted: wanted.to_owned() };
        self.read(name, wanted)?.filter(|it| !it.trim().is_empty()).ok_or_else(missing)
    }

    /// A text that may be absent; an empty one is taken for that.
    pub fn optional_text(&self, name: &str) -> Result<Option<String>, Wrong> {
        Ok(self.read(name, "a text")?.filter(|it| !it.trim().is_empty()))
    }

    /// One of a few words.
    pub fn word<T: Words>(&self, name: &str, otherwise: T) -> Result<T, Wrong> {
        let words: Vec<_> = T::WORDS.iter().map(|(word, _)| *word).collect();
        let allowed = words.join(" or ");
        let Some(text) = self.read(name, &allowed)? else { return Ok(otherwise) };
        T::from_word(&text).ok_or_else(|| wrong(name, &text, allowed))
    }

    /// A whole number of a range.
    pub fn number(
        &self,
        name: &str,
        range: RangeInclusive<u16>,
        otherwise: u16,
    ) -> Result<u16, Wrong> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(text) = self.read(name, &allowed)? else { return Ok(otherwise) };
        let number = text.parse().ok().filter(|it| range.contains(it));
        number.ok_or_else(|| wrong(name, &text, allowed))
    }

    /// A list of networks; none, where it is not set.
    pub fn networks(&self, name: &str) -> Result<Networks, Wrong> {
        const ALLOWED: &str = "networks separated by commas, such as 10.0.0.0/8,10.1.2.3, or to \
                               nothing";
        let text = self.read(name, ALLOWED)?.unwrap_or_default();
        text.parse().map_err(|_| wrong(name, &text, ALLOWED))
    }

    fn read(&self, name: &str, allowed: &str) -> Result<Option<String>, Wrong> {
        let Some(value) = (self.0)(name) else { return Ok(None) };
        let text = value.into_string();
        text.map(Some).map_err(|value| wrong(name, &value.to_string_lossy(), allowed))
    }
}

fn wrong(name: &str, value: &str, allowed: impl Display) -> Wrong {
    Wrong::Value {
        variable: name.to_owned(),
        value: value.to_owned(),
        allowed: allowed.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;
    use crate::{Signature, Switch, TIMEOUT};

    fn with(value: &str) -> Environment {
        Environment::of(&[("IT", value)])
    }

    fn said<T: std::fmt::Debug>(read: Result<T, Wrong>) -> String {
        read.map_or_else(|wrong| wrong.to_string(), |value| format!("{value:?}"))
    }

    #[test]
    fn what_is_wrong_names_variable_value_and_what_is_allowed() {
        let none = Environment::of(&[]);
        let signature = |it: Environment| said(it.word("IT", Signature::Sha1));
        let timeout = |it: Environment| said(it.number("IT", TIMEOUT, 15));
        let text = |it: Environment| said(it.text("IT", "the URL of a queue"));
        for (name, read, expected) in [
            ("a word", signature(with("sha256")), "Sha256"),
            ("no word", signature(Environment::of(&[])), "Sha1"),
            ("another word", signature(with("md5")), "IT is 'md5': set it to sha1 or sha256"),
            ("an empty word", signature(with("")), "IT is '': set it to sha1 or sha256"),
            ("a number", timeout(with("60")), "60"),
            ("no number", timeout(Environment::of(&[])), "15"),
            ("too much", timeout(with("61")), "IT is '61': set it to a whole number from 1 to 60"),
            ("a sign", timeout(with("-1")), "IT is '-1': set it to a whole number from 1 to 60"),
            ("a text", text(with("x")), "\"x\""),
            ("an empty text", text(with(" ")), "IT is not set: set it to the URL of a queue"),
            ("no text", text(none), "IT is not set: set it to the URL of a queue"),
        ] {
            assert_eq!(read, expected, "{name}");
        }
    }

    #[test]
    fn networks_are_none_where_none_are_named() {
        let read = |it: Environment| it.networks("IT").map(|it| it.0.len());
        assert_eq!(read(with("10.0.0.0/8,192.168.0.1")), Ok(2));
        assert_eq!(read(with("")), Ok(0));
        assert_eq!(read(Environment::of(&[])), Ok(0));
        let wrong = read(with("example.com")).unwrap_err().to_string();
        assert!(wrong.starts_with("IT is 'example.com': set it to networks"), "{wrong}");
    }

    #[test]
    fn what_is_no_text_is_wrong_and_never_absent() {
        let bytes = Environment(Box::new(|_| Some(OsString::from_vec(b"on\xff".to_vec()))));
        assert!(bytes.word("IT", Switch::Off).is_err());
        assert!(bytes.optional_text("IT").is_err());
        assert!(bytes.text("IT", "x").is_err());
    }
}

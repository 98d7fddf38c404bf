//! Which events go into one request? As many as it may have, one a line, in the order of the input.
//!
//! Input is read as it is needed: a file may be longer than memory, unless it is one array.

use std::io::Read;

use serde_json::{Deserializer, StreamDeserializer, de::IoRead, value::RawValue};

use crate::failure::{Done, Failure};

/// How many events a request may have.
const MOST_EVENTS: usize = 1_000;
/// The largest request.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The largest event.
const LARGEST_EVENT: usize = 256 * 1024;

/// Where events are read from.
pub(super) type Input = Box<dyn Read + Send>;

/// The events of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// The place of its first event in the input, from 0.
    pub(super) first: usize,
    /// How many they are.
    pub(super) count: usize,
    /// Each in a line.
    pub(super) lines: String,
}

/// The requests that an input makes.
pub(super) struct Batches {
    values: StreamDeserializer<'static, IoRead<Input>, Box<RawValue>>,
    /// Read, and not in a request yet; the next one last.
    waiting: Vec<String>,
    taken: usize,
    has_failed: bool,
}

impl Batches {
    /// Nothing is read yet.
    pub(super) fn of(input: Input) -> Self {
        let values = Deserializer::from_reader(input).into_iter();
        Self { values, waiting: Vec::new(), taken: 0, has_failed: false }
    }

    fn batch(&mut self) -> Done<Option<Batch>> {
        let mut batch = Batch { first: self.taken, count: 0, lines: String::new() };
        while batch.count < MOST_EVENTS {
            let Some(event) = self.event(batch.first + batch.count + 1)? else { break };
            if batch.lines.len() + event.len() + 1 > MOST_BYTES {
                self.waiting.push(event);
                break;
            }
            batch.lines.push_str(&event);
            batch.lines.push('\n');
            batch.count += 1;
        }
        self.taken += batch.count;
        Ok((batch.count > 0).then_some(batch))
    }

    /// The next event, in one line; `place` is its place in the input, from 1.
    fn event(&mut self, place: usize) -> Done<Option<String>> {
        while self.waiting.is_empty() {
            let Some(value) = self.values.next() else { return Ok(None) };
            let value = value.map_err(|error| unreadable(place, &error))?;
            if value.get().starts_with('[') {
                let events: Vec<&RawValue> =
                    serde_json::from_str(value.get()).map_err(|error| unreadable(place, &error))?;
                self.waiting = events.into_iter().rev().map(line).collect();
            } else {
                self.waiting.push(line(&value));
            }
        }
        let Some(event) = self.waiting.pop() else { return Ok(None) };
        if event.len() > LARGEST_EVENT {
            let why = format_args!("event {place} is larger than {LARGEST_EVENT} bytes");
            return Err(Failure::failed(why));
        }
        Ok(Some(event))
    }
}

fn unreadable(place: usize, error: &serde_json::Error) -> Failure {
    Failure::failed(format_args!("event {place} is not JSON: {error}"))
}

impl Iterator for Batches {
    type Item = Done<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let batch = self.batch().transpose();
        self.has_failed = matches!(batch, Some(Err(_)));
        batch
    }
}

/// The text of a value without its line ends: they only stand between tokens, for in a string they
/// are written `\n`.
fn line(value: &RawValue) -> String {
    value.get().replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn batches(input: impl Into<Vec<u8>>) -> Vec<Result<Batch, String>> {
        let batches = Batches::of(Box::new(Cursor::new(input.into())));
        batches.map(|it| it.map_err(|failure| failure.summary())).collect()
    }

    #[test]
    fn events_come_in_several_forms() {
        for (name, input, expected) in [
            ("one", r#"{"a": 1}"#, "{\"a\": 1}\n"),
            ("a line each", "{\"a\":1}\n\n{\"a\":2}\r\n", "{\"a\":1}\n{\"a\":2}\n"),
            ("over lines", "{\n  \"a\": \"x\\ny\"\n}", "{   \"a\": \"x\\ny\" }\n"),
            ("an array", " [{\"a\":1}, {\"a\":2}] ", "{\"a\":1}\n{\"a\":2}\n"),
            ("arrays", "[{\"a\":1}]\n[]\n[{\"a\":2}]", "{\"a\":1}\n{\"a\":2}\n"),
        ] {
            let found = batches(input);
            let count = expected.lines().count();
            let expected = Batch { first: 0, count, lines: expected.to_owned() };
            assert_eq!(found, [Ok(expected)], "{name}");
        }
        assert_eq!(batches(" \n"), []);
    }

    #[test]
    fn a_request_has_no_more_than_it_may() {
        let places = |found: Vec<Result<Batch, String>>| {
            found
                .into_iter()
                .map(|it| it.unwrap())
                .map(|it| (it.first, it.count))
                .collect::<Vec<_>>()
        };
        let many = "{}\n".repeat(2 * MOST_EVENTS + 1);
        assert_eq!(places(batches(many)), [(0, 1000), (1000, 1000), (2000, 1)]);

        let large = format!("{{\"a\":\"{}\"}}\n", "x".repeat(LARGEST_EVENT - 8)).repeat(17);
        let found = batches(large.clone());
        assert!(found.iter().flatten().all(|it| it.lines.len() <= MOST_BYTES));
        assert_eq!(places(found), [(0, 15), (15, 2)]);

        let too_large = large.replace("xx\"", "xxx\"");
        let found = batches(large + &too_large);
        assert_eq!(found.last(), Some(&Err("event 18 is larger than 262144 bytes".to_owned())));
        assert_eq!(batches(too_large), [Err("event 1 is larger than 262144 bytes".to_owned())]);
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place() {
        let found = batches("{}\n{}\n{\"a\":\n");
        let wrong = found.last().unwrap().as_ref().unwrap_err();
        assert!(wrong.starts_with("event 3 is not JSON: EOF"), "{wrong}");
    }
}

//! What is posted: a consumer was changed, a kibibyte of it.

use serde_json::{Value, json};

use crate::client;

/// How large an event's data is.
pub(crate) const BYTES: usize = 1_024;

/// The source of the events that a webhook waits for, and their name.
pub(crate) const HEARD: (&str, &str) = ("crud", "consumers");

/// Events that nobody waits for.
pub(crate) const UNHEARD: (&str, &str) = ("crud", "routes");

/// What stands before the number of an event, which says when it was posted, too. Both are texts of
/// one width, so that a request that is ready can be made another one in its place.
pub(crate) const SERIAL: &[u8] = b"\"serial\":\"";
/// What stands before the nanoseconds of the machine's clock at which an event was posted.
pub(crate) const POSTED: &[u8] = b"\"posted\":\"";
/// The width of both.
pub(crate) const WIDTH: usize = 20;

/// The data of an event, exactly [`BYTES`] long.
pub(crate) fn data() -> Value {
    let tags: Vec<_> = (0..8).map(|it| format!("tag-{it}")).collect();
    let mut data = json!({
        "serial": "0".repeat(WIDTH), "posted": "0".repeat(WIDTH),
        "operation": "update", "schema": "consumers",
        "entity": {
            "id": "3c9ab3f1-3f3e-4c6b-9b7e-1b1d3c5c7d9e", "username": "Lois Lane", "custom_id": null,
            "created_at": 1_627_595_574, "updated_at": 1_627_595_999, "tags": tags, "enabled": true,
            "plugins": [
                {"name": "key-auth", "config": {"key_names": ["apikey"], "hide_credentials": false}},
                {"name": "rate-limiting", "config": {"minute": 5, "policy": "local"}},
            ],
            "notes": "",
        },
    });
    let missing = BYTES - data.to_string().len();
    data["entity"]["notes"] = "x".repeat(missing).into();
    data
}

/// An event as it is posted.
pub(crate) fn posted((source, event): (&str, &str)) -> Value {
    json!({"source": source, "event": event, "data": data()})
}

/// A request that posts so many events at once.
pub(crate) fn request(names: (&str, &str), count: usize) -> Request {
    let body = match count {
        1 => posted(names).to_string(),
        _ => Value::from(vec![posted(names); count]).to_string(),
    };
    Request::of(client::request("POST", "/events", body.as_bytes()))
}

/// A request whose events can be given numbers.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// As it goes over the wire.
    pub(crate) bytes: Vec<u8>,
    serials: Vec<usize>,
    times: Vec<usize>,
}

impl Request {
    fn of(bytes: Vec<u8>) -> Self {
        let places = |of: &[u8]| -> Vec<usize> {
            memchr::memmem::find_iter(&bytes, of).map(|at| at + of.len()).collect()
        };
        let (serials, times) = (places(SERIAL), places(POSTED));
        Self { bytes, serials, times }
    }

    /// How many events it holds.
    pub(crate) fn count(&self) -> u64 {
        self.serials.len() as u64
    }

    /// Gives its events numbers from `first` on, posted at this moment.
    pub(crate) fn stamp(&mut self, first: u64, now: u64) {
        for (at, serial) in self.serials.iter().zip(first..) {
            write_digits(&mut self.bytes[*at..*at + WIDTH], serial);
        }
        for at in &self.times {
            write_digits(&mut self.bytes[*at..*at + WIDTH], now);
        }
    }
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// The number that stands after `name` in a body, if any.
pub(crate) fn digits(body: &[u8], name: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(body, name)? + name.len();
    std::str::from_utf8(body.get(at..at + WIDTH)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_as_large_as_it_says() {
        assert_eq!(data().to_string().len(), BYTES);
    }

    #[test]
    fn each_event_of_a_request_has_its_number_and_all_have_its_moment() {
        let mut request = request(HEARD, 3);
        request.stamp(41, 7);
        let text = String::from_utf8(request.bytes.clone()).unwrap();
        let body: Value = serde_json::from_str(text.split("\r\n\r\n").last().unwrap()).unwrap();
        let events = body.as_array().unwrap().iter().map(|event| event["data"].to_string());
        let found: Vec<_> = events
            .map(|it| (digits(it.as_bytes(), SERIAL), digits(it.as_bytes(), POSTED)))
            .collect();
        assert_eq!(found, [41, 42, 43].map(|serial| (Some(serial), Some(7))));
        assert_eq!(request.count(), 3);
    }
}

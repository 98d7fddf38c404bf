//! What happened: a source, an event name, data; and when it was accepted.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    id::{OccurrenceId, RequestId},
    name::{EventName, SourceName, Workspace},
    time::Timestamp,
    trace::TraceParent,
};

/// An accepted event. Cheap to clone: its data is shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// This acceptance of it.
    pub id: OccurrenceId,
    /// Its place among all events. A caller's `time` is data, never order.
    #[serde(flatten)]
    pub order: Order,
    /// Where it happened.
    pub workspace: Workspace,
    /// The action that caused it.
    pub source: SourceName,
    /// Its name within the source.
    pub event: EventName,
    /// Everything else that the gateway said about it.
    pub data: Data,
    /// What makes two posts of it the same event, where the caller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<EventKey>,
    /// When it happened, by the caller's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The process that saw it, where the caller said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i64>,
    /// The trace that it was posted in, if any; in an attempt, that attempt's span of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
}

/// An event's place among all events: by acceptance, never by the caller's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    /// When ingest took it.
    pub accepted: Timestamp,
    /// The request that brought it.
    pub request: RequestId,
    /// Its place in that request.
    pub index: u32,
}

/// The data of an event: a JSON object, shared between everything that looks at it.
#[derive(Clone, Default)]
pub struct Data(Arc<Members>);

#[derive(Default)]
struct Members {
    map: Map<String, Value>,
    /// The same as JSON, once somebody has asked for it.
    text: OnceLock<Box<str>>,
}

impl Data {
    /// A member, at the top level.
    pub fn get(&self, member: &str) -> Option<&Value> {
        self.as_map().get(member)
    }

    /// The data as JSON. However many hooks an event is owed to, it is made once.
    pub fn as_json(&self) -> &str {
        let made = || serde_json::to_string(self.as_map()).expect("JSON values have string keys");
        self.0.text.get_or_init(|| made().into())
    }

    /// A member that is a string.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.get(member).and_then(Value::as_str)
    }

    /// All members.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0.map
    }

    /// The data with the event's `source` and `event` merged in, as webhooks send it and
    /// templates see it. Members of the same names in the data lose.
    pub fn merged(&self, source: &SourceName, event: Option<&EventName>) -> Map<String, Value> {
        let mut merged = Map::with_capacity(self.as_map().len() + 2);
        merged.insert("source".into(), source.as_str().into());
        merged.extend(event.map(|event| ("event".into(), event.as_str().into())));
        for (member, value) in self.as_map() {
            merged.entry(member).or_insert_with(|| value.clone());
        }
        merged
    }
}

impl From<Map<String, Value>> for Data {
    fn from(map: Map<String, Value>) -> Self {
        Self(Arc::new(Members { map, text: OnceLock::new() }))
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.as_map() == other.as_map()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_map().fmt(out)
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_map().serialize(to)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Map::deserialize(from).map(Self::from)
    }
}

/// What makes two posts the same event, within a workspace and source, for 24 hours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKey {
    /// The event carried an `id` of its own.
    Id(String),
    /// The request carried an `Idempotency-Key`; the event is the one at this index.
    Request {
        /// The header's value.
        key: String,
        /// The event's place in the request.
        index: u32,
    },
}

impl Event {
    /// The same occurrence under the names that a hook knows it by.
    #[must_use]
    pub fn seen_as(&self, source: &SourceName, event: &EventName) -> Self {
        Self { source: source.clone(), event: event.clone(), ..self.clone() }
    }

    /// The same occurrence in a new span of its trace, where it has one.
    #[must_use]
    pub(crate) fn in_a_new_span(&self) -> Self {
        Self { trace: self.trace.map(|it| it.child()), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_datas_own_source_and_event_lose() {
        let Value::Object(members) = json!({"source": "x", "event": "y", "entity": {"a": 1}})
        else {
            unreachable!()
        };
        let (source, event) =
            (SourceName::parse("crud").unwrap(), EventName::parse("consumers").unwrap());
        let merged = Data::from(members).merged(&source, Some(&event));
        assert_eq!(
            Value::Object(merged),
            json!({"source": "crud", "event": "consumers", "entity": {"a": 1}})
        );
    }
}

//! What stands in paths, queries and headers?

use hooks::{delivery::Status, name};
use serde_json::{Value, json};

use super::schema;
use crate::wire::paging::{DEFAULT_SIZE, MOST_ITEMS};

/// A parameter, as the document has it.
pub(crate) struct Parameter(Value);

impl Parameter {
    /// As the document has it.
    pub(super) fn into_value(self) -> Value {
        self.0
    }
}

/// A part of a path that is an id.
pub(super) fn id(name: &str, description: &str) -> Parameter {
    in_path(name, description, &schema::uuid())
}

/// A part of a path that is the name of a source or an event.
pub(crate) fn name(name: &str, description: &str) -> Parameter {
    in_path(name, description, &schema::visible(name::MOST_BYTES))
}

/// How many items a page may have.
pub(super) fn size() -> Parameter {
    let schema = json!({
        "type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": DEFAULT_SIZE,
    });
    in_query("size", "How many items a page may have. It ends early at about 1 MiB.", &schema)
}

/// Where a page begins.
pub(super) fn offset() -> Parameter {
    let schema = json!({"type": "string", "format": "offset"});
    in_query("offset", "Where the page begins: what the page before it calls `offset`.", &schema)
}

/// Deliveries that stand so.
pub(crate) fn status() -> Parameter {
    let statuses = schema::one_of(Status::ALL.map(Status::as_str));
    in_query("status", "Only those that stand so.", &statuses)
}

/// A moment.
pub(crate) fn moment(name: &str, description: &str) -> Parameter {
    in_query(name, description, &schema::moment())
}

/// A parameter of the query.
pub(crate) fn in_query(name: &str, description: &str, schema: &Value) -> Parameter {
    parameter("query", name, description, schema)
}

/// A header of the request.
pub(crate) fn in_header(name: &str, description: &str, schema: &Value) -> Parameter {
    parameter("header", name, description, schema)
}

fn in_path(name: &str, description: &str, schema: &Value) -> Parameter {
    parameter("path", name, description, schema)
}

fn parameter(place: &str, name: &str, description: &str, schema: &Value) -> Parameter {
    let is_required = place == "path";
    Parameter(json!({
        "in": place,
        "name": name,
        "description": description,
        "required": is_required,
        "schema": schema,
    }))
}

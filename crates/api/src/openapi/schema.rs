//! How are values described? JSON Schema 2020-12, as OpenAPI 3.1 has it.
//!
//! Answers are described by their types; what requests may hold, by these words and the limits of
//! whoever reads them. Lengths are counted in bytes there and in characters here: texts that are
//! not ASCII may be refused although a schema takes them.

use hooks::name;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::form;
use crate::wire::hook::END_OF_TIME;

/// What a request's body holds, in whatever form it comes.
pub(crate) trait Wanted {
    /// Its name in the document.
    const NAME: &'static str;

    /// What it looks like in JSON, without references.
    fn schema() -> Value;

    /// One that is taken.
    fn example() -> Value;
}

/// The schemas that a document speaks of by name.
pub(crate) struct Components {
    generator: SchemaGenerator,
    wanted: Map<String, Value>,
}

impl Components {
    /// None yet.
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|it| {
            it.definitions_path = "/components/schemas".into();
            it.meta_schema = None;
        });
        Self { generator: settings.into_generator(), wanted: Map::new() }
    }

    /// What is answered.
    pub(super) fn shown(&mut self, schema: fn(&mut SchemaGenerator) -> Schema) -> Value {
        schema(&mut self.generator).to_value()
    }

    /// What is wanted, in JSON.
    pub(crate) fn wanted<W: Wanted>(&mut self) -> Value {
        self.named(W::NAME, W::schema)
    }

    /// What is wanted, as a form has it.
    pub(super) fn form<W: Wanted>(&mut self) -> Value {
        self.named(&format!("{}Form", W::NAME), || form::flat(&W::schema()))
    }

    fn named(&mut self, name: &str, schema: impl FnOnce() -> Value) -> Value {
        self.wanted.entry(name).or_insert_with(schema);
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// All of them.
    pub(super) fn into_schemas(mut self) -> Map<String, Value> {
        let mut schemas = self.generator.take_definitions(true);
        schemas.extend(self.wanted);
        schemas.sort_keys();
        schemas
    }
}

/// `true` or `false`.
pub(crate) fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// A whole number.
pub(crate) fn integer(least: i64, most: i64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

/// Text of 1 to `most` bytes.
pub(crate) fn text(most: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": most})
}

/// The same, without control characters.
pub(crate) fn visible(most: usize) -> Value {
    let pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$";
    json!({"type": "string", "minLength": 1, "maxLength": most, "pattern": pattern})
}

/// The name of a source or an event.
pub(crate) fn name() -> Value {
    visible(name::MOST_BYTES)
}

/// An id.
pub(crate) fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

/// One of these names.
pub(crate) fn one_of(names: impl IntoIterator<Item = &'static str>) -> Value {
    json!({"type": "string", "enum": names.into_iter().collect::<Vec<_>>()})
}

/// A list of 1 to `most` of these.
pub(crate) fn list(most: usize, of: &Value) -> Value {
    json!({"type": "array", "minItems": 1, "maxItems": most, "items": of})
}

/// This, or null.
pub(crate) fn nullable(schema: &Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// This, with a word about it.
pub(crate) fn about(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// An object of these members, and no others.
pub(crate) fn record(members: impl IntoIterator<Item = Member>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for Member { name, schema, is_required } in members {
        if is_required {
            required.push(name);
        }
        properties.insert(name.to_owned(), schema);
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Are there members that must be there?
pub(super) fn has_required(schema: &Value) -> bool {
    match schema["oneOf"].as_array() {
        Some(kinds) => kinds.iter().all(has_required),
        None => schema["required"].as_array().is_some_and(|it| !it.is_empty()),
    }
}

/// The same object, that may get more members in later releases.
pub(crate) fn open(mut record: Value) -> Value {
    if let Value::Object(keywords) = &mut record {
        keywords.shift_remove("additionalProperties");
    }
    record
}

/// A member of an object.
pub(crate) struct Member {
    name: &'static str,
    schema: Value,
    is_required: bool,
}

impl Member {
    /// One that must be there.
    pub(crate) fn required(name: &'static str, schema: Value) -> Self {
        Self { name, schema, is_required: true }
    }

    /// One that may be missing, or null.
    pub(crate) fn optional(name: &'static str, schema: &Value) -> Self {
        Self { name, schema: nullable(schema), is_required: false }
    }

    /// One that may be missing.
    pub(crate) fn sometimes(name: &'static str, schema: Value) -> Self {
        Self { name, schema, is_required: false }
    }
}

/// A moment in either notation.
pub(crate) fn moment() -> Value {
    json!({"anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "number", "minimum": 0, "exclusiveMaximum": END_OF_TIME + 1},
    ]})
}

/// In answers, one of these, by the names that they are written under.
pub(crate) fn named<T: Serialize>(all: &[T]) -> Schema {
    described(&json!({"type": "string", "enum": all}))
}

/// In answers, what this describes.
pub(crate) fn described(schema: &Value) -> Schema {
    Schema::try_from(schema.clone()).expect("schemas are objects")
}

macro_rules! described {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    described(&$schema)
                }
            }
        )+
    };
}

described! {
    /// An id, in answers.
    Id = uuid();
    /// The name of a source, an event or a workspace, in answers.
    Name = json!({"type": "string", "minLength": 1, "maxLength": name::MOST_BYTES});
    /// A moment in RFC 3339, in answers.
    Moment = json!({"type": "string", "format": "date-time"});
    /// Values of any kind by name, in answers.
    Anything = json!({"type": "object"});
}

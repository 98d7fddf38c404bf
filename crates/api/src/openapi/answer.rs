//! What does an operation answer when it was done?

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::schema::Components;

/// Describes a type.
type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An answer to what was done.
pub(crate) struct Answer {
    status: u16,
    description: &'static str,
    content: Option<(&'static str, SchemaOf)>,
    headers: Map<String, Value>,
    links: Map<String, Value>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn new(status: u16, description: &'static str) -> Self {
        let (headers, links) = (Map::new(), Map::new());
        Self { status, description, content: None, headers, links }
    }

    /// Its body is a `T`.
    pub(crate) fn of<T: JsonSchema>(mut self, content_type: &'static str) -> Self {
        self.content = Some((content_type, SchemaGenerator::subschema_for::<T>));
        self
    }

    /// It has a header.
    pub(crate) fn header(mut self, name: &str, description: &str) -> Self {
        let schema = json!({"type": "string"});
        let header = json!({"description": description, "required": true, "schema": schema});
        self.headers.insert(name.to_owned(), header);
        self
    }

    /// Its `id` is that parameter of another operation, which has the path's other ones too.
    pub(crate) fn leads_to(
        mut self,
        operation: &str,
        parameter: &str,
        others: &[(&str, &str)],
    ) -> Self {
        let mut parameters: Map<_, _> = others
            .iter()
            .map(|(name, from)| ((*name).to_owned(), format!("$request.path.{from}").into()))
            .collect();
        parameters.insert(parameter.to_owned(), "$response.body#/id".into());
        let link = json!({"operationId": operation, "parameters": parameters});
        self.links.insert(operation.to_owned(), link);
        self
    }

    /// The status.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// As the document has it. Under a second name of a path, nothing leads on.
    pub(super) fn into_value(self, is_alias: bool, components: &mut Components) -> Value {
        let mut answer = json!({"description": self.description});
        if let Some((content_type, schema)) = self.content {
            answer["content"] = json!({content_type: {"schema": components.shown(schema)}});
        }
        if !self.headers.is_empty() {
            answer["headers"] = self.headers.into();
        }
        if !self.links.is_empty() && !is_alias {
            answer["links"] = self.links.into();
        }
        answer
    }
}

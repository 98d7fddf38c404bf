//! How is a record written in a form? With a flat name for each member of a member, as in
//! `config.url`. Nothing at all is null, and an element alone is a list.

use serde_json::{Map, Value, json};

/// The schema of a form, from that of the same in JSON.
pub(super) fn flat(schema: &Value) -> Value {
    for word in ["oneOf", "anyOf"] {
        if let Some(kinds) = schema[word].as_array() {
            return json!({word: kinds.iter().map(flat).collect::<Vec<_>>()});
        }
    }
    let mut form = Form::default();
    form.add("", schema, true);
    let mut flat = json!({
        "type": "object",
        "properties": form.properties,
        "required": form.required,
        "additionalProperties": false,
    });
    if !form.patterns.is_empty() {
        flat["patternProperties"] = form.patterns.into();
    }
    if let Some(title) = schema.get("title") {
        flat["title"] = title.clone();
    }
    if form.takes_anything {
        flat["additionalProperties"] = json!({"type": "string"});
    }
    flat
}

/// An example of a form, from one in JSON.
pub(super) fn example(json: &Value) -> Value {
    let mut flat = Map::new();
    add_example(&mut flat, "", json);
    flat.into()
}

fn add_example(flat: &mut Map<String, Value>, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(member, it)| add_example(flat, &join(name, member), it));
        }
        Value::Null => {}
        leaf => drop(flat.insert(name.to_owned(), leaf.clone())),
    }
}

#[derive(Default)]
struct Form {
    properties: Map<String, Value>,
    patterns: Map<String, Value>,
    required: Vec<String>,
    takes_anything: bool,
}

impl Form {
    fn add(&mut self, name: &str, schema: &Value, is_required: bool) {
        let (kinds, is_nullable) = kinds(schema);
        if let Some(record) =
            kinds.iter().find(|it| it["type"] == "object" || it["$ref"].is_string())
            && kinds.len() == 1
        {
            return self.add_members(name, record, is_required);
        }
        if is_required {
            self.required.push(name.to_owned());
        }
        let texts = kinds.into_iter().filter(|it| it["$ref"].is_null());
        let mut texts: Vec<_> = texts.flat_map(one_or_several).collect();
        if is_nullable {
            texts.push(json!({"type": "string", "maxLength": 0}));
        }
        let only = if texts.len() == 1 { texts.pop() } else { None };
        self.properties.insert(name.to_owned(), only.unwrap_or_else(|| json!({"anyOf": texts})));
    }

    fn add_members(&mut self, name: &str, record: &Value, is_required: bool) {
        let required = record["required"].as_array();
        let is_needed = |member: &str| required.is_some_and(|it| it.iter().any(|it| it == member));
        for (member, inner) in record["properties"].as_object().into_iter().flatten() {
            self.add(&join(name, member), inner, is_required && is_needed(member));
        }
        match record.get("additionalProperties") {
            Some(Value::Bool(false)) => {}
            _ if name.is_empty() => self.takes_anything = true,
            _ => {
                let names =
                    record["propertyNames"]["pattern"].as_str().unwrap_or("^[A-Za-z0-9_-]+$");
                let names = names.trim_start_matches('^');
                let pattern = format!("^{}\\.{names}", name.replace('.', "\\."));
                let value = record.get("additionalProperties").and_then(|it| kinds(it).0.pop());
                let value = value.cloned().unwrap_or_else(|| json!({"type": "string"}));
                self.patterns.insert(pattern, value);
            }
        }
    }
}

/// The kinds of value that a schema takes but null, and whether it takes that.
fn kinds(schema: &Value) -> (Vec<&Value>, bool) {
    let Some(any) = schema["anyOf"].as_array() else { return (vec![schema], false) };
    let inner: Vec<_> = any.iter().map(kinds).collect();
    let is_null = |it: &&Value| it["type"] == "null";
    let is_nullable = any.iter().any(|it| is_null(&it)) || inner.iter().any(|it| it.1);
    (inner.into_iter().flat_map(|it| it.0).filter(|it| !is_null(it)).collect(), is_nullable)
}

/// A list may come as its one element.
fn one_or_several(schema: &Value) -> Vec<Value> {
    let one = (schema["type"] == "array").then(|| schema["items"].clone());
    [schema.clone()].into_iter().chain(one).collect()
}

fn join(name: &str, member: &str) -> String {
    if name.is_empty() { member.to_owned() } else { format!("{name}.{member}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi::schema::{self, Member, boolean, list, nullable, record};

    #[test]
    fn a_form_is_flat() {
        let inner = record([
            Member::required("url", schema::text(9)),
            Member::optional("on", &boolean()),
            Member::sometimes("by_name", json!({"type": "object"})),
        ]);
        let outer = record([
            Member::required("config", inner),
            Member::sometimes("names", list(2, &schema::text(3))),
        ]);
        let nothing = json!({"type": "string", "maxLength": 0});
        let name = schema::text(3);
        assert_eq!(
            flat(&outer),
            json!({
                "type": "object",
                "properties": {
                    "config.url": schema::text(9),
                    "config.on": {"anyOf": [boolean(), nothing]},
                    "names": {"anyOf": [list(2, &name), name]},
                },
                "patternProperties": {
                    "^config\\.by_name\\.[A-Za-z0-9_-]+$": {"type": "string"},
                },
                "required": ["config.url"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn what_may_be_left_out_needs_nothing_in_it() {
        let inner = record([Member::required("url", boolean())]);
        let outer = record([Member::optional("config", &nullable(&inner))]);
        assert_eq!(flat(&outer)["required"], json!([]));
    }

    #[test]
    fn an_example_is_flat_too() {
        let json = json!({"a": {"b": 1, "c": null}, "d": [1, 2]});
        assert_eq!(example(&json), json!({"a.b": 1, "d": [1, 2]}));
    }
}

//! What does a filter look like? Amazon EventBridge's event patterns, as `hooks::filter` reads them.

use serde_json::{Value, json};

use super::schema::Wanted;

/// A filter.
pub(super) struct EventPattern;

impl Wanted for EventPattern {
    const NAME: &'static str = "EventPattern";

    fn schema() -> Value {
        json!({
            "type": "object",
            "description": "The shape of the events that are wanted.",
            "minProperties": 1,
            "properties": {"$or": {
                "type": "array",
                "minItems": 2,
                "items": {"$ref": "#/components/schemas/EventPattern"},
            }},
            "additionalProperties": {"anyOf": [
                {"type": "array", "minItems": 1, "items": entry()},
                {"$ref": "#/components/schemas/EventPattern"},
            ]},
        })
    }

    fn example() -> Value {
        json!({"operation": ["create", {"prefix": "up"}]})
    }
}

/// One of the values or tests that a member may pass.
fn entry() -> Value {
    let text = || json!({"type": "string"});
    let some_text = || json!({"type": "string", "minLength": 1});
    let in_any_case = |text: Value| json!({"anyOf": [text, operator("equals-ignore-case", &text)]});
    let end = || in_any_case(text());
    let some = |of: Value| json!({"anyOf": [of, {"type": "array", "minItems": 1, "items": of}]});
    let but = json!({"anyOf": [
        some(text()),
        some(json!({"type": "number"})),
        operator("prefix", &some(in_any_case(some_text()))),
        operator("suffix", &some(in_any_case(some_text()))),
        operator("equals-ignore-case", &some(text())),
        operator("wildcard", &some(wildcard())),
    ]});
    json!({"anyOf": [
        {"type": ["string", "number", "boolean", "null"]},
        operator("prefix", &end()),
        operator("suffix", &end()),
        operator("equals-ignore-case", &text()),
        operator("wildcard", &wildcard()),
        operator("anything-but", &but),
        operator("numeric", &numeric()),
        operator("exists", &json!({"type": "boolean"})),
        operator("cidr", &json!({"type": "string", "format": "cidr"})),
    ]})
}

fn wildcard() -> Value {
    json!({"type": "string", "pattern": r"^([^*\\]|\*(?!\*)|\\[*\\])*$"})
}

/// One bound, or a lower and an upper one in either order.
fn numeric() -> Value {
    let bound = |operators: &[&str]| [json!({"enum": operators}), json!({"type": "number"})];
    let one = bound(&["=", "<", "<=", ">", ">="]);
    let (lower, upper) = (bound(&[">", ">="]), bound(&["<", "<="]));
    let two = |first: &[Value], second: &[Value]| {
        let both = [first, second].concat();
        json!({"type": "array", "prefixItems": both, "minItems": 4, "maxItems": 4})
    };
    json!({"anyOf": [
        {"type": "array", "prefixItems": one, "minItems": 2, "maxItems": 2},
        two(&lower, &upper),
        two(&upper, &lower),
    ]})
}

fn operator(name: &str, operand: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {name: operand},
        "required": [name],
        "additionalProperties": false,
    })
}

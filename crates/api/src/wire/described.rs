//! What does a hook look like? For `GET /openapi.json`: as it is wanted, changed and shown, a kind
//! of handler at a time.

use std::borrow::Cow;

use hooks::{filter::Filter, handler::HandlerKind};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{
    config,
    hook::{END_OF_TIME, LONGEST_MEMBER, MOST_MEMBERS},
};
use crate::openapi::{
    Wanted,
    schema::{
        self, Member, about, boolean, described, integer, list, nullable, one_of, open, record,
        text,
    },
};

/// What a hook is described for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// POST and PUT: what is not said has its default.
    Wanting,
    /// PATCH: what is not said stays.
    Changing,
    /// Answers: everything is said, but for extensions that nobody set.
    Showing,
}

impl For {
    /// A member that has no default.
    pub(super) fn needed(self, name: &'static str, schema: Value) -> Member {
        match self {
            Self::Wanting | Self::Showing => Member::required(name, schema),
            Self::Changing => Member::sometimes(name, schema),
        }
    }

    /// A member whose default is not null.
    pub(super) fn with_default(self, name: &'static str, schema: Value) -> Member {
        match self {
            Self::Wanting | Self::Changing => Member::optional(name, &schema),
            Self::Showing => Member::required(name, schema),
        }
    }

    /// A member that is null by default.
    pub(super) fn or_null(self, name: &'static str, schema: &Value) -> Member {
        match self {
            Self::Wanting | Self::Changing => Member::optional(name, schema),
            Self::Showing => Member::required(name, nullable(schema)),
        }
    }

    /// A member that is shown where somebody set it.
    pub(super) fn extension(self, name: &'static str, schema: Value) -> Member {
        match self {
            Self::Wanting | Self::Changing => Member::optional(name, &schema),
            Self::Showing => Member::sometimes(name, schema),
        }
    }

    fn config(self, kind: HandlerKind) -> Member {
        let config = record(config::members(kind, self));
        match (self, kind) {
            // All that it may have may be missing.
            (Self::Wanting, HandlerKind::Log) => Member::optional("config", &config),
            _ => self.needed("config", config),
        }
    }
}

/// A hook of this kind.
fn hook(kind: HandlerKind, purpose: For) -> Value {
    let members = about(text(LONGEST_MEMBER), "The name of a member of the data.");
    let filter = json!({"anyOf": [
        {"$ref": "#/components/schemas/EventPattern"},
        {
            "type": "string", "format": "event-pattern", "minLength": 1,
            "maxLength": Filter::MOST_BYTES, "description": "The same as a text, for forms.",
        },
    ]});
    let seconds = || integer(0, END_OF_TIME);
    let name = about(schema::name(), "As the catalog has it.");
    let handler = one_of([kind.as_str()]);
    let fields = [
        purpose.needed("source", name.clone()),
        purpose.or_null("event", &about(name, "Null: every event of the source.")),
        purpose.needed("handler", handler),
        purpose.or_null("on_change", &boolean()),
        purpose.or_null("snooze", &about(integer(0, u32::MAX.into()), "Seconds; 0 is none.")),
        purpose.config(kind),
        purpose.extension("enabled", boolean()),
        purpose.extension("group_by", list(MOST_MEMBERS, &members)),
        purpose.extension("filter", filter),
        purpose.with_default("id", schema::uuid()),
        purpose.with_default("created_at", seconds()),
        purpose.with_default("updated_at", about(seconds(), "Not looked at in requests.")),
    ];
    let mut hook = record(fields);
    if purpose == For::Showing {
        hook = open(hook);
    }
    hook["title"] = kind.as_str().into();
    hook
}

fn of_each_kind(purpose: For) -> Vec<Value> {
    HandlerKind::ALL.map(|kind| hook(kind, purpose)).into()
}

/// A hook as POST and PUT take it.
pub(crate) struct HookWanted;

impl Wanted for HookWanted {
    const NAME: &'static str = "HookWanted";

    fn schema() -> Value {
        json!({"oneOf": of_each_kind(For::Wanting)})
    }

    fn example() -> Value {
        json!({
            "source": "balancer",
            "event": "health",
            "handler": "webhook",
            "config": {
                "url": "https://hooks.example.com/health",
                "headers": {"x-team": "blue"},
                "secret": "s3cr3t",
            },
            "snooze": 60,
            "group_by": ["upstream_id", "ip"],
        })
    }
}

/// What PATCH changes of a hook.
pub(crate) struct HookChange;

impl Wanted for HookChange {
    const NAME: &'static str = "HookChange";

    fn schema() -> Value {
        json!({
            "description": "An `id` or `created_at` that is sent must be the hook's own.",
            "anyOf": of_each_kind(For::Changing),
        })
    }

    fn example() -> Value {
        json!({"snooze": 60, "enabled": true})
    }
}

/// A hook as it is answered.
pub(crate) struct Hook;

impl JsonSchema for Hook {
    fn schema_name() -> Cow<'static, str> {
        "Hook".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        described(&json!({"oneOf": of_each_kind(For::Showing)}))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::wire::{
        hook::fields,
        infer::{FieldType, Fields},
    };

    fn names(fields: Fields) -> BTreeSet<&'static str> {
        fields.iter().map(|(name, _)| *name).collect()
    }

    fn described_names(schema: &Value) -> BTreeSet<&str> {
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn what_is_described_is_what_forms_are_read_by() {
        for kind in HandlerKind::ALL {
            let fields = fields(Some(kind));
            let schema = hook(kind, For::Wanting);
            assert_eq!(described_names(&schema), names(fields), "{kind}");
            let (_, config) = fields.iter().find(|(name, _)| *name == "config").unwrap();
            let FieldType::Record(config) = config else { panic!("config is a record") };
            let schema = record(config::members(kind, For::Wanting));
            assert_eq!(described_names(&schema), names(config), "{kind}");
        }
    }
}

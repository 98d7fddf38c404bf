//! What does somebody publish of an event? From the decoded object to an [`EventSpec`].

use hooks::{catalog::EventSpec, violation::Violations};
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{
    arguments::Arguments,
    fields::{Read, Record, array, text},
    infer::{FieldType, Fields},
};
use crate::openapi::{
    Wanted,
    schema::{self, Member, about, record},
};

/// How many members an event may say that it has.
const MOST_MEMBERS: usize = 256;
/// The longest name of a member.
const LONGEST_MEMBER: usize = 255;
/// The longest description.
const LONGEST_DESCRIPTION: usize = 1024;

/// The longest entry, as JSON: it has to fit into one item of any store.
const LONGEST_ENTRY: usize = 64 * 1024;

const TEXTS: FieldType = FieldType::Array(&FieldType::String);
const FIELDS: Fields = &[
    ("fields", TEXTS),
    ("unique", TEXTS),
    ("description", FieldType::String),
    ("group_by", TEXTS),
];

/// The entry that the arguments of a request describe.
pub(crate) fn published(arguments: Arguments) -> Result<EventSpec, Violations> {
    let mut violations = Violations::default();
    let mut entry = Record::new("", arguments.into_fields(FIELDS), &mut violations);
    let spec = EventSpec {
        fields: entry.optional("fields", members).unwrap_or_default(),
        unique: entry.optional("unique", members),
        description: entry.optional("description", text(LONGEST_DESCRIPTION)),
        group_by: entry.optional("group_by", members),
    };
    entry.finish();
    let length = serde_json::to_vec(&spec).map_or(usize::MAX, |json| json.len());
    if length > LONGEST_ENTRY {
        violations.add("@entity", format_args!("length must be at most {LONGEST_ENTRY} in all"));
    }
    violations.into_result().map(|()| spec)
}

/// An entry of the catalog as it is published.
pub(crate) struct EventSpecWanted;

impl Wanted for EventSpecWanted {
    const NAME: &'static str = "EventSpecWanted";

    fn schema() -> Value {
        let members = || {
            let name = schema::text(LONGEST_MEMBER);
            json!({"type": "array", "maxItems": MOST_MEMBERS, "items": name})
        };
        let mut entry = record([
            Member::optional("fields", &about(members(), "What its data has.")),
            Member::optional("unique", &about(members(), "Its key parts.")),
            Member::optional("description", &schema::text(LONGEST_DESCRIPTION)),
            Member::optional("group_by", &about(members(), "What keeps its gates apart.")),
        ]);
        entry["description"] = format!("At most {LONGEST_ENTRY} bytes in all.").into();
        entry
    }

    fn example() -> Value {
        json!({
            "fields": ["consumer", "ip", "service", "route"],
            "unique": ["consumer", "ip", "service"],
            "description": "Run an event for a request",
        })
    }
}

/// What the catalog knows of an event.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what is shown is the entry itself")]
#[schemars(rename = "EventSpec")]
pub(crate) struct Shown {
    fields: Vec<String>,
    #[schemars(skip_serializing_if = "Option::is_none", with = "Vec<String>")]
    unique: Option<Vec<String>>,
    #[schemars(skip_serializing_if = "Option::is_none", with = "String")]
    description: Option<String>,
    #[schemars(skip_serializing_if = "Option::is_none", with = "Vec<String>")]
    group_by: Option<Vec<String>>,
}

fn members(value: Value) -> Read<Vec<String>> {
    match value {
        Value::Array(none) if none.is_empty() => Ok(Vec::new()),
        some => array(MOST_MEMBERS, text(LONGEST_MEMBER))(some),
    }
}

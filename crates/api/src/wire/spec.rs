//! What does somebody publish of an event? From the decoded object to an [`EventSpec`].

use hooks::{catalog::EventSpec, violation::Violations};
use serde_json::Value;

use super::{
    arguments::Arguments,
    fields::{Read, Record, array, text},
    infer::{FieldType, Fields},
};

/// How many members an event may say that it has.
const MOST_MEMBERS: usize = 256;
/// The longest name of a member.
const LONGEST_MEMBER: usize = 255;
/// The longest description.
const LONGEST_DESCRIPTION: usize = 1024;

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
    violations.into_result().map(|()| spec)
}

fn members(value: Value) -> Read<Vec<String>> {
    match value {
        Value::Array(none) if none.is_empty() => Ok(Vec::new()),
        some => array(MOST_MEMBERS, text(LONGEST_MEMBER))(some),
    }
}

//! Which token does somebody want, and how is one shown? Its text only in the answer that made it.

use std::collections::BTreeSet;

use hooks::{
    access::{Role, Token},
    id::TokenId,
    name::{self, NameError, Workspace},
    secret::Secret,
    tokens::NewToken,
    violation::Violations,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    arguments::Arguments,
    fields::{Read, Record, array, parsed, text, wrong},
    infer::{FieldType, Fields},
};
use crate::{
    openapi::{
        Wanted,
        schema::{Id, Member, Name, about, described, list, one_of, record, visible},
    },
    routing,
};

/// How many workspaces a token may be tied to.
const MOST_WORKSPACES: usize = 100;

const FIELDS: Fields = &[
    ("name", FieldType::String),
    ("role", FieldType::String),
    ("workspaces", FieldType::Array(&FieldType::String)),
];

/// A token as it is asked for.
pub(crate) struct TokenWanted;

impl Wanted for TokenWanted {
    const NAME: &'static str = "TokenWanted";

    fn schema() -> Value {
        let workspace = json!({
            "type": "string", "pattern": "^[A-Za-z0-9_.~-]+$", "maxLength": name::MOST_BYTES,
            "not": {"enum": routing::not_prefixes().chain(["default"]).collect::<Vec<_>>()},
        });
        let workspaces = about(
            list(MOST_WORKSPACES, &workspace),
            "Where it is good; everywhere, where they are left out.",
        );
        record([
            Member::required("name", visible(name::MOST_BYTES)),
            Member::required("role", one_of(Role::ALL.map(Role::as_str))),
            Member::sometimes("workspaces", workspaces),
        ])
    }

    fn example() -> Value {
        json!({"name": "gateway", "role": "emitter", "workspaces": ["blue", "green"]})
    }
}

/// The token that the arguments of a request describe.
pub(crate) fn wanted(arguments: Arguments) -> Result<NewToken, Violations> {
    let members = arguments.into_fields(FIELDS);
    // Elsewhere null is the same as nothing at all. Here it would make a token good everywhere
    // because somebody's variable was empty.
    let is_tied_to_nothing = members.get("workspaces").is_some_and(Value::is_null);
    let mut violations = Violations::default();
    let mut token = Record::new("", members, &mut violations);
    let name = token.required("name", a_name);
    let role = token.required("role", parsed(role));
    let workspaces = token.optional("workspaces", array(MOST_WORKSPACES, parsed(workspace)));
    token.finish();
    if is_tied_to_nothing {
        violations.add("workspaces", "must not be empty; leave it out for every workspace");
    }
    let (Some(name), Some(role)) = (name, role) else { return Err(violations) };
    violations.into_result()?;
    let workspaces: BTreeSet<_> = workspaces.into_iter().flatten().collect();
    Ok(NewToken { name, role, workspaces: workspaces.into_iter().collect() })
}

fn a_name(value: Value) -> Read<String> {
    let name = text(name::MOST_BYTES)(value)?;
    if name.contains(char::is_control) { Err(wrong(NameError::Control)) } else { Ok(name) }
}

fn role(name: &str) -> Result<Role, String> {
    let all = Role::ALL.map(Role::as_str).join(", ");
    Role::parse(name).ok_or(format!("expected one of: {all}"))
}

fn workspace(name: &str) -> Result<Workspace, String> {
    let workspace = Workspace::parse(name).map_err(|error| error.to_string())?;
    if workspace.is_default() {
        return Err("'default' is every workspace: leave workspaces out".to_owned());
    }
    if !routing::is_prefix(name) {
        return Err(format!("'{name}' cannot be a workspace"));
    }
    Ok(workspace)
}

/// A token as lists show it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub(crate) struct Listed<'a> {
    #[schemars(with = "Id")]
    id: TokenId,
    name: &'a str,
    #[schemars(schema_with = "roles")]
    role: &'static str,
    /// Null: it is good everywhere.
    #[schemars(with = "Option<Vec<Name>>")]
    workspaces: Option<&'a [Workspace]>,
    /// In seconds since 1970.
    created_at: i64,
}

fn roles(_: &mut SchemaGenerator) -> Schema {
    described(&one_of(Role::ALL.map(Role::as_str)))
}

/// A token as it is shown once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewToken")]
pub(crate) struct Made<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    /// What its holder shows. It is never shown again.
    token: &'a str,
}

impl<'a> Listed<'a> {
    /// How lists show this token.
    pub(crate) fn of(token: &'a Token) -> Self {
        Self {
            id: token.id,
            name: &token.name,
            role: token.role.as_str(),
            workspaces: Some(&*token.workspaces).filter(|it| !it.is_empty()),
            created_at: token.created_at.as_seconds(),
        }
    }
}

impl<'a> Made<'a> {
    /// All of this token.
    pub(crate) fn of(token: &'a Token, text: &'a Secret) -> Self {
        Self { listed: Listed::of(token), token: text.expose() }
    }
}

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
use serde::Serialize;
use serde_json::Value;

use super::{
    arguments::Arguments,
    fields::{Read, Record, array, parsed, text, wrong},
    infer::{FieldType, Fields},
};
use crate::routing;

/// How many workspaces a token may be tied to.
const MOST_WORKSPACES: usize = 100;

const FIELDS: Fields = &[
    ("name", FieldType::String),
    ("role", FieldType::String),
    ("workspaces", FieldType::Array(&FieldType::String)),
];

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
#[derive(Serialize)]
pub(crate) struct Listed<'a> {
    id: TokenId,
    name: &'a str,
    role: &'static str,
    workspaces: Option<&'a [Workspace]>,
    created_at: i64,
}

/// A token as it is shown once.
#[derive(Serialize)]
pub(crate) struct Made<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
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

//! Who changed what? One record for each change, in the log, under the target `audit`.
//!
//! A record is written when the store or the queue has answered. Where that says neither yes nor
//! no, the change may be made all the same, and its record says so.

use std::fmt::Display;

use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    access::{By, Token, Who, sha256},
    catalog::EventSpec,
    handler::Secrets,
    hook::EventHook,
    name::{EventName, SourceName, Workspace},
    ports::{Poison, PortError, PortResult},
};

/// The longest that a record shows a configuration. Lines of logs have an end.
const MOST_BYTES: usize = 64 * 1024;

/// A change that somebody wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// What was done, and to what kind of thing: `hook.create`.
    pub(crate) action: &'static str,
    /// The thing's id or name.
    pub(crate) what: String,
    /// Where it is, if it is somewhere.
    pub(crate) workspace: Option<Workspace>,
    /// What it was, without secrets.
    pub(crate) before: Option<Value>,
    /// What it became, without secrets.
    pub(crate) after: Option<Value>,
    /// The fields that are not what they were, the hidden ones too.
    pub(crate) changed: Vec<String>,
}

impl Change {
    /// A change of nothing that has a before or an after.
    fn new(action: &'static str, what: &dyn Display) -> Self {
        let (workspace, before, after, changed) = (None, None, None, Vec::new());
        Self { action, what: what.to_string(), workspace, before, after, changed }
    }

    /// A hook was made.
    pub(crate) fn created(hook: &EventHook) -> Self {
        let after = Some(bounded(without_credentials(hook)));
        Self { after, ..Self::of("hook.create", hook) }
    }

    /// A hook was changed: taken out of service or put back into it, if nothing else says more.
    pub(crate) fn updated(before: &EventHook, after: &EventHook) -> Self {
        let action = match (before.is_enabled(), after.is_enabled()) {
            (true, false) => "hook.disable",
            (false, true) => "hook.enable",
            _ => "hook.update",
        };
        Self {
            before: Some(bounded(without_credentials(before))),
            after: Some(bounded(without_credentials(after))),
            changed: differences(before, after),
            ..Self::of(action, after)
        }
    }

    /// A hook was removed.
    pub(crate) fn deleted(hook: &EventHook) -> Self {
        let before = Some(bounded(without_credentials(hook)));
        Self { before, ..Self::of("hook.delete", hook) }
    }

    /// Something was done with what a hook is owed.
    pub(crate) fn of(action: &'static str, hook: &EventHook) -> Self {
        Self { workspace: Some(hook.workspace.clone()), ..Self::new(action, &hook.id) }
    }

    /// An entry of the catalog was published or withdrawn.
    pub(crate) fn of_source(
        action: &'static str,
        (source, event): (&SourceName, &EventName),
        before: Option<&EventSpec>,
        after: Option<&EventSpec>,
    ) -> Self {
        let shown = |spec: &EventSpec| bounded(json!(spec));
        let (before, after) = (before.map(shown), after.map(shown));
        Self { before, after, ..Self::new(action, &format_args!("{source}/{event}")) }
    }

    /// A token was given out.
    pub(crate) fn added(token: &Token) -> Self {
        Self { after: Some(shown(token)), ..Self::new("token.add", &token.id) }
    }

    /// A token was taken back.
    pub(crate) fn removed(token: &Token) -> Self {
        Self { before: Some(shown(token)), ..Self::new("token.remove", &token.id) }
    }

    /// Something was done with a message that could not be processed. What is in it is not said.
    pub(crate) fn of_poison(action: &'static str, poison: &Poison) -> Self {
        let before = json!({
            "queue": poison.queue.as_str(), "reason": poison.reason, "receives": poison.receives,
        });
        Self { before: Some(before), ..Self::new(action, &poison.id) }
    }
}

/// Writes down what became of a change: nothing where it certainly was not made.
pub(crate) fn note<T>(by: &By, change: &Change, answer: &PortResult<T>) {
    let result = match answer {
        Ok(_) => "made",
        Err(PortError::Conflict) => return,
        Err(PortError::Unavailable { .. } | PortError::Corrupt { .. }) => "unknown",
    };
    let (token_id, token_name) = match &by.who {
        Who::Holder { id, name } => (Some(id.to_string()), Some(name.as_str())),
        Who::Anybody | Who::First => (None, None),
    };
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let changed = (!change.changed.is_empty()).then(|| change.changed.join(","));
    tracing::info!(
        target: "audit",
        action = change.action,
        result,
        by = by.who.as_str(),
        token_id,
        token_name,
        address = by.address.map(|it| it.to_string()),
        workspace = change.workspace.as_ref().map(Workspace::as_str),
        what = change.what,
        changed,
        before = text(&change.before),
        after = text(&change.after),
        "change",
    );
}

/// A hook as others may see it. Who listens to changes of hooks, or reads the log, is not trusted
/// with what they send: header values and the query of the URL often hold tokens.
pub(crate) fn without_credentials(hook: &EventHook) -> Value {
    let mut view = Value::Object(hook.view(Secrets::Hidden));
    let config = &mut view["config"];
    if let Some(headers) = config.get_mut("headers").and_then(Value::as_object_mut) {
        headers.values_mut().for_each(|value| *value = "***".into());
    }
    let url = config.get("url").and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
    if let Some(mut url) = url {
        let had_query = url.query().is_some();
        url.set_query(had_query.then_some("***"));
        // A URL without a host has no credentials either.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        config["url"] = url.as_str().into();
    }
    view
}

/// A token as others may see it.
fn shown(token: &Token) -> Value {
    let Token { id, name, role, workspaces, .. } = token;
    json!({"id": id, "name": name, "role": role, "workspaces": workspaces})
}

/// What is shown of a thing whose configuration is long: which one it was can still be told.
fn bounded(mut view: Value) -> Value {
    let text = view.to_string();
    if text.len() <= MOST_BYTES {
        return view;
    }
    let digest = |text: &str| json!({"sha256": sha256(text), "bytes": text.len()});
    match view.get_mut("config") {
        Some(config) => *config = digest(&config.to_string()),
        None => view = digest(&text),
    }
    view
}

/// The fields that differ, those of the configuration one by one. Of the secrets too it says that,
/// and never how.
fn differences(before: &EventHook, after: &EventHook) -> Vec<String> {
    let [before, after] = [before, after].map(|it| it.view(Secrets::Shown));
    let nothing = Map::new();
    let config = |view: &Map<String, Value>| {
        view.get("config").and_then(Value::as_object).unwrap_or(&nothing).clone()
    };
    let of_config = differing(&config(&before), &config(&after));
    let fields = differing(&before, &after).into_iter().flat_map(|field| match field.as_str() {
        "updated_at" => Vec::new(),
        "config" => of_config.iter().map(|it| format!("config.{it}")).collect(),
        _ => vec![field],
    });
    fields.collect()
}

fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| before.get(*name) != after.get(*name));
    names.into_iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_configuration_is_known_by_its_digest() {
        let long = |letter: &str| json!({"id": 1, "config": {"body": letter.repeat(MOST_BYTES)}});
        let shown = bounded(long("x"));
        assert_eq!(shown["id"], 1);
        assert_eq!(shown["config"]["bytes"], MOST_BYTES + r#"{"body":""}"#.len());
        assert_ne!(shown["config"]["sha256"], bounded(long("y"))["config"]["sha256"]);
        let short = json!({"id": 1, "config": {"body": "x"}});
        assert_eq!(bounded(short.clone()), short);
        assert!(bounded(json!({"fields": ["x".repeat(MOST_BYTES)]}))["bytes"].is_number());
    }
}

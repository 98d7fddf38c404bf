//! What does a hook say, and what must change for it to say something else?
//!
//! A hook of a file says what it names. What it does not name has its default, but for what is
//! seen to elsewhere: the secret, `ssl_verify`, `enabled` (a deployment disables hooks whose
//! receivers are gone), and whatever this release does not know. That stays as it is.

use serde_json::{Map, Value, json};

/// A hook, as a deployment or a file has it.
pub(crate) type Hook = Map<String, Value>;

/// Whether secrets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// As the deployment shows them.
    Shown,
    /// Left out, so that what is shown can be applied again and changes none.
    LeftOut,
}

/// The fields of a hook that this release knows, in the order in which they are written.
pub(crate) const FIELDS: [&str; 12] = [
    "id",
    "source",
    "event",
    "handler",
    "enabled",
    "on_change",
    "snooze",
    "group_by",
    "filter",
    "config",
    "created_at",
    "updated_at",
];

/// What a deployment decides about, and a file does not.
const NOT_CHANGED: [&str; 3] = ["id", "created_at", "updated_at"];

/// The default of a field, where it has one that is the same in every deployment.
fn default_of(field: &str) -> Option<Value> {
    match field {
        "event" | "on_change" | "snooze" | "group_by" | "filter" => Some(Value::Null),
        _ => None,
    }
}

/// The same of a field of `config`.
fn default_in_config(field: &str) -> Option<Value> {
    match field {
        "headers" => Some(json!({})),
        "payload" | "body" | "template_engine" | "format" => Some(Value::Null),
        "payload_format" | "body_format" => Some(true.into()),
        "headers_format" => Some(false.into()),
        _ => None,
    }
}

/// The hook without what goes without saying, in the order of [`FIELDS`].
pub(crate) fn essence(hook: &Hook, secrets: Secrets) -> Hook {
    let known = FIELDS.iter().filter_map(|name| hook.get_key_value(*name));
    let others = hook.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str()));
    let fields = known
        .chain(others)
        .filter(|(name, value)| *name != "updated_at" && *name != "config" && !value.is_null());
    let mut essence: Hook = fields.map(|(name, value)| (name.clone(), value.clone())).collect();

    let config = hook.get("config").and_then(Value::as_object).into_iter().flatten();
    let config = config.filter(|(name, value)| {
        let is_hidden = *name == "secret" && secrets == Secrets::LeftOut;
        !is_hidden && !value.is_null() && default_in_config(name).as_ref() != Some(value)
    });
    let config: Hook = config.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !config.is_empty() {
        let created_at = essence.shift_remove("created_at");
        essence.insert("config".into(), config.into());
        essence.extend(created_at.map(|it| ("created_at".to_owned(), it)));
    }
    essence
}

/// The hook as it is answered, without its secret where that is not shown.
pub(crate) fn view(mut hook: Value, secrets: Secrets) -> Value {
    if secrets == Secrets::LeftOut
        && let Some(config) = hook.get_mut("config").and_then(Value::as_object_mut)
    {
        config.shift_remove("secret");
    }
    hook
}

/// What a hook listens to and does, in a few words.
pub(crate) fn in_words(hook: &Hook) -> String {
    let text = |name: &str| hook.get(name).and_then(Value::as_str);
    let event = text("event").unwrap_or("*");
    let words =
        format!("{}/{event} {}", text("source").unwrap_or("?"), text("handler").unwrap_or("?"));
    match url(hook) {
        Some(url) => format!("{words} {url}"),
        None => words,
    }
}

/// Where a hook sends to.
pub(crate) fn url(hook: &Hook) -> Option<&str> {
    hook.get("config")?.get("url")?.as_str()
}

/// What a PATCH must say, so that a hook says what is wanted; nothing where it does already.
pub(crate) fn changes(wanted: &Hook, hook: &Hook) -> Hook {
    let mut changes = Map::new();
    let rules = |name: &str| !NOT_CHANGED.contains(&name) && name != "config";
    differing(wanted, hook, default_of, rules, &mut changes);

    let config_of = |hook: &Hook| hook.get("config").and_then(Value::as_object).cloned();
    let new = config_of(wanted).unwrap_or_default();
    // Another handler begins with an empty configuration.
    let inherits = wanted.get("handler") == hook.get("handler");
    let old = config_of(hook).filter(|_| inherits).unwrap_or_default();
    let mut config = Map::new();
    // Null is the deployment's default, which is not known here.
    let is_said = |name: &str| name != "ssl_verify" || !new.get(name).is_none_or(Value::is_null);
    differing(&new, &old, default_in_config, is_said, &mut config);
    if !config.is_empty() {
        changes.insert("config".into(), config.into());
    }
    changes
}

/// The members that differ, for which `counts` is true: as they are wanted, or null where they
/// should have their default again.
fn differing(
    wanted: &Hook,
    present: &Hook,
    default: impl Fn(&str) -> Option<Value>,
    counts: impl Fn(&str) -> bool,
    changes: &mut Hook,
) {
    let or_default = |name: &str, value: Option<&Value>| match value {
        Some(value) if !value.is_null() => value.clone(),
        _ => default(name).unwrap_or_default(),
    };
    for (name, value) in wanted.iter().filter(|(name, _)| counts(name)) {
        if !same(&or_default(name, Some(value)), &or_default(name, present.get(name))) {
            changes.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in present.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
        let default = default(name).filter(|_| counts(name));
        if default.is_some_and(|it| !value.is_null() && !same(&it, value)) {
            changes.insert(name.clone(), Value::Null);
        }
    }
}

/// The hook once the changes are made.
pub(crate) fn changed(hook: &Hook, changes: &Hook) -> Hook {
    let mut after = hook.clone();
    if changes.contains_key("handler") {
        // Another handler begins with an empty configuration.
        after.insert("config".into(), json!({}));
    }
    for (name, value) in changes {
        match (after.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) if name == "config" => {
                old.extend(new.clone());
            }
            _ => drop(after.insert(name.clone(), value.clone())),
        }
    }
    after
}

/// Do two values say the same? The order of members does not count, nor does how a number is
/// written.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() || other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in_other = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|other| same(value, other))
            };
            one.len() == other.len() && one.iter().all(is_in_other)
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests;

//! Which fields does a JSON body set? Names with dots stand for members of members, as in forms.

use serde_json::{Map, Value};

/// The deepest that dots nest.
const MOST_DOTS: usize = 16;

/// Expands names with dots at the top level and within `config`, never within maps of the
/// caller's own such as headers and payload. Later members win over earlier ones.
pub(super) fn expand(members: Map<String, Value>) -> Map<String, Value> {
    let mut expanded = expand_names(members);
    if let Some(Value::Object(config)) = expanded.get_mut("config") {
        *config = expand_names(std::mem::take(config));
    }
    expanded
}

fn expand_names(members: Map<String, Value>) -> Map<String, Value> {
    if !members.keys().any(|name| name.contains('.')) {
        return members;
    }
    let mut expanded = Map::with_capacity(members.len());
    for (name, value) in members {
        let mut path: Vec<_> = name.split('.').collect();
        if path.len() > MOST_DOTS || path.contains(&"") {
            path = vec![&name];
        }
        set(&mut expanded, &path, value);
    }
    expanded
}

fn set(members: &mut Map<String, Value>, path: &[&str], value: Value) {
    let [name, rest @ ..] = path else { return };
    let member = members.entry(*name).or_insert(Value::Null);
    match (rest, value) {
        ([], Value::Object(more)) if member.is_object() => {
            merge(member.as_object_mut().expect("just asked"), more);
        }
        ([], value) => *member = value,
        (rest, value) => {
            if !member.is_object() {
                *member = Map::new().into();
            }
            set(member.as_object_mut().expect("just made"), rest, value);
        }
    }
}

fn merge(members: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        set(members, &[&name], value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dots_nest_in_records_and_nowhere_else() {
        for (name, given, expected) in [
            ("no dots", json!({"config": {"url": "u"}}), json!({"config": {"url": "u"}})),
            ("at the top", json!({"config.url": "u"}), json!({"config": {"url": "u"}})),
            (
                "several",
                json!({"config.url": "u", "config.secret": null}),
                json!({"config": {"url": "u", "secret": null}}),
            ),
            (
                "two levels",
                json!({"config.headers.X-A": "1"}),
                json!({"config": {"headers": {"X-A": "1"}}}),
            ),
            (
                "within config",
                json!({"config": {"headers.X-A": "1"}}),
                json!({"config": {"headers": {"X-A": "1"}}}),
            ),
            (
                "both ways",
                json!({"config": {"url": "u"}, "config.secret": "s"}),
                json!({"config": {"url": "u", "secret": "s"}}),
            ),
            (
                "the other way round",
                json!({"config.secret": "s", "config": {"url": "u"}}),
                json!({"config": {"secret": "s", "url": "u"}}),
            ),
            (
                "the later one wins",
                json!({"config": {"url": "a"}, "config.url": "b"}),
                json!({"config": {"url": "b"}}),
            ),
            (
                "not within headers",
                json!({"config": {"headers": {"a.b": "1"}}}),
                json!({"config": {"headers": {"a.b": "1"}}}),
            ),
            (
                "not within the payload",
                json!({"config.payload": {"a.b": {"c.d": 1}}}),
                json!({"config": {"payload": {"a.b": {"c.d": 1}}}}),
            ),
            ("a dot at the end", json!({"config.": 1}), json!({"config.": 1})),
            (
                "a value where members go",
                json!({"config": 1, "config.url": "u"}),
                json!({"config": {"url": "u"}}),
            ),
        ] {
            let expanded = expand(given.as_object().unwrap().clone());
            assert_eq!(Value::from(expanded), expected, "{name}");
        }
    }

    #[test]
    fn dots_without_end_nest_nothing() {
        let name = "a.".repeat(10_000) + "a";
        let given = Map::from_iter([(name.clone(), Value::Null)]);
        assert_eq!(expand(given.clone()), given);
    }
}

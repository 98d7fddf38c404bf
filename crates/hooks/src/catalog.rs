//! Which events are there to listen to?
//!
//! The built-in catalog, and what gateways and plugins have published on top of it. Publishing
//! an event of a built-in name replaces that entry until it is removed again: gateways publish
//! all they know when they start, and must not be refused for it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

use crate::{
    event::Event,
    matching,
    name::{EventName, SourceName},
};

/// What is known of one event of one source. Shaped as the admin API answers it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventSpec {
    /// The members of its data that templates may use.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The members that make it what it is: its key parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<Vec<String>>,
    /// What it means, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Extension: the members whose values keep gate memories apart, where a hook does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Vec<String>>,
}

/// An entry that somebody published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Its source.
    pub source: SourceName,
    /// Its name within the source.
    pub event: EventName,
    /// What was said of it.
    pub spec: EventSpec,
}

/// A source's events, as the second level of the catalog shows them.
pub type Events = BTreeMap<String, EventSpec>;

/// The built-in catalog with everything published laid over it.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    published: HashMap<(SourceName, EventName), EventSpec>,
}

impl Catalog {
    /// Lays what was published over what is built in.
    pub fn with(published: impl IntoIterator<Item = Published>) -> Self {
        let published = published.into_iter().map(|it| ((it.source, it.event), it.spec)).collect();
        Self { published }
    }

    /// What is known of this event.
    pub fn get(&self, source: &SourceName, event: &EventName) -> Option<&EventSpec> {
        self.published
            .get(&(source.clone(), event.clone()))
            .or_else(|| BUILT_IN.get(source.as_str())?.get(event.as_str()))
    }

    /// Is this event known, under the name it was posted by?
    pub fn knows(&self, source: &SourceName, event: &EventName) -> bool {
        self.get(source, event).is_some()
    }

    /// What gates go by when a hook sees `event` under these names. An event may match under a
    /// name that only its equivalent has an entry for.
    pub fn gate_fields(
        &self,
        event: &Event,
        source: &SourceName,
        name: &EventName,
    ) -> GateFields<'_> {
        let spec = self.get(source, name).or_else(|| {
            let names = matching::names(event);
            names.iter().find_map(|(source, name)| self.get(source, name))
        });
        GateFields {
            unique: spec.and_then(|it| it.unique.as_deref()),
            group_by: spec.and_then(|it| it.group_by.as_deref()),
            built_in_group_by: built_in_group_by(source.as_str(), name.as_str()),
        }
    }

    /// Everything, by source.
    pub fn sources(&self) -> BTreeMap<String, Events> {
        let mut all = BUILT_IN.clone();
        for ((source, event), spec) in &self.published {
            let events = all.entry(source.as_str().to_owned()).or_default();
            events.insert(event.as_str().to_owned(), spec.clone());
        }
        all
    }
}

/// Is this entry part of every deployment?
pub fn is_built_in(source: &SourceName, event: &EventName) -> bool {
    BUILT_IN.get(source.as_str()).is_some_and(|events| events.contains_key(event.as_str()))
}

/// The members of an event's data that its gate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GateFields<'a> {
    /// Its key parts; all its data where there are none.
    pub unique: Option<&'a [String]>,
    /// What keeps memories apart, as published.
    pub group_by: Option<&'a [String]>,
    /// The same, where it is built in (and not shown, being an extension).
    pub built_in_group_by: &'static [&'static str],
}

fn built_in_group_by(source: &str, event: &str) -> &'static [&'static str] {
    match (source, event) {
        ("balancer", "health") => &["upstream_id", "ip", "port", "hostname"],
        _ => &[],
    }
}

/// The entities of the gateway whose changes are events of `crud`: Kong's core, its bundled
/// plugins', and the Enterprise edition's, from its public lists of entities.
const ENTITIES: &[&str] = &[
    // Core.
    "workspaces",
    "consumers",
    "certificates",
    "services",
    "routes",
    "snis",
    "upstreams",
    "targets",
    "plugins",
    "tags",
    "ca_certificates",
    "clustering_data_planes",
    "parameters",
    "vaults",
    "key_sets",
    "keys",
    "filter_chains",
    // Bundled plugins.
    "acls",
    "acme_storage",
    "basicauth_credentials",
    "hmacauth_credentials",
    "jwt_secrets",
    "keyauth_credentials",
    "oauth2_credentials",
    "oauth2_authorization_codes",
    "oauth2_tokens",
    "ratelimiting_metrics",
    "sessions",
    "session_metadatas",
    // Enterprise.
    "admins",
    "applications",
    "application_instances",
    "audit_objects",
    "audit_requests",
    "consumer_group_consumers",
    "consumer_group_plugins",
    "consumer_groups",
    "consumer_reset_secrets",
    "credentials",
    "developers",
    "document_objects",
    "event_hooks",
    "files",
    "group_rbac_roles",
    "groups",
    "keyring_keys",
    "keyring_meta",
    "legacy_files",
    "licenses",
    "login_attempts",
    "rbac_role_endpoints",
    "rbac_role_entities",
    "rbac_roles",
    "rbac_user_groups",
    "rbac_user_roles",
    "rbac_users",
    "workspace_entity_counters",
];

static BUILT_IN: LazyLock<BTreeMap<String, Events>> = LazyLock::new(built_in);

fn built_in() -> BTreeMap<String, Events> {
    let spec = |fields: &[&str]| EventSpec {
        fields: fields.iter().copied().map(String::from).collect(),
        ..EventSpec::default()
    };
    let limit = |fields: &[&str], unique: Option<&[&str]>| EventSpec {
        description: Some("Run an event when a rate limit has been exceeded".into()),
        unique: unique.map(|it| it.iter().copied().map(String::from).collect()),
        ..spec(fields)
    };
    let change = || spec(&["operation", "entity", "old_entity", "schema"]);
    let one = |event: &str, spec: EventSpec| BTreeMap::from([(event.to_owned(), spec)]);

    let operations = ["create", "update", "delete"];
    let crud = ENTITIES.iter().flat_map(|entity| {
        let with_operation =
            operations.iter().map(move |operation| format!("{entity}:{operation}"));
        std::iter::once((*entity).to_owned()).chain(with_operation)
    });
    BTreeMap::from([
        ("crud".into(), crud.map(|event| (event, change())).collect()),
        ("dao:crud".into(), operations.map(|it| (it.to_owned(), change())).into()),
        (
            "balancer".into(),
            one("health", spec(&["upstream_id", "ip", "port", "hostname", "health"])),
        ),
        (
            "rate-limiting-advanced".into(),
            one(
                "rate-limit-exceeded",
                limit(
                    &["consumer", "ip", "service", "rate", "limit", "window"],
                    Some(&["consumer", "ip", "service"]),
                ),
            ),
        ),
        (
            "ai-rate-limiting-advanced".into(),
            one(
                "rate-limit-exceeded",
                limit(&["consumer", "ip", "service", "rate", "limit", "window"], None),
            ),
        ),
        (
            "service-protection".into(),
            one(
                "rate-limit-exceeded",
                limit(&["service", "rate", "limit", "window"], Some(&["service"])),
            ),
        ),
        (
            "oas-validation".into(),
            one("validation-failed", spec(&["consumer", "ip", "service", "err"])),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str, event: &str) -> (SourceName, EventName) {
        (SourceName::parse(source).unwrap(), EventName::parse(event).unwrap())
    }

    #[test]
    fn the_built_in_catalog_is_the_references() {
        let cases = include_str!("../../../tests/conformance/sources.json");
        let cases: serde_json::Value = serde_json::from_str(cases).unwrap();
        let sources = serde_json::to_value(Catalog::default().sources()).unwrap();
        for (source, events) in cases["data"].as_object().unwrap() {
            assert_eq!(sources[source], *events, "{source}");
        }
        assert_eq!(sources.as_object().unwrap().len(), cases["data"].as_object().unwrap().len());
    }

    #[test]
    fn a_publication_stands_in_for_what_is_built_in() {
        let (source, event) = names("balancer", "health");
        let spec = EventSpec { fields: vec!["x".into()], ..EventSpec::default() };
        let published =
            Published { source: source.clone(), event: event.clone(), spec: spec.clone() };
        let catalog = Catalog::with([published]);
        assert_eq!(catalog.get(&source, &event), Some(&spec));
        assert_eq!(catalog.sources()["balancer"]["health"], spec);
        assert!(is_built_in(&source, &event));
    }

    #[test]
    fn an_event_nobody_published_is_not_known() {
        for (source, event, known) in [
            ("crud", "consumers", true),
            ("crud", "consumers:create", true),
            ("crud", "consumers:frob", false),
            ("crud", "pigs", false),
            ("pigs", "fly", false),
        ] {
            let (source, event) = names(source, event);
            assert_eq!(Catalog::default().knows(&source, &event), known, "{source}/{event}");
        }
    }
}

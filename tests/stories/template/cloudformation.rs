//! Reads a CloudFormation template: YAML, with functions as tags.

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crate::repository;

/// A template of this repository.
pub(super) struct Template {
    path: &'static str,
    value: Value,
}

/// Something that a template makes.
#[derive(Clone, Copy)]
pub(super) struct Resource<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
}

impl Template {
    pub(super) fn read(path: &'static str) -> Self {
        let text = repository::read(path);
        let documents = Yaml::load_from_str(&text).unwrap_or_else(|it| panic!("{path}: {it}"));
        let [document] = &documents[..] else { panic!("{path}: one document") };
        Self { path, value: json_of(document) }
    }

    /// What stands at this path of members, such as `/Parameters/Timeout`.
    pub(super) fn at(&self, pointer: &str) -> &Value {
        let missing = || panic!("{} has no {pointer}", self.path);
        self.value.pointer(pointer).unwrap_or_else(missing)
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let resources = self.at("/Resources").as_object().unwrap();
        resources.iter().map(|(name, value)| Resource { name, value })
    }

    pub(super) fn of_type<'a>(&'a self, kind: &str) -> impl Iterator<Item = Resource<'a>> {
        self.resources().filter(move |it| it.kind() == kind)
    }

    pub(super) fn resource(&self, name: &str) -> Resource<'_> {
        let found = self.resources().find(|it| it.name == name);
        found.unwrap_or_else(|| panic!("{} makes no {name}", self.path))
    }

    /// What the members of a mapping are, by key.
    pub(super) fn mapping(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let mapping = self.at(&format!("/Mappings/{name}")).as_object().unwrap();
        mapping.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl<'a> Resource<'a> {
    pub(super) fn kind(self) -> &'a str {
        self.value["Type"].as_str().unwrap()
    }

    /// A property, by a path of members; null where it is not set.
    pub(super) fn property(self, pointer: &str) -> &'a Value {
        const NOT_SET: &Value = &Value::Null;
        self.value["Properties"].pointer(pointer).unwrap_or(NOT_SET)
    }
}

/// `!Ref X` becomes `{"Ref": "X"}`, and every other tag `{"Fn::Tag": …}`, as in JSON templates.
fn json_of(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(scalar) => json_of_scalar(scalar),
        Yaml::Sequence(items) => items.iter().map(json_of).collect(),
        Yaml::Mapping(members) => {
            let name = |key: &Yaml<'_>| match json_of(key) {
                Value::String(name) => name,
                other => other.to_string(),
            };
            members.iter().map(|(key, value)| (name(key), json_of(value))).collect()
        }
        Yaml::Tagged(tag, value) => {
            let mut function = Map::new();
            let name = match tag.suffix.as_str() {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            let value = match (&*name, json_of(value)) {
                ("Fn::GetAtt", Value::String(path)) => json!(path.split('.').collect::<Vec<_>>()),
                (_, value) => value,
            };
            function.insert(name, value);
            function.into()
        }
        other => panic!("{other:?} is more YAML than CloudFormation takes"),
    }
}

fn json_of_scalar(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(it) => (*it).into(),
        Scalar::Integer(it) => (*it).into(),
        Scalar::FloatingPoint(it) => it.into_inner().into(),
        Scalar::String(it) => it.as_ref().into(),
    }
}

#[test]
fn functions_are_read_as_in_json() {
    for (yaml, expected) in [
        ("!Ref X", json!({"Ref": "X"})),
        ("!GetAtt X.Arn", json!({"Fn::GetAtt": ["X", "Arn"]})),
        ("!If [A, !Ref X, 1]", json!({"Fn::If": ["A", {"Ref": "X"}, 1]})),
        ("{\"90\": {Seconds: 540}}", json!({"90": {"Seconds": 540}})),
        ("- \"true\"\n- true", json!(["true", true])),
    ] {
        assert_eq!(json_of(&Yaml::load_from_str(yaml).unwrap()[0]), expected, "{yaml}");
    }
}

//! May each function do what it does, and nothing else?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{alarms, cloudformation::Resource, dashboard, holds, template};

#[test]
fn a_function_may_do_what_it_does_and_nothing_else() {
    let template = template();
    let hooks = "BatchGetItem DeleteItem GetItem PutItem Query UpdateItem";
    let ledger = "BatchGetItem BatchWriteItem DeleteItem GetItem PutItem Query UpdateItem";
    let counts = "sqs:GetQueueAttributes sqs:SendMessage";
    let handed_over = "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage";
    let handed_over_and_sent =
        "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage";
    let secret = ("AdminToken", "secretsmanager:GetSecretValue");
    for (function, allowed) in [
        (
            "Admin",
            vec![
                ("HooksTable", hooks),
                ("CatalogTable", "DeleteItem PutItem Query"),
                ("TokensTable", "DeleteItem GetItem PutItem Query"),
                ("LedgerTable", ledger),
                ("EventsQueue", counts),
                ("RetriesQueue", counts),
                secret,
            ],
        ),
        (
            "Ingest",
            vec![
                ("CatalogTable", "Query"),
                ("TokensTable", "GetItem"),
                ("EventsQueue", "sqs:SendMessage"),
                secret,
            ],
        ),
        (
            "Dispatcher",
            vec![
                ("HooksTable", hooks),
                ("CatalogTable", "Query"),
                ("LedgerTable", ledger),
                ("EventsQueue", handed_over_and_sent),
                ("RetriesQueue", handed_over_and_sent),
                ("EventsDeadQueue", handed_over),
                ("RetriesDeadQueue", handed_over),
            ],
        ),
    ] {
        let log = format!("{function}Log");
        let writes = (log.as_str(), "logs:CreateLogStream logs:PutLogEvents");
        let full = |action: &str| match action.split_once(':') {
            Some(_) => action.to_owned(),
            None => format!("dynamodb:{action}"),
        };
        let expected = allowed.into_iter().chain([writes]).map(|(what, actions)| {
            (what.to_owned(), actions.split(' ').map(full).collect::<BTreeSet<_>>())
        });
        let role = template.resource(&format!("{function}Role"));
        assert_eq!(role.property("/ManagedPolicyArns"), &Value::Null, "{function}");
        assert_eq!(grants(role), expected.collect::<BTreeMap<_, _>>(), "{function}");
        let worn = template.resource(function).property("/Role");
        assert_eq!(worn, &json!({"Fn::GetAtt": [format!("{function}Role"), "Arn"]}));
        assert_eq!(template.resource(function).property("/Policies"), &Value::Null, "{function}");
    }
    assert_eq!(template.of_type("AWS::IAM::Role").count(), 3, "no role but these");
}

/// What a role may do always, by the name of what it may do it to.
fn grants(role: Resource<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut grants: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for policy in role.property("/Policies").as_array().unwrap() {
        for statement in statements(policy) {
            let resources = each(&statement["Resource"]);
            let names =
                resources.iter().map(|it| it["Ref"].as_str().or(it["Fn::GetAtt"][0].as_str()));
            for name in names {
                let name = name.unwrap_or_else(|| panic!("{}: {statement}", role.name)).to_owned();
                let actions = each(&statement["Action"]);
                let actions = actions.iter().map(|it| it.as_str().unwrap().to_owned());
                grants.entry(name).or_default().extend(actions);
            }
        }
    }
    grants
}

fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten()
}

fn each(one_or_many: &Value) -> Vec<&Value> {
    one_or_many.as_array().map_or_else(|| vec![one_or_many], |many| many.iter().collect())
}

#[test]
fn nothing_is_allowed_for_everything() {
    let mut breaches = Vec::new();
    for template in [template(), alarms(), dashboard()] {
        for made in template.resources() {
            let mut met = Vec::new();
            permissions(made.value, &mut met);
            // The two that send traces know no resources. They are there only where there are traces.
            let traces = json!(["xray:PutTraceSegments", "xray:PutTelemetryRecords"]);
            met.retain(|(action, resource)| action != &traces || resource != &json!("*"));
            let wide = met.iter().filter(|(action, resource)| {
                action.to_string().contains('*') || resource.to_string().contains('*')
            });
            breaches.extend(
                wide.map(|(action, resource)| format!("{}: {action} on {resource}", made.name)),
            );
        }
    }
    holds("permissions name actions and resources", &breaches);
}

/// Every pair of actions and resources below this.
fn permissions(value: &Value, met: &mut Vec<(Value, Value)>) {
    if value["Effect"] == "Allow" {
        met.push((value["Action"].clone(), value["Resource"].clone()));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|it| permissions(it, met)),
        Value::Object(members) => members.values().for_each(|it| permissions(it, met)),
        _ => {}
    }
}

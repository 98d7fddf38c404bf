//! Does `template.yaml` make what the code takes for granted?

mod cloudformation;
mod permissions;

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Value, json};

use self::cloudformation::Template;
use crate::repository;

const FUNCTIONS: [&str; 3] = ["Admin", "Ingest", "Dispatcher"];

fn template() -> Template {
    Template::read("template.yaml")
}

fn alarms() -> Template {
    Template::read("infra/alarms.yaml")
}

fn dashboard() -> Template {
    Template::read("infra/dashboard.yaml")
}

/// Fails with everything that is wrong at once.
fn holds(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}\n", breaches.join("\n  "));
}

// What is kept.

#[test]
fn tables_are_as_the_code_reads_and_writes_them() {
    let template = template();
    for table in dynamodb::Table::ALL {
        let name = format!("{table}Table");
        let name = name[..1].to_uppercase() + &name[1..];
        let made = template.resource(&name);
        let keys = [(dynamodb::PARTITION_KEY, "HASH"), (dynamodb::SORT_KEY, "RANGE")];
        let schema = keys.map(|(key, kind)| json!({"AttributeName": key, "KeyType": kind}));
        let types = keys.map(|(key, _)| json!({"AttributeName": key, "AttributeType": "S"}));
        assert_eq!(made.property("/KeySchema"), &json!(schema), "{name}");
        assert_eq!(made.property("/AttributeDefinitions"), &json!(types), "{name}");
        assert_eq!(made.property("/BillingMode"), "PAY_PER_REQUEST", "{name}");
        let aging = table
            .time_to_live()
            .map_or(Value::Null, |attribute| json!({"AttributeName": attribute, "Enabled": true}));
        assert_eq!(made.property("/TimeToLiveSpecification"), &aging, "{name}");

        let recovery = "/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled";
        let (recovered, protected, replaced) = match table.is_configuration() {
            true => (json!(true), json!({"Fn::If": ["IsProtected", true, false]}), "Retain"),
            false => (Value::Null, Value::Null, "Delete"),
        };
        assert_eq!(made.property(recovery), &recovered, "{name}");
        assert_eq!(made.property("/DeletionProtectionEnabled"), &protected, "{name}");
        assert_eq!(made.value["UpdateReplacePolicy"], replaced, "{name}");
    }
    let tables = template.of_type("AWS::DynamoDB::Table").count();
    assert_eq!(tables, dynamodb::Table::ALL.len(), "no table but these");
}

#[test]
fn what_is_kept_is_encrypted() {
    let template = template();
    for (kind, property) in [
        ("AWS::DynamoDB::Table", "/SSESpecification/SSEEnabled"),
        ("AWS::SQS::Queue", "/SqsManagedSseEnabled"),
    ] {
        for made in template.of_type(kind) {
            assert_eq!(made.property(property), true, "{}", made.name);
        }
    }
}

// What waits.

#[test]
fn queues_keep_messages_for_long_enough() {
    const DAY: u64 = 24 * 60 * 60;
    let template = template();
    let visibility =
        json!({"Fn::FindInMap": ["Visibility", {"Ref": "DispatcherTimeout"}, "Seconds"]});
    for (name, days, dead) in [
        ("EventsQueue", 7, Some("EventsDeadQueue")),
        ("RetriesQueue", 7, Some("RetriesDeadQueue")),
        ("EventsDeadQueue", 14, None),
        ("RetriesDeadQueue", 14, None),
    ] {
        let queue = template.resource(name);
        assert_eq!(queue.property("/MessageRetentionPeriod"), &json!(days * DAY), "{name}");
        assert_eq!(queue.property("/VisibilityTimeout"), &visibility, "{name}");
        assert_eq!(queue.property("/MaximumMessageSize"), 1024 * 1024, "{name}");
        assert_eq!(queue.property("/FifoQueue"), &Value::Null, "{name}: no order is relied on");
        let redrive = dead.map_or(Value::Null, |dead| {
            json!({"deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]}, "maxReceiveCount": 5})
        });
        assert_eq!(queue.property("/RedrivePolicy"), &redrive, "{name}");
    }
    assert_eq!(template.of_type("AWS::SQS::Queue").count(), 4, "no queue but these");

    let allowed = template.at("/Parameters/DispatcherTimeout/AllowedValues").as_array().unwrap();
    let given: BTreeMap<_, _> = template.mapping("Visibility").collect();
    assert_eq!(allowed.len(), given.len(), "every time-out has its visibility");
    for timeout in allowed {
        let timeout = timeout.as_str().unwrap();
        let seconds = given[timeout]["Seconds"].as_u64().unwrap();
        let timeout: u64 = timeout.parse().unwrap();
        assert!(seconds >= 6 * timeout, "{seconds} s for a time-out of {timeout} s");
        assert!(seconds <= 12 * 60 * 60, "{seconds} s is more than SQS allows");
    }
}

#[test]
fn every_queue_has_room_of_its_own_in_the_dispatcher() {
    let template = template();
    let mut rooms = Vec::new();
    for trigger in template.of_type("AWS::Lambda::EventSourceMapping") {
        let name = trigger.name;
        assert_eq!(trigger.property("/FunctionName"), &json!({"Ref": "Dispatcher"}), "{name}");
        let partly = json!(["ReportBatchItemFailures"]);
        assert_eq!(trigger.property("/FunctionResponseTypes"), &partly, "{name}");
        let room = &trigger.property("/ScalingConfig/MaximumConcurrency")["Fn::FindInMap"];
        assert_eq!((&room[0], &room[1]), (&json!("Concurrency"), &json!({"Ref": "Concurrency"})));
        rooms.push(room[2].as_str().unwrap());
    }
    rooms.sort_unstable();
    assert_eq!(rooms, ["Dead", "Dead", "Events", "Retries"]);

    let reserved = template.resource("Dispatcher").property("/ReservedConcurrentExecutions");
    let found = json!({"Fn::FindInMap": ["Concurrency", {"Ref": "Concurrency"}, "Reserved"]});
    assert_eq!(reserved["Fn::If"][1], found);
    for (size, given) in template.mapping("Concurrency") {
        let of = |room: &str| given[room].as_u64().unwrap();
        let sum: u64 = rooms.iter().map(|room| of(room)).sum();
        assert!(of("Reserved") >= sum, "{size}: {} reserved for {sum}", of("Reserved"));
        assert!(rooms.iter().all(|room| (2..=1000).contains(&of(room))), "{size}: as Lambda asks");
    }
}

#[test]
fn the_longest_attempt_has_time_to_be_recorded() {
    /// What the dispatcher keeps for recording and answering: `functions/dispatcher/src/batch.rs`.
    const AFTERWARDS: u64 = 10 + 1;
    let template = template();
    let longest = u64::from(*settings::TIMEOUT.end());
    for timeout in template.at("/Parameters/DispatcherTimeout/AllowedValues").as_array().unwrap() {
        let timeout: u64 = timeout.as_str().unwrap().parse().unwrap();
        assert!(timeout > longest + AFTERWARDS, "{timeout} s for attempts of {longest} s");
    }
    let dispatcher = template.resource("Dispatcher");
    assert_eq!(dispatcher.property("/Timeout"), &json!({"Ref": "DispatcherTimeout"}));
    for front in ["Admin", "Ingest"] {
        let timeout = template.resource(front).property("/Timeout");
        assert_eq!(timeout, 30, "{front}: as long as API Gateway waits, and no longer");
    }
}

// What is set.

#[test]
fn a_setting_may_be_what_the_code_takes() {
    let template = template();
    for (name, range, default) in [
        ("Timeout", settings::TIMEOUT, settings::DEFAULT_TIMEOUT),
        ("RetentionDays", settings::RETENTION_DAYS, settings::DEFAULT_RETENTION_DAYS),
    ] {
        let parameter = template.at(&format!("/Parameters/{name}"));
        assert_eq!(parameter["MinValue"], *range.start(), "{name}");
        assert_eq!(parameter["MaxValue"], *range.end(), "{name}");
        assert_eq!(parameter["Default"], default, "{name}");
    }
    for (name, words, default) in [
        ("Signature", words::<settings::Signature>(), "sha1"),
        ("SslVerifyDefault", words::<bool>(), "false"),
        ("LuaHttp", words::<settings::Switch>(), "off"),
        ("DeliveryLog", words::<hooks::deliver::DeliveryLog>(), "all"),
    ] {
        let parameter = template.at(&format!("/Parameters/{name}"));
        let allowed = parameter["AllowedValues"].as_array().unwrap();
        let allowed: BTreeSet<_> = allowed.iter().map(|it| it.as_str().unwrap()).collect();
        // A word may have others beside it that mean the same.
        assert!(allowed.is_subset(&words) && allowed.len() == 2, "{name}: {words:?}");
        assert_eq!(parameter["Default"], default, "{name}");
    }
}

fn words<T: settings::Words>() -> BTreeSet<&'static str> {
    T::WORDS.iter().map(|(word, _)| *word).collect()
}

#[test]
fn a_function_is_told_what_it_reads_and_nothing_else() {
    let template = template();
    let everywhere = template.at("/Globals/Function/Environment/Variables").as_object().unwrap();
    let mut breaches = Vec::new();
    for name in FUNCTIONS {
        let own = template.resource(name).property("/Environment/Variables").as_object().unwrap();
        let told: BTreeSet<_> = everywhere.keys().chain(own.keys()).map(String::as_str).collect();
        let told = told.into_iter().filter(|it| it.starts_with("EVENT_HOOKS_"));
        let told: BTreeSet<_> = told.map(str::to_owned).collect();
        let read = variables_read_by(&name.to_lowercase());
        breaches.extend(read.difference(&told).map(|it| format!("{name} is not told {it}")));
        breaches.extend(told.difference(&read).map(|it| format!("{name} does not read {it}")));
    }
    holds("template.yaml sets what functions read", &breaches);
}

/// The variables that a function reads: those that it names, and those of the settings that it
/// asks for.
fn variables_read_by(function: &str) -> BTreeSet<String> {
    let code = |path: &str| {
        let text = repository::sources_in(path).into_iter().map(|it| it.text);
        text.map(|it| it.split("#[cfg(test)]").next().unwrap().to_owned()).collect::<String>()
    };
    let mut read = code(&format!("functions/{function}/src")) + &code("crates/aws/src");
    if read.contains("Setup::read") {
        read += &repository::read("crates/handlers/src/setup.rs");
    }
    let variable = Regex::new(r#""(EVENT_HOOKS_[A-Z_]+)""#).unwrap();
    let setting = Regex::new(r#"pub fn ([a-z_]+)\(&self\)[^}]*?"(EVENT_HOOKS_[A-Z_]+)""#).unwrap();
    let settings = repository::read("crates/settings/src/named.rs");
    let asked = setting.captures_iter(&settings).filter_map(|it| {
        read.contains(&format!("environment.{}()", &it[1])).then(|| it[2].to_owned())
    });
    let named = variable.captures_iter(&read).map(|it| it[1].to_owned());
    named.chain(asked).collect()
}

// What it costs, and who looks.

#[test]
fn nothing_is_made_that_costs_while_nothing_happens() {
    /// What is paid by use, or next to nothing. Whoever adds to it says so in docs/deploy.md.
    const BY_USE: [&str; 17] = [
        "AWS::ApiGatewayV2::Api",
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApiGatewayV2::Stage",
        "AWS::CloudFormation::Stack",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::SQS::Queue",
        "AWS::SecretsManager::Secret",
        "AWS::Serverless::Function",
    ];
    let templates = [template(), alarms(), dashboard()];
    let made = templates.iter().flat_map(Template::resources);
    let breaches = made.filter(|it| !BY_USE.contains(&it.kind()));
    let breaches: Vec<_> = breaches.map(|it| format!("{}: {}", it.name, it.kind())).collect();
    holds("no servers, no capacity, no addresses", &breaches);
    for function in template().of_type("AWS::Serverless::Function") {
        let warm = function.property("/ProvisionedConcurrencyConfig");
        assert_eq!(warm, &Value::Null, "{}", function.name);
    }
}

#[test]
fn somebody_is_told_of_everything_that_a_person_must_look_at() {
    let alarms = alarms();
    for (name, metric, of) in [
        ("EventsWait", "ApproximateAgeOfOldestMessage", "Events"),
        ("RetriesWait", "ApproximateAgeOfOldestMessage", "Retries"),
        ("EventsDead", "ApproximateNumberOfMessagesVisible", "DeadEvents"),
        ("RetriesDead", "ApproximateNumberOfMessagesVisible", "DeadRetries"),
        ("PoisonBuried", "event_hooks_poison_total", "Dispatcher"),
        ("DeliveriesExhausted", "event_hooks_deliveries_total", "Dispatcher"),
        ("DispatcherFails", "Errors", "Dispatcher"),
        ("IngestFails", "Errors", "Ingest"),
        ("AdminFails", "Errors", "Admin"),
        ("DispatcherThrottled", "Throttles", "Dispatcher"),
        ("IngestThrottled", "Throttles", "Ingest"),
        ("AdminThrottled", "Throttles", "Admin"),
        ("IngestRefuses", "ingest_5xx", ""),
    ] {
        let alarm = alarms.resource(name);
        assert_eq!(alarm.property("/MetricName"), metric, "{name}");
        let dimension = alarm.property("/Dimensions/0/Value");
        assert_eq!(dimension["Ref"].as_str().unwrap_or_default(), of, "{name}");
        for told in ["/AlarmActions", "/OKActions"] {
            let to = json!({"Fn::If": ["HasTopic", [{"Ref": "Topic"}], {"Ref": "AWS::NoValue"}]});
            assert_eq!(alarm.property(told), &to, "{name}");
        }
        let explained = repository::read("docs/operate.md").contains(&format!("`{name}`"));
        assert!(explained, "docs/operate.md does not say what to do about {name}");
    }
    assert_eq!(alarms.of_type("AWS::CloudWatch::Alarm").count(), 13, "no alarm but these");
}

#[test]
fn what_is_watched_is_counted() {
    let code: String = ["crates", "functions"]
        .iter()
        .flat_map(|folder| repository::sources_in(folder))
        .map(|it| it.text)
        .collect();
    let metric = Regex::new("event_hooks_[a-z_]+").unwrap();
    let mut watched = 0;
    for path in ["infra/alarms.yaml", "infra/dashboard.yaml"] {
        let text = repository::read(path);
        for name in metric.find_iter(&text).map(|it| it.as_str()) {
            let counted = ["counter", "gauge", "histogram"]
                .iter()
                .any(|kind| code.contains(&format!("metrics::{kind}!(\"{name}\"")));
            assert!(counted, "{path} watches {name}, which nobody counts");
            watched += 1;
        }
    }
    assert!(watched >= 10, "only {watched} metrics of ours are watched");
}

#[test]
fn nested_templates_are_told_what_they_ask_for() {
    let template = template();
    for (stack, nested) in [("AlarmsStack", alarms()), ("DashboardStack", dashboard())] {
        let told = template.resource(stack).property("/Parameters").as_object().unwrap();
        let asked = nested.at("/Parameters").as_object().unwrap();
        let names = |it: &serde_json::Map<_, _>| it.keys().cloned().collect::<BTreeSet<String>>();
        assert_eq!(names(told), names(asked), "{stack}");
    }
}

#[test]
fn functions_are_built_so_that_a_panic_takes_nobody_with_it() {
    // Without the line, cargo-lambda builds with `abort`.
    let manifest = repository::read("Cargo.toml");
    let release = manifest.split("[profile.release]").nth(1).unwrap();
    assert!(release.split("\n[").next().unwrap().contains("\npanic = \"unwind\"\n"), "{release}");
    for function in template().of_type("AWS::Serverless::Function") {
        let binary = function.name.to_lowercase();
        let built = json!({
            "BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": binary},
        });
        assert_eq!(function.value["Metadata"], built, "{binary}");
        assert_eq!(function.property("/CodeUri"), &json!(format!("functions/{binary}")));
    }
}

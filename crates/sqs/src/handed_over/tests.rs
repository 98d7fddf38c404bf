use serde_json::{Value, json};

use super::*;

const ID: &str = "059f36b4-87a3-44ab-83d2-661975830a7d";
const NOW: Timestamp = Timestamp::from_seconds(1_795_255_200);

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:123456789012:{name}")
}

fn origins() -> Origins {
    let url = |name| format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}");
    Origins::new(
        &Queues { events: url("hooks-events"), retries: url("hooks-retries") },
        DeadLetters { events: arn("hooks-events-dead"), retries: arn("hooks-retries-dead") },
    )
}

/// A record as AWS hands it over, with these members changed; null takes one away.
fn record(changes: Value) -> Record {
    let mut record = json!({
        "messageId": ID,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "body": "a task",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": arn("hooks-events"),
        "awsRegion": "eu-west-1",
    });
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    let members = record.as_object_mut().unwrap();
    for (name, value) in changes {
        match value {
            Value::Null => drop(members.remove(&name)),
            value => drop(members.insert(name, value)),
        }
    }
    let event = serde_json::from_value(json!({"Records": [record]})).unwrap();
    records(event, &origins()).remove(0)
}

#[test]
fn a_record_is_read_whatever_it_does_not_say() {
    for (name, changes, body, receives) in [
        ("as AWS hands it over", json!({}), "a task", 1),
        ("again", json!({"attributes": {"ApproximateReceiveCount": "5"}}), "a task", 5),
        ("without attributes", json!({"attributes": null}), "a task", 2),
        (
            "with an empty count",
            json!({"attributes": {"ApproximateReceiveCount": ""}}),
            "a task",
            2,
        ),
        (
            "with a count beyond all numbers",
            json!({"attributes": {"ApproximateReceiveCount": "99999999999"}}),
            "a task",
            2,
        ),
        (
            "with a count that is none",
            json!({"attributes": {"ApproximateReceiveCount": "-1"}}),
            "a task",
            2,
        ),
        ("without a body", json!({"body": null}), "", 1),
        ("without an ARN", json!({"eventSourceARN": null}), "a task", 1),
        ("without an id", json!({"messageId": null}), "a task", 1),
    ] {
        let message = record(changes).message;
        assert_eq!((message.body.as_str(), message.receives), (body, receives), "{name}");
    }
}

#[test]
fn a_batch_without_records_is_no_work() {
    let event = serde_json::from_value(json!({"Records": []})).unwrap();
    let none = records(event, &origins());
    assert!(none.is_empty());
    assert_eq!(answer(&none, &[]), SqsBatchResponse::default());
}

#[test]
fn a_record_is_of_the_queue_that_its_arn_names() {
    for (name, arn, expected) in [
        ("events", arn("hooks-events"), Origin::Live(Queue::Events)),
        ("retries", arn("hooks-retries"), Origin::Live(Queue::Retries)),
        ("dead events", arn("hooks-events-dead"), Origin::Dead(Queue::Events)),
        ("dead retries", arn("hooks-retries-dead"), Origin::Dead(Queue::Retries)),
        ("another queue", arn("hooks"), Origin::Live(Queue::Events)),
        ("nothing", String::new(), Origin::Live(Queue::Events)),
    ] {
        assert_eq!(record(json!({"eventSourceARN": arn})).origin, expected, "{name}");
    }
}

#[test]
fn lambda_hears_of_what_is_not_done() {
    let three: Vec<_> = ["a", "b", "c"].map(|id| record(json!({"messageId": id}))).into();
    let nameless = [record(json!({})), record(json!({"messageId": null}))];
    for (name, records, ends, expected) in [
        ("all done", &three[..], vec![End::Done; 3], vec![]),
        ("one not", &three, vec![End::Done, End::Again, End::Done], vec!["b"]),
        ("none", &three, vec![End::Again; 3], vec!["a", "b", "c"]),
        ("ends that are missing", &three, vec![End::Done], vec!["b", "c"]),
        ("one too many", &three, vec![End::Done; 4], vec![]),
        ("done, and without an id", &nameless, vec![End::Done; 2], vec![]),
        ("not done, and without an id", &nameless, vec![End::Done, End::Again], vec![""]),
    ] {
        let answer = serde_json::to_value(answer(records, &ends)).unwrap();
        let failures: Vec<_> = expected.iter().map(|id| json!({"itemIdentifier": id})).collect();
        assert_eq!(answer, json!({"batchItemFailures": failures}), "{name}");
    }
}

#[test]
fn poison_says_where_it_comes_from() {
    let dead = json!({"eventSourceARN": arn("hooks-retries-dead"), "attributes": {
        "ApproximateReceiveCount": "6", "SentTimestamp": "1545082649183",
    }});
    let expected = Poison {
        id: Uuid::try_parse(ID).unwrap().into(),
        queue: Queue::Retries,
        receives: 6,
        sent: Timestamp::from_millis(1_545_082_649_183),
        buried: NOW,
        reason: "why".to_owned(),
        body: "a task".to_owned(),
    };
    assert_eq!(record(dead).poison("why", NOW), expected);
    let undated = record(json!({"attributes": null})).poison("why", NOW);
    assert_eq!((undated.sent, undated.queue), (NOW, Queue::Events));
}

#[test]
fn poison_has_one_id_however_often_it_is_handed_over() {
    let id = |changes| record(changes).poison("why", NOW).id;
    let own = id(json!({}));
    assert_eq!(own.to_string(), ID);
    for (name, changes, other) in [
        ("an id that is no UUID", json!({"messageId": "one"}), json!({"messageId": "two"})),
        ("no id", json!({"messageId": null}), json!({"messageId": null, "body": "another task"})),
        ("an empty id", json!({"messageId": ""}), json!({"messageId": "", "body": "another task"})),
    ] {
        assert_eq!(id(changes.clone()), id(changes.clone()), "{name}");
        assert_ne!(id(changes.clone()), id(other), "{name}");
        assert_ne!(id(changes), own, "{name}");
    }
}

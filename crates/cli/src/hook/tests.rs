use super::*;

fn hook(value: Value) -> Hook {
    let Value::Object(hook) = value else { panic!("no hook: {value}") };
    hook
}

/// A hook as deployments answer it.
fn present() -> Hook {
    hook(json!({
        "id": "6b1f3c5e-9d2a-4f7b-8a34-5c2f1e0d9b76", "source": "crud", "event": "consumers",
        "handler": "webhook-custom", "on_change": null, "snooze": 60,
        "config": {
            "url": "http://a/", "method": "POST", "headers": {}, "headers_format": false,
            "payload": {"n": 1, "m": [true]}, "payload_format": true, "body": null,
            "body_format": true, "secret": "s3cr3t", "ssl_verify": true, "from_later": 5,
        },
        "created_at": 1, "updated_at": 2, "enabled": false, "group_by": ["ip"],
    }))
}

#[test]
fn what_must_change_for_a_hook_to_say_what_is_wanted() {
    let config = json!({"url": "http://a/", "method": "POST", "payload": {"m": [true], "n": 1.0}});
    let wanted = json!({
        "source": "crud", "event": "consumers", "handler": "webhook-custom", "snooze": 60,
        "group_by": ["ip"], "config": config,
    });
    for (name, change, expected) in [
        ("nothing", json!({}), json!({})),
        ("what is said to be as it is", json!({"enabled": false, "on_change": null}), json!({})),
        ("what a deployment decides", json!({"created_at": 9, "updated_at": 9}), json!({})),
        ("a rule", json!({"snooze": 30}), json!({"snooze": 30})),
        ("a rule that is new", json!({"on_change": true}), json!({"on_change": true})),
        ("a rule that is null", json!({"snooze": null}), json!({"snooze": null})),
        ("every event", json!({"event": null}), json!({"event": null})),
        ("to be enabled", json!({"enabled": true}), json!({"enabled": true})),
        ("not to say whether it is", json!({"enabled": null}), json!({"enabled": null})),
        (
            "the configuration",
            json!({"config": {"url": "http://b/", "method": "POST", "secret": null, "ssl_verify": null}}),
            json!({"config": {"url": "http://b/", "secret": null, "payload": null}}),
        ),
        ("another handler", json!({"handler": "log", "config": {}}), json!({"handler": "log"})),
        (
            "another handler with a configuration",
            json!({"handler": "webhook", "config": {"url": "http://a/", "headers": {}}}),
            json!({"handler": "webhook", "config": {"url": "http://a/"}}),
        ),
    ] {
        let mut wanted = hook(wanted.clone());
        wanted.extend(hook(change));
        assert_eq!(changes(&wanted, &present()), hook(expected), "{name}");
    }
}

#[test]
fn what_is_no_longer_said_has_its_default_again() {
    let wanted = hook(json!({
        "source": "crud", "handler": "webhook-custom", "config": {"url": "http://a/", "method": "POST"},
    }));
    let expected =
        json!({"event": null, "snooze": null, "group_by": null, "config": {"payload": null}});
    assert_eq!(changes(&wanted, &present()), hook(expected));
}

#[test]
fn the_essence_leaves_out_what_goes_without_saying_and_changes_nothing() {
    for secrets in [Secrets::LeftOut, Secrets::Shown] {
        let essence = essence(&present(), secrets);
        assert_eq!(changes(&essence, &present()), Map::new(), "{secrets:?}");
        let config = essence["config"].as_object().unwrap();
        assert_eq!(config.contains_key("secret"), secrets == Secrets::Shown);
        for absent in ["on_change", "updated_at"] {
            assert!(!essence.contains_key(absent), "{absent}");
        }
        for absent in ["headers", "body", "body_format"] {
            assert!(!config.contains_key(absent), "{absent}");
        }
    }
    let log =
        hook(json!({"id": "x", "event": null, "config": {}, "source": "crud", "handler": "log"}));
    let names: Vec<_> = essence(&log, Secrets::Shown).keys().cloned().collect();
    assert_eq!(names, ["id", "source", "handler"]);
}

#[test]
fn changes_are_made_as_a_deployment_makes_them() {
    let changes = hook(json!({"snooze": null, "config": {"url": "http://b/"}}));
    let after = changed(&present(), &changes);
    assert_eq!((&after["snooze"], &after["config"]["url"]), (&Value::Null, &json!("http://b/")));
    assert_eq!(after["config"]["method"], "POST");

    let changes = hook(json!({"handler": "webhook", "config": {"url": "http://b/"}}));
    let after = changed(&present(), &changes);
    assert_eq!(after["config"], json!({"url": "http://b/"}), "another handler inherits nothing");

    let after = changed(&present(), &hook(json!({"handler": "log"})));
    assert_eq!(after["config"], json!({}), "nor does one without a configuration");
}

#[test]
fn a_hook_in_words() {
    assert_eq!(in_words(&present()), "crud/consumers webhook-custom http://a/");
    assert_eq!(in_words(&hook(json!({"source": "balancer", "handler": "log"}))), "balancer/* log");
}

//! Files and deployments: apply, export, and what lies between them.

use serde_json::{Value, json};

use crate::world::World;

/// A hook with each handler and each extension.
fn every_hook() -> Value {
    json!({"hooks": [
        {
            "id": "10000000-0000-4000-8000-000000000000", "source": "crud", "event": "consumers",
            "handler": "webhook", "on_change": true, "snooze": 0, "enabled": false,
            "group_by": ["ip", "port"], "filter": {"entity": {"name": [{"prefix": "a"}]}},
            "config": {"url": "http://localhost:9000/?a=b", "headers": {"x-team": "on"}, "secret": "s3cr3t",
                "ssl_verify": true},
            "created_at": 1_627_581_575,
        },
        {
            "id": "20000000-0000-4000-8000-000000000000", "source": "crud",
            "handler": "webhook-custom", "enabled": true,
            "config": {"url": "http://localhost:9000/", "method": "PUT", "headers": {"content-type": "text/plain"},
                "headers_format": true, "body": "Dear {{ entity.username }},\n\n  yes: no\t#1\n", "body_format": true,
                "payload": {"text": "0755", "list": [1, 2.5, null, {"a": "~"}]}, "payload_format": false},
        },
        {
            "id": "30000000-0000-4000-8000-000000000000", "source": "crud", "event": "routes",
            "handler": "webhook-custom",
            "config": {"url": "http://localhost:9000/", "method": "POST", "template_engine": "handlebars",
                "body": "{{#if a}}{{a}}{{/if}}"},
        },
        {
            "id": "40000000-0000-4000-8000-000000000000", "source": "balancer", "event": "health",
            "handler": "lambda",
            "config": {"functions": ["return function(data)\n  print(data.ip)\nend\n", "return function() end"]},
        },
        {"id": "50000000-0000-4000-8000-000000000000", "source": "oas-validation", "handler": "log", "snooze": 60},
    ]})
}

/// What the deployment has, but for when hooks were changed.
fn hooks(world: &World) -> Vec<Value> {
    let Value::Array(mut hooks) = world.json("hooks list --secrets") else { panic!("no list") };
    hooks.iter_mut().for_each(|hook| drop(hook.as_object_mut().unwrap().remove("updated_at")));
    hooks
}

#[test]
fn applying_what_was_exported_changes_nothing() {
    let world = World::new();
    world.write("all.json", &every_hook().to_string());
    assert!(
        world
            .well("apply -f all.json")
            .ends_with("5 created, 0 changed, 0 deleted, 0 as they were\n")
    );
    let before = hooks(&world);

    for words in ["export", "export --secrets", "export -o json", "export -o json --secrets"] {
        let exported = world.well(words);
        let applied = world.feed("apply -f -", &exported);
        assert_eq!(
            applied.out, "0 created, 0 changed, 0 deleted, 5 as they were\n",
            "{words}: {applied:?}"
        );
        assert_eq!(hooks(&world), before, "{words}");
    }
    let yaml = world.well("export");
    assert!(
        yaml.contains("    - |\n      return function(data)\n        print(data.ip)\n      end\n"),
        "{yaml}"
    );
    assert!(!yaml.contains("s3cr3t"), "{yaml}");
}

#[test]
fn what_was_exported_makes_the_same_hooks_elsewhere() {
    let (world, elsewhere) = (World::new(), World::new());
    world.write("all.json", &every_hook().to_string());
    world.well("apply -f all.json");
    let mut expected = hooks(&world);
    for (form, secrets) in [("yaml", true), ("json", true), ("yaml", false)] {
        let exported =
            world.well(&format!("export -o {form} {}", if secrets { "--secrets" } else { "" }));
        let applied = elsewhere.feed("apply --yes --all-workspaces --prune -f -", &exported);
        assert_eq!(applied.code, 0, "{form}: {applied:?}");
        if !secrets {
            // It was there already, and what is not said is kept.
            assert!(applied.out.ends_with("5 as they were\n"), "{applied:?}");
        }
        assert_eq!(hooks(&elsewhere), expected, "{form}, secrets: {secrets}");
        assert_eq!(elsewhere.well("export --secrets"), world.well("export --secrets"), "{form}");
    }
    for hook in elsewhere.json("hooks list").as_array().unwrap() {
        elsewhere.well(&format!("hooks delete --yes {}", hook["id"].as_str().unwrap()));
    }
    assert_eq!(elsewhere.feed("apply -f -", &world.well("export")).code, 0);
    expected[0]["config"]["secret"] = Value::Null;
    assert_eq!(hooks(&elsewhere), expected, "without secrets, there are none elsewhere");
}

#[test]
fn a_file_that_is_applied_twice_changes_nothing_the_second_time() {
    let world = World::new();
    let file = "- {source: crud, event: consumers, handler: webhook, config: {url: 'http://localhost:9000/'}}\n\
                - {source: crud, event: consumers, handler: webhook, config: {url: 'http://localhost:9001/', headers: {x: null, y: z}}}\n\
                - {source: balancer, handler: log, snooze: 60.0, filter: '{\"ip\": [\"::1\"]}'}\n";
    world.write("hooks.yaml", file);
    let first = world.well("apply -f hooks.yaml");
    assert!(first.ends_with("3 created, 0 changed, 0 deleted, 0 as they were\n"), "{first}");
    let before = world.json("hooks list --secrets");
    for _ in 0..2 {
        assert_eq!(
            world.well("apply -f hooks.yaml"),
            "0 created, 0 changed, 0 deleted, 3 as they were\n"
        );
    }
    assert_eq!(world.json("hooks list --secrets"), before, "not even touched");
}

#[test]
fn a_dry_run_shows_what_would_be_and_does_nothing() {
    let world = World::new();
    world.write(
        "old.yaml",
        "id: 10000000-0000-4000-8000-000000000000\nsource: crud\nhandler: lambda\nsnooze: 60\n\
        config:\n  functions:\n  - |\n    return function(data)\n      print('old')\n    end\n",
    );
    world.well("apply -f old.yaml");
    world.write(
        "new.yaml",
        "id: 10000000-0000-4000-8000-000000000000\nsource: crud\nhandler: lambda\nsnooze: 60\n\
        config:\n  functions:\n  - |\n    return function(data)\n      print('new')\n    end\n\
        ---\nsource: balancer\nhandler: log\n",
    );
    let before = world.json("hooks list --secrets");

    let dry = world.run("apply -f new.yaml --dry-run --exit-code");
    assert_eq!(dry.code, 6, "{dry:?}");
    assert_eq!(
        dry.out,
        "~ change  crud/* lambda  10000000-0000-4000-8000-000000000000\n        \
         - |\n          return function(data)\n    \
         -       print('old')\n    \
         +       print('new')\n          \
         end\n      CREATED\n\
         + create  balancer/* log\n    \
         + source: balancer\n    \
         + handler: log\n\
         1 to create, 1 to change, 0 to delete, 0 as they are\n"
            .replace("CREATED", &format!("created_at: {}", before[0]["created_at"]))
    );
    assert_eq!(world.run("apply -f new.yaml --dry-run").code, 0, "differences are no failure");
    assert_eq!(world.run("apply -f old.yaml --dry-run --exit-code").code, 0, "there are none");
    assert_eq!(world.json("hooks list --secrets"), before, "nothing was done");

    let steps = world.json("apply -f new.yaml --dry-run");
    assert_eq!(steps["steps"][0]["fields"], json!(["config.functions"]));
    assert_eq!((&steps["created"], &steps["changed"]), (&json!(1), &json!(1)));
}

#[test]
fn a_secret_is_kept_replaced_or_dropped_and_never_shown() {
    let world = World::new();
    let hook = |secret: &str| {
        format!(
            "id: 10000000-0000-4000-8000-000000000000\nsource: crud\nhandler: webhook\n\
                 config:\n  url: http://localhost:9000/\n{secret}"
        )
    };
    let secret = || world.json("hooks list --secrets")[0]["config"]["secret"].clone();
    for (name, said, expected, changed) in [
        ("said", "  secret: s3cr3t\n", json!("s3cr3t"), true),
        ("not said", "", json!("s3cr3t"), false),
        ("another one", "  secret: an0ther\n", json!("an0ther"), true),
        ("null", "  secret: null\n", json!(null), true),
    ] {
        world.write("hook.yaml", &hook(said));
        let dry = world.run("apply -f hook.yaml --dry-run --exit-code");
        assert_eq!(dry.code == 6, changed, "{name}: {dry:?}");
        let applied = world.run("apply -f hook.yaml");
        assert_eq!(applied.code, 0, "{name}: {applied:?}");
        assert_eq!(secret(), expected, "{name}");
        for shown in [dry.out, applied.out] {
            assert!(!shown.contains("s3cr3t") && !shown.contains("an0ther"), "{name}: {shown}");
        }
    }
}

#[test]
fn what_a_deployment_disabled_is_not_enabled_by_a_file_that_does_not_say_so() {
    let world = World::new();
    let id = "10000000-0000-4000-8000-000000000000";
    let hook = format!("id: {id}\nsource: crud\nhandler: log\n");
    world.write("hook.yaml", &hook);
    world.well("apply -f hook.yaml");
    world.well(&format!("hooks update {id} enabled=false"));
    assert!(world.well("apply -f hook.yaml").ends_with("1 as they were\n"));
    world.write("hook.yaml", &format!("{hook}enabled: true\n"));
    assert!(world.well("apply -f hook.yaml").ends_with("1 changed, 0 deleted, 0 as they were\n"));
}

#[test]
fn pruning_deletes_what_is_not_in_the_file_within_the_workspace() {
    let world = World::new();
    let keep = "id: 10000000-0000-4000-8000-000000000000\nsource: crud\nhandler: log\n";
    world.write("team/keep.yaml", keep);
    world.write("team/notes.txt", "not a hook");
    world.well("--workspace team apply -f team");
    world.well("--workspace team hooks create source=balancer handler=log");
    world.well("hooks create source=oas-validation handler=log");

    let refused = world.run("apply -f team --prune");
    assert_eq!(refused.code, 2, "not in all workspaces by mistake: {refused:?}");
    let unasked = world.run("--workspace team apply -f team --prune");
    assert_eq!(unasked.code, 2, "nobody can be asked: {unasked:?}");
    assert!(
        unasked.err.contains("Delete 1 hook that is not in the files in workspace team?"),
        "{unasked:?}"
    );
    assert!(
        world
            .well("--workspace team apply -f team --prune --dry-run")
            .contains("- delete  balancer/* log")
    );
    assert_eq!(world.json("hooks list").as_array().unwrap().len(), 3, "nothing was done yet");

    let nothing = world.feed("--workspace team apply -f - --prune --yes", "");
    assert_eq!(
        (nothing.code, &*nothing.err),
        (
            1,
            "error: standard input: there is nothing in it, so nothing is pruned; hooks: [] asks for no hooks\n"
        )
    );
    assert_eq!(world.json("hooks list").as_array().unwrap().len(), 3, "nothing was done then");

    let pruned = world.well("--workspace team apply -f team --prune --yes");
    assert!(pruned.ends_with("0 created, 0 changed, 1 deleted, 1 as they were\n"), "{pruned}");
    let left: Vec<_> = world
        .json("hooks list")
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["source"].clone())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.contains(&json!("oas-validation")), "another workspace's hook stays: {left:?}");

    let pruned = world.well("apply -f team --prune --all-workspaces --yes");
    assert!(pruned.contains("- delete  oas-validation/* log"), "{pruned}");
}

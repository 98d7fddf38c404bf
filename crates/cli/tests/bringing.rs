//! Hooks and their workspaces: what is brought where, and what is left alone.

use crate::world::World;

const ID: &str = "10000000-0000-4000-8000-000000000000";

/// The sources of all hooks, in order.
fn sources(world: &World, words: &str) -> Vec<String> {
    let hooks = world.json(words);
    let mut sources: Vec<_> = hooks
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["source"].as_str().unwrap().to_owned())
        .collect();
    sources.sort();
    sources
}

#[test]
fn what_is_called_default_is_no_workspace_to_prune() {
    let world = World::new();
    world.well("--workspace team hooks create source=balancer handler=log");
    let refused = world.feed("--workspace default apply -f - --prune --yes", "hooks: []\n");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("would delete hooks of all workspaces"), "{refused:?}");
    assert_eq!(sources(&world, "hooks list"), ["balancer"]);
    let both =
        world.feed("--workspace team apply -f - --prune --all-workspaces --yes", "hooks: []\n");
    assert_eq!(both.code, 2, "{both:?}");
    assert_eq!(sources(&world, "hooks list"), ["balancer"]);
}

#[test]
fn a_hook_that_only_looks_the_same_may_be_anothers_and_is_not_changed() {
    let world = World::new();
    world.well(&format!("--workspace team hooks create id={ID} source=crud handler=log snooze=60"));
    let file = "source: crud\nhandler: log\nsnooze: 5\n";
    for words in ["apply -f -", "apply -f - --dry-run"] {
        let refused = world.feed(words, file);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{words}: {refused:?}");
        assert_eq!(
            refused.err,
            format!(
                "error: standard input:1: this would change hook {ID}, which may be of another workspace\n\
                 hint: write its id into the file, or say --workspace NAME or --all-workspaces\n"
            )
        );
    }
    assert_eq!(world.json("hooks list")[0]["snooze"], 60);
    for (words, file) in [
        ("--workspace team apply -f -", file.to_owned()),
        ("apply -f -", format!("id: {ID}\n{}", file.replace('5', "6"))),
        ("apply --all-workspaces -f -", file.replace('5', "7")),
    ] {
        let applied = world.feed(words, &file);
        assert!(
            applied.out.ends_with("1 changed, 0 deleted, 0 as they were\n"),
            "{words}: {applied:?}"
        );
    }
    assert_eq!(
        sources(&world, "--workspace team hooks list"),
        ["crud"],
        "it stays where it was made"
    );
}

#[test]
fn hooks_of_a_workspace_are_exported_with_its_name_and_not_made_elsewhere_by_mistake() {
    let (world, elsewhere) = (World::new(), World::new());
    world.well(&format!("--workspace team hooks create id={ID} source=crud handler=log"));
    world.well("hooks create source=balancer handler=log");
    for form in ["yaml", "json"] {
        let exported = world.well(&format!("--workspace team export -o {form}"));
        let again = world.feed("--workspace team apply -f -", &exported);
        assert_eq!(
            again.out, "0 created, 0 changed, 0 deleted, 1 as they were\n",
            "{form}: {again:?}"
        );
        for words in ["apply -f -", "--workspace till apply -f - --prune --yes"] {
            let refused = elsewhere.feed(words, &exported);
            assert_eq!(refused.code, 1, "{form}: {refused:?}");
            assert!(
                refused.err.contains("workspace: these are hooks of 'team': say --workspace team"),
                "{refused:?}"
            );
        }
        assert_eq!(elsewhere.well("hooks list"), "there are no hooks\n");
    }
    let exported = world.well("--workspace team export");
    assert!(elsewhere.feed("--workspace team apply -f -", &exported).out.contains("1 created"));
    assert_eq!(sources(&elsewhere, "--workspace team hooks list"), ["crud"]);
    assert!(world.well("export").starts_with("# Hooks of all workspaces."));
}

#[test]
fn odd_letters_come_through_export_and_apply() {
    let (world, elsewhere) = (World::new(), World::new());
    let odd = "\u{1b}[31mred\u{1b}[0m \u{9b}1m \u{7f} \u{202e}x\u{2028} \u{feff}\ttab\r\nend \n\n";
    let body = serde_json::json!({"id": ID, "source": "crud", "handler": "webhook-custom",
        "config": {"url": "http://localhost:9000/", "method": "POST", "body": odd, "body_format": false}});
    let made = world.feed("apply -f -", &body.to_string());
    assert_eq!(made.code, 0, "{made:?}");
    for form in ["yaml", "json"] {
        let exported = world.well(&format!("export -o {form}"));
        assert_eq!(
            world.feed("apply -f -", &exported).out,
            "0 created, 0 changed, 0 deleted, 1 as they were\n",
            "{form}"
        );
        let made = elsewhere.feed("apply -f - --prune --all-workspaces --yes", &exported);
        assert_eq!(made.code, 0, "{form}: {made:?}");
        assert_eq!(elsewhere.json("hooks list")[0]["config"]["body"], odd, "{form}");
        let steers = |it: char| it.is_control() && it != '\n';
        assert!(!exported.contains(steers), "{form}: {exported:?}");
    }
}

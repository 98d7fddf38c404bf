//! Files with mistakes: each is said with its file, line and field, and what is good is done.

use crate::world::World;

#[test]
fn what_is_wrong_with_a_file_is_said_before_anything_is_done() {
    let world = World::new();
    world.write(
        "bad.yaml",
        "hooks:\n- source: crud\n  handler: log\n- source: crud\n  handlr: log\n  snoze: 60\n- id: 7\n  source: x\n  \
         handler: log\n",
    );
    let refused = world.run("apply -f bad.yaml");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(
        refused.err,
        "error: bad.yaml:4: handler: required field missing\n\
         error: bad.yaml:5: handlr: unknown field; is it handler?\n\
         error: bad.yaml:6: snoze: unknown field; is it snooze?\n\
         error: bad.yaml:7: id: expected a valid UUID\n"
    );
    assert_eq!(world.well("hooks list"), "there are no hooks\n");
}

#[test]
fn what_a_deployment_refuses_is_said_with_its_line_and_the_rest_is_done() {
    let world = World::new();
    world.write(
        "some.yaml",
        "- source: crud\n  handler: webhook\n  config:\n    url: localhost\n    secrt: s3cr3t\n\
         - source: crud\n  handler: lambda\n  config:\n    functions:\n    - return function() end\n    - return function(\n\
         - source: crud\n  handler: log\n",
    );
    world.well("--workspace team hooks create source=balancer handler=log");
    let applied = world.run("--workspace team apply -f some.yaml --prune --yes");
    assert_eq!(applied.code, 1, "{applied:?}");
    assert!(
        applied.out.ends_with("1 created, 0 changed, 0 deleted, 0 as they were\n"),
        "{applied:?}"
    );
    for line in [
        "error: some.yaml:4: config.url: missing scheme in url\n",
        "error: some.yaml:5: config.secrt: unknown field\n",
        "error: some.yaml:11: config.functions.2: ",
        "error: nothing was deleted, for not everything else was done\n",
    ] {
        assert!(applied.err.contains(line), "{line}: {}", applied.err);
    }
    assert!(!applied.err.contains("s3cr3t"), "{}", applied.err);
}

#[test]
fn what_is_no_file_of_hooks_is_said() {
    let world = World::new();
    world.write("empty/readme.txt", "");
    world.write("open.yaml", "secret: s3cr3t\nhooks: [\n");
    world.write(
        "twice.yaml",
        "- {source: a, handler: log}\n- {source: a, handler: log, snooze: 1}\n",
    );
    for (file, expected) in [
        ("none.yaml", "error: none.yaml: No such file or directory (os error 2)\n"),
        ("empty", "error: empty: there is no .yaml, .yml or .json in this folder\n"),
        ("open.yaml", "error: open.yaml:2: unclosed bracket '['\n"),
        (
            "twice.yaml",
            "error: twice.yaml:2: only an id tells this hook from that of twice.yaml:1\n",
        ),
    ] {
        let refused = world.run(&format!("apply -f {file}"));
        assert_eq!((refused.code, refused.err.as_str()), (1, expected), "{file}");
    }
}

#[test]
fn which_of_several_hooks_is_meant_is_not_guessed() {
    let world = World::new();
    world.well("hooks create source=crud handler=log id=10000000-0000-4000-8000-000000000000");
    world.well("hooks create source=crud handler=log id=20000000-0000-4000-8000-000000000000");
    let refused = world.feed("apply -f -", "source: crud\nhandler: log\nsnooze: 5\n");
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(
        refused.err,
        "error: standard input:1: there are several crud/* log: say an id, one of \
         10000000-0000-4000-8000-000000000000, 20000000-0000-4000-8000-000000000000\n"
    );
}

#[test]
fn an_id_of_another_workspace_is_refused_with_its_line() {
    let world = World::new();
    world.well("--workspace a hooks create source=crud handler=log id=10000000-0000-4000-8000-000000000000");
    let file = "id: 10000000-0000-4000-8000-000000000000\nsource: crud\nhandler: log\n";
    let refused = world.feed("--workspace b apply -f -", file);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.starts_with("error: standard input:1: primary key violation"),
        "{refused:?}"
    );
}

//! Getting there: addresses, exit codes, and who is looking.

use std::net::TcpListener;

use tokio::net::TcpSocket;

use crate::{
    canned::Canned,
    world::{World, client, run, unheard},
};

#[test]
fn who_is_not_there_is_unreachable() {
    // A port that is taken, and at which nobody listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let ran = run(client(&["--url", &format!("http://127.0.0.1:{port}"), "hooks", "list"]), "");
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.err.starts_with(&format!(
            "error: cannot reach http://127.0.0.1:{port}: Connection refused"
        )),
        "{ran:?}"
    );

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let ran = run(client(&["--url", &url, "--timeout", "1", "hooks", "list"]), "");
    assert_eq!(
        (ran.code, ran.err.lines().next().unwrap()),
        (5, &*format!("error: {url} did not answer within 1 s"))
    );
}

#[test]
fn who_is_somebody_else_is_no_deployment() {
    for (status, headers, body) in [
        ("200 OK", "", "<html>"),
        ("302 Found", "location: http://elsewhere/\r\n", ""),
        ("404 Not Found", "", "<html>"),
        ("200 OK", "", "[]"),
        ("200 OK", "", "5"),
    ] {
        let server = Canned::new(&[(status, headers, body)]);
        let ran = run(client(&["--url", &server.url, "hooks", "list"]), "");
        assert_eq!(ran.code, 1, "{status}: {ran:?}");
        assert!(ran.err.contains("is that an Event Hooks deployment?"), "{status}: {ran:?}");
        assert_eq!(server.asked().len(), 1, "{status}: a redirect is not followed");
    }
}

#[test]
fn what_no_deployment_answers_is_no_defect_of_ours() {
    let id = "10000000-0000-4000-8000-000000000000";
    for (words, answer) in [
        (&["sources", "list"][..], r#"{"data": {"a": {"b": 5}}}"#),
        (&["sources", "list", "a"], r#"{"data": [5]}"#),
        (&["sources", "publish", "a", "b"], "{}"),
        (
            &["events", "explain", "--source", "a", "--event", "b"],
            r#"{"data": [{"hooks": [5]}, 5]}"#,
        ),
        (&["deliveries", "tail", id, "--last", "1", "--count", "1"], r#"{"data": [5]}"#),
        (&["deliveries", "list", id], r#"{"data": [5], "offset": 5}"#),
        (&["hooks", "list"], r#"{"data": [5]}"#),
        (&["hooks", "get", id], "{}"),
        (&["export"], r#"{"data": [5]}"#),
        (&["recover", id, "--since", "1h"], "{}"),
        (&["tokens", "create", "a", "--role", "admin"], "{}"),
        (&["poison", "get", id], "{}"),
    ] {
        let server = Canned::new(&[("200 OK", "", answer)]);
        let ran = run(client(&[&["--url", &server.url], words].concat()), "");
        assert_eq!((ran.code, ran.err.contains("panicked")), (0, false), "{words:?}: {ran:?}");
    }
}

#[test]
fn a_command_line_that_is_wrong_has_its_code() {
    for words in [
        &["nonsense"][..],
        &["hooks", "get"],
        &["hooks", "create", "source"],
        &["hooks", "get", ".."],
        &["hooks", "delete", "sources", "--yes"],
        &["sources", "withdraw", "..", "6b1f3c5e-9d2a-4f7b-8a34-5c2f1e0d9b76"],
        &["deliveries", "get", "6b1f3c5e-9d2a-4f7b-8a34-5c2f1e0d9b76", "x"],
        &["tokens", "delete", "x", "--yes"],
        &["poison", "drop", "x", "--yes"],
        &["--url", "localhost:8001", "hooks", "list"],
        &["--url", "http://me:s3cr3t@localhost/", "hooks", "list"],
        &["--workspace", "a/b", "hooks", "list"],
        &["--ca-file", "/there/is/no/such/file", "hooks", "list"],
        &["--timeout", "0", "hooks", "list"],
        &["events", "send"],
        &["events", "send", "--source", "a"],
        &["events", "send", "-f", "x", "--source", "a", "--event", "b"],
        &["events", "send", "--source", "a", "--event", "b", "--data", "[]"],
        &["recover", "x", "--since", "yesterday"],
        &["apply", "-f", "x", "--exit-code"],
        &["tokens", "create", "x", "--role", "king"],
    ] {
        let ran = run(client(words), "");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}: {ran:?}");
        assert!(
            ran.err.starts_with("error: ") && !ran.err.contains("s3cr3t"),
            "{words:?}: {ran:?}"
        );
    }
    assert_eq!(
        run(client(&["--version"]), "").out,
        concat!("eventhooks ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn a_deployment_is_well_or_not() {
    let status = World::new().well("status");
    assert!(status.starts_with("status           ok\nversion          "), "{status}");
    let ill = r#"{"status": "unavailable", "version": "1"}"#;
    let server = Canned::new(&[("503 Service Unavailable", "retry-after: 9\r\n", ill)]);
    let ran = run(client(&["--url", &server.url, "status"]), "");
    assert_eq!((ran.code, server.asked().len()), (1, 1), "it is asked once: {ran:?}");
    assert_eq!(ran.out, "status   unavailable\nversion  1\n", "{ran:?}");
    assert_eq!(ran.err, "error: the deployment is not well\n");
}

#[test]
fn who_has_no_time_at_all_is_as_good_as_not_there() {
    let later = ("503 Service Unavailable", "retry-after: 0\r\n", r#"{"message": "later"}"#);
    let server = Canned::new(&[later]);
    let ran = run(client(&["--url", &server.url, "hooks", "list"]), "");
    assert_eq!((ran.code, ran.err.as_str()), (5, "error: later\n"), "{ran:?}");
    assert_eq!(server.asked().len(), 6, "asked once, and again five times");

    let id = "10000000-0000-4000-8000-000000000000";
    for words in [
        &["hooks", "ping", id][..],
        &["hooks", "test", id],
        &["recover", id, "--since", "1h"],
        &["deliveries", "redeliver", id, id],
        &["poison", "redeliver", id],
    ] {
        let server = Canned::new(&[later]);
        let ran = run(client(&[&["--url", &server.url], words].concat()), "");
        assert_eq!((ran.code, server.asked().len()), (1, 1), "{words:?}: not done twice: {ran:?}");
    }
}

#[test]
fn a_list_without_an_end_is_not_read_for_ever() {
    let page = r#"{"data": [{"id": "a"}], "next": "/event-hooks?offset=x", "offset": "x"}"#;
    let server = Canned::new(&[("200 OK", "", page)]);
    let ran = run(client(&["--url", &server.url, "hooks", "list"]), "");
    assert_eq!((ran.code, ran.err.as_str()), (1, "error: /event-hooks is a list without an end\n"));
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_path_and_a_workspace_stand_before_the_route() {
    let server = Canned::new(&[("200 OK", "", r#"{"data": [], "next": null}"#)]);
    let url = format!("{}/prod/", server.url);
    let ran = run(client(&["--url", &url, "--workspace", "team", "hooks", "list"]), "");
    assert_eq!(ran.out, "there are no hooks in workspace team\n", "{ran:?}");
    assert!(server.asked()[0].starts_with("GET /prod/team/event-hooks?size=1000 HTTP/1.1\r\n"));
}

#[test]
fn a_certificate_is_checked_and_one_of_an_own_authority_can_be_trusted() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = Canned::with_tls(&certified, &[("200 OK", "", r#"{"data": [], "next": null}"#)]);
    let unknown = run(client(&["--url", &server.url, "hooks", "list"]), "");
    assert_eq!(unknown.code, 5, "{unknown:?}");
    assert!(unknown.err.contains("certificate"), "{unknown:?}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, certified.cert.pem()).unwrap();
    let file = file.to_str().unwrap();
    let known = run(client(&["--url", &server.url, "--ca-file", file, "hooks", "list"]), "");
    assert_eq!((known.code, known.out.as_str()), (0, "there are no hooks\n"), "{known:?}");
}

#[test]
fn a_proxy_of_the_environment_is_asked() {
    let proxy = Canned::new(&[("200 OK", "", r#"{"data": [], "next": null}"#)]);
    let mut command = client(&["--url", "http://deployment.example", "hooks", "list"]);
    command.env("http_proxy", &proxy.url);
    assert_eq!(run(command, "").code, 0);
    let asked = &proxy.asked()[0];
    assert!(asked.starts_with("GET http://deployment.example/event-hooks?size=1000 "), "{asked}");
}

#[test]
fn a_list_is_read_to_its_end() {
    let server = Canned::new(&[
        (
            "200 OK",
            "",
            r#"{"data": [{"id": "a"}], "next": "/event-hooks?offset=x", "offset": "a+b="}"#,
        ),
        ("200 OK", "", r#"{"data": [{"id": "b"}], "next": null}"#),
    ]);
    let ran = run(client(&["--url", &server.url, "hooks", "list", "-o", "json"]), "");
    assert!(ran.out.contains("\"a\"") && ran.out.contains("\"b\""), "{ran:?}");
    assert!(
        server.asked()[1].starts_with("GET /event-hooks?size=1000&offset=a%2Bb%3D HTTP/1.1\r\n")
    );
}

#[test]
fn answers_come_in_three_forms() {
    let world = World::new();
    world.well("hooks create source=crud handler=log");
    for (format, beginning) in
        [("table", "ID "), ("json", "[\n  {\n    \"id\": "), ("yaml", "- id: ")]
    {
        let shown = world.well(&format!("hooks list --output {format}"));
        assert!(shown.starts_with(beginning), "{format}: {shown}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_who_wants_them() {
    for (name, variable, is_coloured) in [
        ("a pipe", None, false),
        ("forced", Some(("CLICOLOR_FORCE", "1")), true),
        ("forbidden", Some(("NO_COLOR", "1")), false),
    ] {
        let mut command = client(&["--url", "x", "hooks", "list"]);
        variable.map(|(name, value)| command.env(name, value));
        assert_eq!(run(command, "").err.contains('\u{1b}'), is_coloured, "{name}");
    }
}

/// `script` of util-linux lends a terminal.
#[cfg(target_os = "linux")]
#[test]
fn who_sits_at_a_terminal_is_asked_before_something_is_deleted() {
    const ID: &str = "6b1f3c5e-9d2a-4f7b-8a34-5c2f1e0d9b76";
    let Ok(_) = std::process::Command::new("script").arg("--version").output() else {
        println!("skipped: the question before deleting, for there is no script");
        return;
    };
    let world = World::new();
    world.well(&format!("hooks create id={ID} source=crud handler=log"));
    for (answer, code, said) in [("n\n", 1, "nothing was deleted"), ("y\n", 0, "deleted 6b1f")] {
        let program = client(&[]);
        let program = program.get_program().to_str().unwrap();
        let typed = format!("{program} --url {} hooks delete {ID}", world.url);
        let mut script = std::process::Command::new("script");
        script.args(["--quiet", "--return", "--command", &typed, "/dev/null"]);
        let ran = run(script, answer);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.out.contains(&format!("Delete hook {ID}? [y/N] ")), "{ran:?}");
        assert!(ran.out.contains(said), "{ran:?}");
    }
}

#[test]
fn who_stops_reading_is_not_complained_to() {
    assert_eq!(unheard(client(&["completions", "bash"])), (Some(0), String::new()));
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(client(&["completions", shell]), "");
        assert!(
            ran.code == 0 && ran.out.contains("eventhooks") && ran.out.contains("redeliver"),
            "{shell}"
        );
    }
    for (shell, arguments) in [("bash", &["-n"][..]), ("zsh", &["-n"]), ("fish", &["--no-execute"])]
    {
        let Ok(_) = std::process::Command::new(shell).arg("--version").output() else {
            println!("skipped: the script of {shell}, for there is no {shell}");
            continue;
        };
        let script = run(client(&["completions", shell]), "").out;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), script).unwrap();
        let mut reader = std::process::Command::new(shell);
        reader.args(arguments).arg(file.path());
        let checked = run(reader, "");
        assert_eq!((checked.code, checked.err.as_str()), (0, ""), "{shell} reads it");
    }
}

#[test]
fn what_bash_completes() {
    let script = run(client(&["completions", "bash"]), "").out;
    for (line, expected) in [
        ("eventhooks hooks re", ""),
        ("eventhooks poison re", "redeliver"),
        ("eventhooks tokens create x --role e", "emitter"),
        ("eventhooks --token-f", "--token-file"),
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let (word, place) = (words.last().unwrap(), words.len() - 1);
        let asked = format!(
            "{script}\nCOMP_WORDS=({line}); COMP_CWORD={place}; _eventhooks eventhooks '{word}' '{}'\n\
             echo \"${{COMPREPLY[*]}}\"\n",
            words[place - 1],
        );
        let mut bash = std::process::Command::new("bash");
        bash.args(["--norc", "-s"]);
        let found = run(bash, &asked);
        assert_eq!(found.out.trim_end(), expected, "{line}: {}", found.err);
    }
}

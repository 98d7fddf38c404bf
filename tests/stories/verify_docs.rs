//! Do the programs of docs/verify.md verify?
//!
//! Each is taken out of the page and given requests: the vectors of Standard Webhooks, and some
//! signed here. Vectors are of a day long past: for them, the place where a program reads the
//! clock is given their time. What is signed here is judged by the real clock.

use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::repository;

/// A language that docs/verify.md has a program in.
struct Language {
    /// What its block in the page is marked with.
    fence: &'static str,
    /// How the program is called; the header to insist on comes after it.
    command: &'static [&'static str],
    /// What must be installed.
    needs: &'static str,
    /// Where the program reads the clock, and what stands there at a time of ours.
    clock: (&'static str, &'static str),
}

#[test]
fn python() {
    check_program(&Language {
        fence: "python",
        command: &["python3", "verify"],
        needs: "python3",
        clock: ("time.time()", "NOW"),
    });
}

#[test]
fn node() {
    check_program(&Language {
        fence: "js",
        command: &["node", "verify"],
        needs: "node",
        clock: ("Date.now()", "(NOW * 1000)"),
    });
}

#[test]
fn go() {
    check_program(&Language {
        fence: "go",
        command: &["go", "run", "verify.go"],
        needs: "go",
        clock: ("time.Now()", "time.Unix(NOW, 0)"),
    });
}

#[test]
fn shell() {
    check_program(&Language {
        fence: "sh",
        command: &["sh", "verify"],
        needs: "openssl",
        clock: ("$(date +%s)", "NOW"),
    });
}

/// A request, and whether it is to be believed.
struct Request {
    name: String,
    /// The header to insist on.
    check: &'static str,
    secret: String,
    /// By the names that CGI gives them.
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// The time it is judged at, in seconds; now, if it does not say.
    now: Option<i64>,
    valid: bool,
}

const STANDARD: &str = "webhook-signature";
const KONG: &str = "x-kong-signature";
const HEADERS: [(&str, &str); 4] = [
    ("webhook-id", "HTTP_WEBHOOK_ID"),
    ("webhook-timestamp", "HTTP_WEBHOOK_TIMESTAMP"),
    (STANDARD, "HTTP_WEBHOOK_SIGNATURE"),
    (KONG, "HTTP_X_KONG_SIGNATURE"),
];

/// Vectors that end otherwise here, and why.
const ON_PURPOSE: [(&str, &str); 1] =
    [("secret-without-prefix", "a secret that does not begin with whsec_ is its own bytes")];

fn check_program(language: &Language) {
    if let Some(why) = reason_to_skip(language) {
        // Not with `eprintln!`, which `cargo test` shows only of tests that fail.
        writeln!(io::stderr(), "skipped: docs/verify.md, {}: {why}", language.fence)
            .expect("stderr is open");
        return;
    }
    let program = program_of(language);
    let folder = tempfile::tempdir().expect("a folder for the program");
    let mut wrong = Vec::new();
    for request in all_requests() {
        let (valid, printed) = run(language, &program, &request, folder.path());
        if valid != request.valid {
            wrong.push(format!("{} ({}): {printed}", request.name, request.check));
        }
    }
    assert!(wrong.is_empty(), "{} judges wrongly:\n{}", language.fence, wrong.join("\n"));
}

fn reason_to_skip(language: &Language) -> Option<String> {
    const SWITCH: &str = "EVENT_HOOKS_TEST_LANGUAGES";
    if env::var_os(SWITCH).is_none_or(|value| value != "1") {
        return Some(format!("{SWITCH} is not 1"));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = env::split_paths(&path).any(|folder| folder.join(language.needs).is_file());
    (!installed).then(|| format!("{} is not installed", language.needs))
}

fn program_of(language: &Language) -> String {
    let page = repository::read("docs/verify.md");
    let mut blocks = repository::code_blocks(&page);
    blocks.retain(|block| block.language == language.fence);
    assert_eq!(blocks.len(), 1, "docs/verify.md has one program in {}", language.fence);
    let program = blocks[0].lines.join("\n") + "\n";
    assert_eq!(program.matches(language.clock.0).count(), 1, "it reads the clock in one place");
    program
}

/// Did it find the request valid? And what it printed.
fn run(language: &Language, program: &str, request: &Request, folder: &Path) -> (bool, String) {
    let program = match request.now {
        Some(now) => {
            program.replace(language.clock.0, &language.clock.1.replace("NOW", &now.to_string()))
        }
        None => program.to_owned(),
    };
    let file = language.command.last().expect("the program's file");
    fs::write(folder.join(file), program).expect("a folder of our own");
    fs::write(folder.join("body"), &request.body).expect("a folder of our own");
    let body = fs::File::open(folder.join("body")).expect("just written");

    let mut command = Command::new(language.command[0]);
    command.args(&language.command[1..]).arg(request.check).current_dir(folder);
    for (_, variable) in HEADERS {
        command.env_remove(variable);
    }
    command.envs(request.headers.iter().cloned()).env("WEBHOOK_SECRET", &request.secret);
    let output = command.stdin(Stdio::from(body)).output().expect("it is installed");

    let printed = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let says_valid = output.stdout == b"valid\n";
    let says_invalid = output.stdout.starts_with(b"invalid: ") && output.status.code() == Some(1);
    assert!(
        says_invalid || says_valid && output.status.success(),
        "{}: {} answers neither yes nor no: {printed}",
        request.name,
        language.fence,
    );
    (says_valid, printed)
}

fn all_requests() -> Vec<Request> {
    let cases: Value =
        serde_json::from_str(&repository::read("tests/conformance/standard-webhooks.json"))
            .expect("the cases are JSON");
    let cases_of = |name: &str| cases[name].as_array().expect("a list of cases").clone();
    let mut requests: Vec<_> = cases_of("vectors").iter().map(vector).collect();
    requests.extend(cases_of("kong_hmac_values").iter().flat_map(kong_values));
    requests.extend(signed_here());
    requests
}

fn vector(case: &Value) -> Request {
    let text = |name: &str| case[name].as_str().map(str::to_owned);
    let name = text("name").expect("every case has a name");
    let body = match text("body") {
        Some(body) => body.into_bytes(),
        None => BASE64_STANDARD
            .decode(text("body_base64").expect("a body in one of two ways"))
            .expect("written in base64"),
    };
    let headers = HEADERS.into_iter().filter_map(|(header, variable)| {
        Some((variable, case["headers"][header].as_str()?.to_owned()))
    });
    let on_purpose = ON_PURPOSE.iter().any(|(it, _)| *it == name);
    Request {
        check: STANDARD,
        secret: text("secret").expect("every case has a secret"),
        headers: headers.collect(),
        body,
        now: Some(case["now"].as_i64().expect("every case has a time")),
        valid: (case["verdict"] == "valid") != on_purpose,
        name,
    }
}

fn kong_values(case: &Value) -> Vec<Request> {
    let text = |name: &str| case[name].as_str().expect("every case has it");
    let algorithm = text("name").rsplit('-').next().expect("the name ends with it");
    let right = format!("{algorithm}={}", text("hex"));
    let (secret, body) = (text("secret"), text("body"));
    [
        ("as it was sent", right.clone(), secret, body, true),
        ("a tampered body", right.clone(), secret, "{}", false),
        ("another secret", right.clone(), "another", body, false),
        ("no secret", right.clone(), "", body, false),
        ("in base64", format!("{algorithm}={}", text("base64")), secret, body, false),
        ("no algorithm", text("hex").to_owned(), secret, body, false),
        ("another algorithm", format!("md5={}", text("hex")), secret, body, false),
        ("cut short", right[..right.len() - 1].to_owned(), secret, body, false),
        ("no value", format!("{algorithm}="), secret, body, false),
        ("nothing at all", String::new(), secret, body, false),
    ]
    .into_iter()
    .map(|(name, header, secret, body, valid)| Request {
        name: format!("{}, {name}", text("name")),
        check: KONG,
        secret: secret.to_owned(),
        headers: vec![("HTTP_X_KONG_SIGNATURE", header)],
        body: body.into(),
        now: None,
        valid,
    })
    .collect()
}

/// Requests of this very moment, or of a while ago.
fn signed_here() -> Vec<Request> {
    const BODY: &[u8] = br#"{"source":"crud","event":"consumers"}"#;
    const KEY: &[u8] = b"0123456789abcdef01234567";
    const MINUTE: i64 = 60;

    let in_base64 = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
    let elapsed = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    let now = i64::try_from(elapsed.as_secs()).expect("before the end of time");
    let signed = |key: &[u8], at: i64| sign(key, "msg_1", at, BODY);
    let both =
        |first: &[u8], second: &[u8]| format!("{} {}", signed(first, now), signed(second, now));
    [
        ("of this moment", in_base64.as_str(), now, signed(KEY, now), BODY, true),
        ("a tampered body", &in_base64, now, signed(KEY, now), b"{}", false),
        (
            "four minutes old",
            &in_base64,
            now - 4 * MINUTE,
            signed(KEY, now - 4 * MINUTE),
            BODY,
            true,
        ),
        (
            "six minutes old",
            &in_base64,
            now - 6 * MINUTE,
            signed(KEY, now - 6 * MINUTE),
            BODY,
            false,
        ),
        (
            "from the future",
            &in_base64,
            now + 6 * MINUTE,
            signed(KEY, now + 6 * MINUTE),
            BODY,
            false,
        ),
        (
            "an old signature with a new time",
            &in_base64,
            now,
            signed(KEY, now - MINUTE),
            BODY,
            false,
        ),
        ("two, the second right", &in_base64, now, both(b"replaced", KEY), BODY, true),
        ("two, the first right", &in_base64, now, both(KEY, b"replaced"), BODY, true),
        ("two, both wrong", &in_base64, now, both(b"replaced", b"older"), BODY, false),
        ("a secret of plain bytes", "s3cr3t", now, signed(b"s3cr3t", now), BODY, true),
        ("a secret that could be base64", "c2VjcmV0", now, signed(b"c2VjcmV0", now), BODY, true),
        ("a secret without padding", "whsec_a2V5IQ", now, signed(b"key!", now), BODY, true),
        ("whsec_ and no base64", "whsec_key!", now, signed(b"whsec_key!", now), BODY, true),
        ("whsec_ and nothing", "whsec_", now, signed(b"whsec_", now), BODY, true),
        ("whsec_ and no base64, no key", "whsec_???", now, signed(b"", now), BODY, false),
        ("an empty secret", "", now, signed(b"", now), BODY, false),
    ]
    .into_iter()
    .map(|(name, secret, at, signature, body, valid)| Request {
        name: name.to_owned(),
        check: STANDARD,
        secret: secret.to_owned(),
        headers: vec![
            ("HTTP_WEBHOOK_ID", "msg_1".to_owned()),
            ("HTTP_WEBHOOK_TIMESTAMP", at.to_string()),
            ("HTTP_WEBHOOK_SIGNATURE", signature),
        ],
        body: body.to_owned(),
        now: None,
        valid,
    })
    .collect()
}

fn sign(key: &[u8], id: &str, at: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

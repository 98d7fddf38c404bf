//! Are tokens given out once, listed, and taken back?

use http::Method;
use serde_json::{Value, json};

use crate::doors::{Answer, Doors, FORM, JSON, id, request};

const MULTIPART: (&str, &str) = ("content-type", "multipart/form-data; boundary=b");
const NOBODY: &str = "5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10";

async fn asked(
    doors: &Doors,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let body = body.map(Value::to_string).unwrap_or_default();
    doors.send(request(method, path, &[("kong-admin-token", token), JSON], body)).await
}

/// Adds a token as the holder of the first one, and answers it.
async fn added(doors: &Doors, wanted: &Value) -> Value {
    asked(doors, "first", Method::POST, "/tokens", Some(wanted)).await.expect(201)
}

#[tokio::test]
async fn a_token_is_shown_once_and_opens_what_it_is_for() {
    let doors = Doors::guarded("first");
    let wanted = json!({"name": "gateway", "role": "emitter", "workspaces": ["team"]});
    let answer = asked(&doors, "first", Method::POST, "/tokens", Some(&wanted)).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut made = answer.expect(201);
    let text = made.as_object_mut().unwrap().shift_remove("token").unwrap();
    let text = text.as_str().unwrap();
    assert!(text.starts_with("eh_") && text.len() == 46, "{text}");
    let expected = json!({
        "id": made["id"], "name": "gateway", "role": "emitter", "workspaces": ["team"],
        "created_at": 1_795_255_200,
    });
    assert_eq!(made, expected);

    let listed = asked(&doors, "first", Method::GET, "/tokens", None).await;
    assert!(!listed.text.contains(text) && !listed.text.contains("hash"), "{}", listed.text);
    assert_eq!(listed.expect(200), json!({"data": [expected], "next": null}));

    let event = json!({"source": "crud", "event": "consumers"});
    let post = async |path| asked(&doors, text, Method::POST, path, Some(&event)).await;
    post("/team/events").await.expect(202);
    post("/events").await.expect(403);
    let refused = asked(&doors, text, Method::GET, "/team/event-hooks", None).await.expect(403);
    let message = "gateway, you do not have permissions to read this resource";
    assert_eq!(refused, json!({"message": message}));

    let path = format!("/tokens/{}", id(&made));
    asked(&doors, "first", Method::DELETE, &path, None).await.expect(204);
    post("/team/events").await.expect(401);
    let again = asked(&doors, "first", Method::DELETE, &path, None).await;
    assert_eq!(again.expect(404), json!({"message": "Not found"}));
    let none = asked(&doors, "first", Method::GET, "/tokens", None).await.expect(200);
    assert_eq!(none, json!({"data": [], "next": null}));
}

#[tokio::test]
async fn every_form_of_body_says_the_same() {
    let part = |name: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = part("name", "x") + &part("role", "admin") + &part("workspaces", "a");
    for (name, content_type, body) in [
        ("JSON", JSON, r#"{"name":"x","role":"admin","workspaces":["b","a","b"]}"#.to_owned()),
        ("a form", FORM, "name=x&role=admin&workspaces=b&workspaces=a".to_owned()),
        ("with brackets", FORM, "name=x&role=admin&workspaces[]=a&workspaces[]=b".to_owned()),
        ("multipart", MULTIPART, parts + &part("workspaces", "b") + "--b--\r\n"),
    ] {
        let asked = request(Method::POST, "/tokens", &[content_type], body);
        let made = Doors::open().send(asked).await.expect(201);
        let shown = (&made["name"], &made["role"], &made["workspaces"]);
        assert_eq!(shown, (&json!("x"), &json!("admin"), &json!(["a", "b"])), "{name}");
    }
    let everywhere = Doors::open().form(Method::POST, "/tokens", "name=x&role=read-only").await;
    assert_eq!(everywhere.expect(201)["workspaces"], Value::Null);
}

#[tokio::test]
async fn a_token_that_cannot_be_is_refused_field_by_field() {
    let doors = Doors::open();
    let with = |workspaces: Value| json!({"name": "x", "role": "admin", "workspaces": workspaces});
    let empty = "workspaces: must not be empty; leave it out for every workspace";
    for (name, wanted, violation) in [
        ("no name", json!({"role": "admin"}), "name: required field missing"),
        ("an empty name", json!({"name": "", "role": "admin"}), "name: length must be at least 1"),
        (
            "a long name",
            json!({"name": "x".repeat(256), "role": "admin"}),
            "name: length must be at most 255",
        ),
        (
            "a name of two lines",
            json!({"name": "a\nb", "role": "admin"}),
            "name: must not contain control characters",
        ),
        ("a number", json!({"name": 1, "role": "admin"}), "name: expected a string"),
        ("no role", json!({"name": "x"}), "role: required field missing"),
        (
            "another role",
            json!({"name": "x", "role": "Admin"}),
            "role: expected one of: admin, read-only, emitter",
        ),
        ("tied to nothing", with(json!([])), "workspaces: length must be at least 1"),
        ("tied to null", with(Value::Null), empty),
        ("tied to a number", with(json!([1])), "workspaces.1: expected a string"),
        (
            "tied to what is none",
            with(json!(["a", "b/c"])),
            "workspaces.2: a workspace is made of letters, digits, '_', '.', '~' and '-'",
        ),
        (
            "tied to all of them",
            with(json!(["default"])),
            "workspaces.1: 'default' is every workspace: leave workspaces out",
        ),
        (
            "tied to a route",
            with(json!(["events"])),
            "workspaces.1: 'events' cannot be a workspace",
        ),
        ("tied to a dot", with(json!([".."])), "workspaces.1: '..' cannot be a workspace"),
        (
            "tied to very many",
            with(json!(vec!["a"; 101])),
            "workspaces: length must be at most 100",
        ),
        (
            "with a text of its own",
            json!({"name": "x", "role": "admin", "token": "eh_mine"}),
            "token: unknown field",
        ),
    ] {
        let refused = doors.json(Method::POST, "/tokens", &wanted).await.expect(400);
        assert_eq!(refused["message"], format!("schema violation ({violation})"), "{name}");
        assert_eq!((&refused["code"], &refused["name"]), (&json!(2), &json!("schema violation")));
    }
    let form = doors.form(Method::POST, "/tokens", "name=x&role=admin&workspaces=").await;
    let expected = format!("schema violation ({empty})");
    assert_eq!(form.expect(400)["message"], expected, "an empty variable opens nothing");
    let listed = doors.get("/tokens").await.expect(200);
    assert_eq!(listed["data"], json!([]), "nothing was made");
    let no_uuid = doors.ask(Method::DELETE, "/tokens/x").await.expect(400);
    assert_eq!(no_uuid["name"], "invalid primary key");
}

#[tokio::test]
async fn a_list_has_pages_and_is_the_same_in_every_workspace() {
    let doors = Doors::open();
    let mut all = Vec::new();
    for prefix in ["", "/team", "/default", "", ""] {
        let path = format!("{prefix}/tokens");
        let made = doors.form(Method::POST, &path, "name=x&role=admin").await.expect(201);
        all.push(id(&made));
    }
    all.sort();
    for prefix in ["", "/team"] {
        let mut met = Vec::new();
        let mut path = format!("{prefix}/tokens?size=2");
        loop {
            let page = doors.get(&path).await.expect(200);
            met.extend(page["data"].as_array().unwrap().iter().map(id));
            let Some(next) = page["next"].as_str() else { break };
            assert!(next.starts_with(&format!("{prefix}/tokens?size=2&offset=")), "{next}");
            path = next.to_owned();
        }
        assert_eq!(met, all, "{prefix}");
    }
}

#[tokio::test]
async fn only_admins_of_everything_give_tokens_out() {
    let doors = Doors::guarded("first");
    let wanted = json!({"name": "more", "role": "emitter"});
    for (name, token, status) in [
        ("an admin", json!({"name": "a", "role": "admin"}), 201),
        ("a tied admin", json!({"name": "a", "role": "admin", "workspaces": ["team"]}), 403),
        ("a reader", json!({"name": "a", "role": "read-only"}), 403),
        ("an emitter", json!({"name": "a", "role": "emitter"}), 403),
    ] {
        let made = added(&doors, &token).await;
        let text = made["token"].as_str().unwrap();
        for prefix in ["", "/team"] {
            let path = format!("{prefix}/tokens");
            let made = asked(&doors, text, Method::POST, &path, Some(&wanted)).await;
            assert_eq!(made.status, status, "{name} {path}");
            let listed = asked(&doors, text, Method::GET, &path, None).await;
            assert_eq!(listed.status == 200, status == 201, "{name} {path}");
            let gone = format!("{path}/{NOBODY}");
            let gone = asked(&doors, text, Method::DELETE, &gone, None).await;
            assert_eq!(gone.status == 404, status == 201, "{name} {path}");
        }
    }
}

#[tokio::test]
async fn where_everybody_may_come_in_tokens_are_made_and_not_looked_at() {
    let doors = Doors::open();
    let made = doors.form(Method::POST, "/tokens", "name=x&role=emitter").await.expect(201);
    let text = made["token"].as_str().unwrap();
    asked(&doors, text, Method::GET, "/event-hooks", None).await.expect(200);
}

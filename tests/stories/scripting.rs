//! `lambda`: functions of the administrator's own, and how far they get.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::receiver::{Answer, Receiver};

use crate::{
    signature::SECRET,
    world::{World, a_change, a_webhook, answer, json_body},
};

/// A hook for changes of consumers that runs these.
fn a_lambda(functions: &[&str]) -> Value {
    json!({
        "source": "crud",
        "event": "consumers",
        "handler": "lambda",
        "config": {"functions": functions},
    })
}

#[tokio::test]
async fn functions_run_in_order_and_what_they_say_can_be_read() {
    let world = World::new().await;
    let first = "return function(data, event, source)\n\
                 kong.log.notice('hello ', data.entity.username)\n\
                 ngx.log(ngx.WARN, source, '/', event)\n\
                 data.entity.seen = true\n\
                 return 1\nend";
    let second = "return function(data, _, _, pid) return {seen = data.entity.seen, pid = pid} end";
    let hook = world.hook(&a_lambda(&[first, second])).await;
    let event = json!({
        "source": "crud", "event": "consumers", "pid": 7,
        "data": {"entity": {"username": "Ada"}},
    });
    world.publish(&event).await;
    let delivery = world.newest_that_is(&hook, "delivered").await;
    let attempt = &delivery["attempts"][0];
    assert_eq!(attempt["returns"], json!([1, {"seen": true, "pid": 7}]));
    let logs = json!([
        {"level": "notice", "text": "hello Ada"},
        {"level": "warn", "text": "crud/consumers"},
    ]);
    assert_eq!(attempt["logs"], logs);
    assert_eq!((&attempt["request"], &attempt["error"]), (&Value::Null, &Value::Null));
    assert_eq!(delivery["data"], event["data"], "what a function changes is its own");

    // As in the gateway, it is in the server's log, too; each member of a line once.
    let logged = world.log_with("crud/consumers").await;
    let line = logged.lines().find(|line| line.contains("crud/consumers")).unwrap();
    assert_eq!(line.matches("level\":").count(), 2, "the line's and the script's: {line}");
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["level"], &line["script.level"]), (&json!("WARN"), &json!("warn")));
}

#[tokio::test]
async fn false_asks_for_another_attempt() {
    let world = World::new().await;
    let patient = "return function(data)\n\
                   if ngx.now() < data.opens then return false, 'not open yet' end\n\
                   return 'open'\nend";
    let hook = world.hook(&a_lambda(&[patient])).await;
    let opens = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64() + 2.0;
    world.publish(&json!({"source": "crud", "event": "consumers", "data": {"opens": opens}})).await;
    let delivery = world.newest_that_is(&hook, "pending").await;
    assert_eq!((&delivery["reason"], &delivery["attempt"]), (&json!("retry"), &json!(1)));

    let delivery = world.newest_that_is(&hook, "delivered").await;
    let attempts = delivery["attempts"].as_array().unwrap();
    let of = |member| attempts.iter().map(|it| it[member].clone()).collect::<Vec<_>>();
    assert_eq!(of("error"), [json!("not open yet"), Value::Null]);
    assert_eq!(of("returns"), [Value::Null, json!(["open"])]);
    assert_eq!(of("number"), [1, 2]);
}

#[tokio::test]
async fn what_would_fail_again_is_exhausted_and_says_where() {
    let world = World::new().await;
    for (name, function, expected) in [
        ("an error", "return function()\n\nerror('no luck')\nend", "\"]:3: no luck"),
        (
            "a member of nothing",
            "return function(data)\nreturn data.consumer.username\nend",
            "\"]:2: attempt to index nil with 'username'",
        ),
        ("no end", "return function()\nwhile true do end\nend", "\"]:2: ran longer than 100 ms"),
        (
            "no end that can be caught",
            "return function()\nwhile true do pcall(function() while true do end end) end\nend",
            "ran longer than 100 ms",
        ),
        (
            "too much memory",
            "return function()\nlocal s = string.rep('x', 2^20)\nlocal all = {}\n\
             for i = 1, 1000 do all[i] = s .. i end\nend",
            "not enough memory",
        ),
    ] {
        let hook = world.hook(&a_lambda(&[function])).await;
        world.publish(&a_change()).await;
        let delivery = world.newest_that_is(&hook, "exhausted").await;
        let attempt = &delivery["attempts"][0];
        let error = attempt["error"].as_str().unwrap();
        assert!(error.contains(expected), "{name}: no '{expected}' in {error}");
        assert_eq!(delivery["reason"], "script-error", "{name}");
        assert_eq!(attempt["logs"], json!([{"level": "error", "text": error}]), "{name}");
        world.send("DELETE", &format!("/event-hooks/{hook}"), &Value::Null).await;
    }
    assert!(!world.logged().await.contains("panicked"));
}

#[tokio::test]
async fn what_is_no_function_is_refused_when_it_is_saved() {
    let world = World::new().await;
    let good = "return function() end";
    for (name, functions, field, expected) in [
        ("a mistake", [good, "\n\nreturn function( end"], "2", "\"]:3: "),
        ("goto", ["return function()\ngoto a\n::a::\nend", good], "1", "\"]:2: goto and labels"),
        ("a number", [good, "return 7"], "2", "expected function type, got number"),
        ("nothing", ["local x = 1", good], "1", "expected function type, got nil"),
        ("code that fails around it", ["\nerror('no')", good], "1", "\"]:2: no"),
        ("code that does not end around it", ["while true do end", good], "1", "ran longer"),
    ] {
        let refused = world.post("/event-hooks", &a_lambda(&functions)).await;
        assert_eq!(refused.status, 400, "{name}: {}", refused.text);
        let refused = refused.json();
        let message = refused["fields"]["config"]["functions"][field].as_str();
        let message = message.unwrap_or_else(|| panic!("{name}: {refused}"));
        assert!(message.starts_with("Error parsing function: "), "{name}: {message}");
        assert!(message.contains(expected), "{name}: no '{expected}' in {message}");
    }
    assert_eq!(world.get("/event-hooks").await.json()["data"], json!([]), "none was made");
}

/// Breaks when runs of one hook are handed out before those of others, or a run keeps a thread.
#[tokio::test]
async fn an_endless_loop_delays_no_other_hook() {
    const EVENTS: usize = 20;
    let (world, receiver) = (World::new().await, Receiver::http().await);
    let endless = world.hook(&a_lambda(&["return function() while true do end end"])).await;
    let short = world.hook(&a_lambda(&["return function() return 'done' end"])).await;
    world.hook(&a_webhook(&receiver.url())).await;
    receiver.next().await;

    world.publish(&Value::from(vec![a_change(); EVENTS])).await;
    for _ in 0..EVENTS {
        receiver.next_within(Duration::from_secs(1)).await;
    }
    let are = |all: &[Value], status: &str| all.iter().filter(|it| it["status"] == status).count();
    let loops = world.deliveries(&endless, |_| true).await;
    assert!(are(&loops, "exhausted") < EVENTS, "the webhook's came while these ran");
    world.deliveries(&short, |all| are(all, "delivered") == EVENTS).await;
    let loops = world.deliveries(&endless, |_| true).await;
    assert!(are(&loops, "exhausted") < EVENTS, "functions take turns, hook by hook");
    world.deliveries(&endless, |all| are(all, "exhausted") == EVENTS).await;
}

/// Says everything that can be walked to from what a script is given.
const SNOOP: &str = r#"
return function(data, event, source)
  local seen, found = {}, {}
  local function walk(name, value)
    found[#found + 1] = name .. " = " .. tostring(value)
    if type(value) == "table" and not seen[value] then
      seen[value] = true
      for key, inner in pairs(value) do walk(name .. "." .. tostring(key), inner) end
    end
  end
  for name, value in pairs({
    data = data, event = event, source = source, kong = kong, ngx = ngx, os = os, io = io,
    string = string, jit = jit, package = package, debug = debug, arg = arg, _G = _G,
  }) do walk(name, value) end
  return table.concat(found, "\n")
end"#;

#[tokio::test]
async fn no_secret_and_no_environment_is_within_reach() {
    const TOKEN: &str = "correct horse battery staple";
    let world = World::with([("ADMIN_TOKEN", TOKEN)]).await;
    let receiver = Receiver::http().await;
    let send = async |path: &str, body: &Value| {
        let asked = world.request("POST", path).header("Kong-Admin-Token", TOKEN);
        answer(json_body(asked, body)).await.json()
    };
    let mut signed = a_webhook(&receiver.url());
    signed["config"]["secret"] = SECRET.into();
    send("/event-hooks", &signed).await;
    let test = async |function: &str| {
        let made = send("/event-hooks", &a_lambda(&[function])).await;
        let path = format!("/event-hooks/{}/test", made["id"].as_str().unwrap());
        send(&path, &json!({"entity": {"username": "Ada"}})).await
    };

    let snooped = test(SNOOP).await;
    let found = snooped["result"]["returns"][0].as_str().unwrap_or_else(|| panic!("{snooped}"));
    assert!(found.contains("data.entity.username = Ada"), "it walks: {found}");
    for secret in [TOKEN, SECRET, "EVENT_HOOKS"] {
        assert!(!found.contains(secret), "{found}");
    }
    for (expression, expected) in [
        ("os.getenv('EVENT_HOOKS_ADMIN_TOKEN')", "os.getenv is not available"),
        ("io.open('/proc/self/environ')", "io.open is not available"),
        ("os.execute('env')", "os.execute is not available"),
        ("debug.getregistry()", "debug"),
        ("load('return 1')", "load is not available"),
        ("getfenv(0)", "getfenv is not available"),
        ("kong.vault.get('{vault://env/token}')", "kong.vault is not available"),
        ("require('os')", "not allowed within sandbox"),
    ] {
        let tested = test(&format!("return function() return {expression} end")).await;
        let error = tested["error"].as_str().unwrap_or_else(|| panic!("{expression}: {tested}"));
        assert!(error.contains(expected), "{expression}: no '{expected}' in {error}");
    }
    #[cfg(target_os = "linux")]
    {
        let environments = world.process().environments_of_children();
        assert!(!environments.is_empty(), "scripts run in processes of their own");
        assert!(environments.iter().all(String::is_empty), "{environments:?}");
    }
}

/// A function that fetches what the event says, and says what came of it.
const FETCH: &str = r#"
return function(data)
  local http = require("resty.http")
  local res, err = http.new():request_uri(data.url, { method = "PUT", body = "hello" })
  return res and (res.status .. " " .. res.body) or err
end"#;

#[tokio::test]
async fn requests_are_off_until_a_setting_says_so() {
    let world = World::new().await;
    let hook = world.hook(&a_lambda(&[FETCH])).await;
    world.publish(&a_change()).await;
    let delivery = world.newest_that_is(&hook, "exhausted").await;
    let error = delivery["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("resty.http' is off: requests need the setting lua_http"), "{error}");
}

#[tokio::test]
async fn requests_leave_by_the_same_door_as_webhooks() {
    let world = World::with([("LUA_HTTP", "on")]).await;
    let receiver = Receiver::http().await;
    receiver.always(Answer::status(201).body("thanks"));
    let hook = world.hook(&a_lambda(&[FETCH])).await;
    for (name, url, expected) in [
        ("a receiver", receiver.url(), "201 thanks"),
        (
            "the metadata of clouds",
            "http://169.254.169.254/latest/".to_owned(),
            "target not allowed",
        ),
        ("a private address", "http://10.0.0.1/".to_owned(), "target not allowed"),
    ] {
        let tested = world.post(&format!("/event-hooks/{hook}/test"), &json!({"url": url})).await;
        assert_eq!(tested.json()["result"]["returns"], json!([expected]), "{name}");
    }
    let [request] = &receiver.requests()[..] else { panic!("{:?}", receiver.requests()) };
    assert_eq!((request.method.as_str(), request.text()), ("PUT", "hello"));
    assert_eq!(request.header("webhook-id"), None, "it is the script's own request");
    world.log_with("169.254.169.254").await;
}

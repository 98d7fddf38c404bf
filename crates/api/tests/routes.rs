//! Does every path answer what it can be asked, with and without a prefix?

use http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::doors::Doors;

const HOOK: &str = "/event-hooks/5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10";

/// Every path, and what it can be asked.
fn paths() -> Vec<(String, &'static str)> {
    vec![
        ("/event-hooks".into(), "GET, HEAD, OPTIONS, POST"),
        (HOOK.into(), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        (format!("{HOOK}/ping"), "GET, OPTIONS"),
        (format!("{HOOK}/test"), "OPTIONS, POST"),
        (format!("{HOOK}/deliveries"), "GET, HEAD, OPTIONS"),
        (format!("{HOOK}/deliveries/x"), "GET, HEAD, OPTIONS"),
        (format!("{HOOK}/deliveries/x/redeliver"), "OPTIONS, POST"),
        (format!("{HOOK}/recover"), "OPTIONS, POST"),
        (format!("{HOOK}/recover/x"), "GET, HEAD, OPTIONS"),
        ("/event-hooks/sources".into(), "GET, HEAD, OPTIONS"),
        ("/event-hooks/sources/crud".into(), "GET, HEAD, OPTIONS"),
        ("/event-hooks/sources/a/b".into(), "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/event-hooks/source".into(), "GET, HEAD, OPTIONS"),
        ("/event-hooks/source/crud".into(), "GET, HEAD, OPTIONS"),
        ("/event-hooks/source/a/b".into(), "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/events".into(), "OPTIONS, POST"),
        ("/events/explain".into(), "OPTIONS, POST"),
        ("/poison".into(), "GET, HEAD, OPTIONS"),
        ("/poison/x".into(), "DELETE, GET, HEAD, OPTIONS"),
        ("/poison/x/redeliver".into(), "OPTIONS, POST"),
        ("/tokens".into(), "GET, HEAD, OPTIONS, POST"),
        ("/tokens/x".into(), "DELETE, OPTIONS"),
        ("/status".into(), "GET, HEAD, OPTIONS"),
        ("/metrics".into(), "GET, HEAD, OPTIONS"),
        ("/openapi.json".into(), "GET, HEAD, OPTIONS"),
    ]
}

#[tokio::test]
async fn a_path_says_what_it_can_be_asked_and_refuses_the_rest() {
    let doors = Doors::open();
    assert_eq!(doors.served().len(), paths().len(), "each path that is served");
    for (path, allowed) in paths() {
        for path in [path.clone(), format!("{path}/"), format!("/team{path}")] {
            let options = doors.ask(Method::OPTIONS, &path).await;
            assert_eq!(options.status, 204, "{path}");
            assert_eq!(options.header("allow"), Some(allowed), "{path}");
            assert_eq!(options.header("access-control-allow-methods"), Some(allowed), "{path}");
            assert_eq!(options.header("access-control-allow-headers"), Some("Content-Type"));
            for method in [
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
                Method::TRACE,
            ] {
                let is_allowed = allowed.split(", ").any(|it| it == method.as_str());
                let answer = doors.ask(method.clone(), &path).await;
                assert_eq!(answer.status == 405, !is_allowed, "{method} {path}");
                if !is_allowed {
                    assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
                    let said = match method {
                        Method::HEAD => Value::Null,
                        _ => json!({"message": "Method not allowed"}),
                    };
                    assert_eq!(answer.json(), said, "{method} {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_route_is_not_found() {
    let doors = Doors::open();
    for path in [
        "/",
        "/team",
        "/team/",
        "/events/events",
        "/a/b/events",
        "//events",
        "/openapi.json/x",
        "/openapi",
        "/tokens/x/y",
        "/events/explain/x",
        "/event-hooks/5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10/redeliver",
        "/event-hooks/5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10/recover/x/redeliver",
        "/team/poison/x/y",
        "/poison/poison/x/y",
        "/poison/x/redeliver/y",
        "/event-hooks/sources/a/b/c",
        "/Event-Hooks",
        "/%2565vents",
        "/team%2Fevents",
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = doors.ask(method.clone(), path).await;
            assert_eq!(answer.expect(404), json!({"message": "Not found"}), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_path_means_the_same_with_encoding_that_it_does_not_need() {
    let doors = Doors::open();
    let log = json!({"source": "crud", "handler": "log"});
    doors.json(Method::POST, "/a~b/event-hooks", &log).await.expect(201);
    for path in ["/a~b/event-hooks", "/a%7Eb/event-hooks", "/%61%7eb/event%2Dhooks?size=1"] {
        let page = doors.get(path).await.expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), 1, "{path}");
    }
    let event = json!({"source": "crud", "event": "consumers"});
    doors.json(Method::POST, "/a%7Eb/%65vents", &event).await.expect(202);
    assert_eq!(doors.queue.sent()[0].outgoing.group, "a~b");
}

#[tokio::test]
async fn a_head_is_an_answer_without_its_body() {
    let doors = Doors::open();
    for path in ["/event-hooks", "/team/event-hooks/sources/", "/status"] {
        let get = doors.get(path).await;
        let head = doors.ask(Method::HEAD, path).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), Some(&*get.text.len().to_string()), "{path}");
    }
    assert_eq!(doors.ask(Method::HEAD, HOOK).await.status, 404);
}

#[tokio::test]
async fn each_door_stands_alone_too() {
    let event = json!({"source": "crud", "event": "consumers"});
    let admin = Doors::open().admin_alone();
    admin.get("/team/event-hooks/").await.expect(200);
    admin.get("/tokens").await.expect(200);
    admin.get("/status").await.expect(200);
    admin.json(Method::POST, "/events/explain", &event).await.expect(200);
    admin.post_events(&event).await.expect(404);

    let ingest = Doors::open().ingest_alone();
    ingest.post_events(&event).await.expect(202);
    for path in ["/event-hooks", "/status", "/tokens"] {
        ingest.get(path).await.expect(404);
    }
    ingest.json(Method::POST, "/events/explain", &event).await.expect(404);
}

#[tokio::test]
async fn who_knows_no_hooks_sends_callers_to_who_does() {
    let event = json!({"source": "crud", "event": "consumers"});
    let base = Url::parse("https://api.example/stage/").unwrap();
    let ingest = Doors::open().ingest_alone();
    for (path, expected) in [
        ("/events", "/stage/events/explain"),
        ("/team/events", "/stage/team/events/explain"),
        ("/%74eam/events", "/stage/%74eam/events/explain"),
        ("/events/", "/stage/events/explain"),
        ("/team/events//", "/stage/team/events/explain"),
    ] {
        let asked = format!("{path}?explain=true");
        let answer = ingest.json(Method::POST, &asked, &event).await;
        assert_eq!(answer.status, 307, "{path}: the method and the body stay");
        let here = base.join(&format!(".{asked}")).unwrap();
        let there = here.join(answer.header("location").unwrap()).unwrap();
        assert_eq!((there.path(), there.query()), (expected, None), "{path}");
    }
    assert!(ingest.queue.sent().is_empty());

    let both = Doors::open();
    both.hook(&json!({"source": "crud", "handler": "log"})).await;
    let here = both.json(Method::POST, "/team/events?explain=true", &event).await.expect(200);
    let there = both.json(Method::POST, "/team/events/explain", &event).await.expect(200);
    assert_eq!(here, there);
    assert_eq!(here["data"][0]["hooks"][0]["outcome"], "would_fire");
}

#[tokio::test]
async fn what_was_counted_is_for_scrapers() {
    let answer = Doors::open().get("/metrics").await;
    let text = Some("text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("content-type"), text);
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "counted 1\n"));
}

#[tokio::test]
async fn the_status_says_what_is_out_of_reach() {
    let healthy = Doors::open().get("/status").await.expect(200);
    assert_eq!(
        healthy,
        json!({
            "status": "ok",
            "version": "1.2.3",
            "storage": "reachable",
            "queue": "reachable",
            "queue_depth": {"events": 3, "retries": 0},
        })
    );
    let unhealthy = Doors::unhealthy().get("/status").await.expect(503);
    assert_eq!(unhealthy["status"], "unavailable");
    assert_eq!(unhealthy["storage"], "unreachable");
}

//! What a hook is told when it is saved.

use std::collections::BTreeMap;

use hooks::{
    handler::{Handler, Webhook, WebhookCustom},
    hook::Draft,
    ports::{CheckError, Handlers},
    secret::Signing,
    violation::Violations,
};
use testkit::builders::draft;

use crate::world::{egress, handlers, target};

fn headers(name: &str, value: &str) -> BTreeMap<String, String> {
    [(name.to_owned(), value.to_owned())].into()
}

fn webhook(url: &str, headers: BTreeMap<String, String>) -> Handler {
    let (url, signing) = (target(url), Signing::default());
    Handler::Webhook(Webhook { url, headers, signing, ssl_verify: true, format: None })
}

fn custom(url: &str, headers: BTreeMap<String, String>, headers_format: bool) -> Handler {
    Handler::WebhookCustom(Box::new(WebhookCustom {
        url: target(url),
        method: "POST".to_owned(),
        headers,
        headers_format,
        payload: None,
        payload_format: true,
        body: None,
        body_format: true,
        signing: Signing::default(),
        ssl_verify: true,
        template_engine: None,
    }))
}

#[tokio::test]
async fn a_hook_is_told_which_of_its_fields_cannot_be() {
    const URL: &str = "https://does-not-resolve.example/";
    let plain = || headers("x-a", "b");
    let url = "config.url: target not allowed";
    let host = "config.headers: header 'Host' cannot be set: it follows from the url";
    let value = "config.headers: bad value of header 'x-a', line breaks and other control \
                 characters are not allowed";
    let handlers = handlers(egress(&[]));
    for (name, handler, expected) in [
        ("a webhook, to a name that does not resolve", webhook(URL, plain()), &[][..]),
        ("a webhook to loopback", webhook("http://127.0.0.1:9000/", plain()), &[url]),
        ("a header of ours", webhook(URL, headers("Host", "x")), &[host]),
        ("a line break", webhook(URL, headers("x-a", "b\r\nx-c: d")), &[value]),
        ("both", webhook("http://10.0.0.1/", headers("Host", "x")), &[host, url]),
        ("a custom one", custom(URL, plain(), false), &[]),
        ("a custom one to loopback", custom("http://localhost/", plain(), false), &[url]),
        ("a custom one with a line break", custom(URL, headers("x-a", "\n"), false), &[value]),
        ("a template with a line break", custom(URL, headers("x-a", "\n"), true), &[]),
        ("log", Handler::Log {}, &[]),
    ] {
        let violations = match handlers.check(&Draft { handler, ..draft() }).await {
            Ok(()) => Violations::default(),
            Err(CheckError::Invalid(violations)) => violations,
            Err(CheckError::Port(error)) => panic!("{name}: {error}"),
        };
        let told: Vec<_> =
            violations.iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
        assert_eq!(told, expected, "{name}");
    }
}

//! From what is to be sent to what the receiver answers.

use std::{hint::black_box, io, sync::Arc, time::Duration};

use handlers::{
    AllHandlers, LogSink,
    egress::{Egress, Policy},
    sandbox::{Sandbox, SandboxConfig},
    signature::{self, SignatureAlgorithm},
    template::{Dialect, rendering::Rendering, tree::CompiledTree},
};
use hooks::{
    delivery::Outcome,
    handler::{Handler, Webhook, WebhookCustom},
    hook::{Draft, EventHook},
    ports::{Handlers as _, Run},
    secret::{Secret, Signing},
    target_url::TargetUrl,
};
use serde_json::{Map, Value, json};
use testkit::builders::{START, delivery, draft, hook};

use super::{Deed, World};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// As Standard Webhooks has it, and as the reference has it.
pub(super) fn sign(_: &World) -> Deed {
    let body = Value::Object(super::data()).to_string();
    let (secret, delivery) = (Secret::new(SECRET), delivery().id());
    Box::new(move || {
        let body = black_box(body.as_bytes());
        drop(black_box(signature::sign_standard([&secret], delivery, START, body)));
        drop(black_box(signature::sign_kong(SignatureAlgorithm::Sha1, &secret, body)));
    })
}

fn payload() -> Map<String, Value> {
    let Value::Object(payload) = json!({
        "text": "Admin account `{{ entity.username }}` {{ operation }}d; \
                 email address set to `{{ entity.email }}`",
        "title": "{{ schema }} {{ operation }}d", "username": "{* entity.username *}",
        "footer": "{{ source }}/{{ event }} {{ entity.id }}", "ts": "{{ entity.created_at }}",
        "color": "#36a64f", "mrkdwn": true,
    }) else {
        unreachable!("it is written as an object")
    };
    payload
}

pub(super) fn render(_: &World) -> Deed {
    let tree = CompiledTree::new(Dialect::Resty, &payload()).expect("a payload of templates");
    let event = super::event();
    let context = event.data.merged(&event.source, Some(&event.event));
    Box::new(move || {
        let rendered = tree.render(&mut Rendering::of(black_box(&context)));
        drop(black_box(rendered.expect("it has all that the payload asks for")));
    })
}

pub(super) fn webhook(world: &World) -> Deed {
    let webhook = Webhook {
        url: target(world),
        headers: [("x-team".to_owned(), "night's watch".to_owned())].into(),
        signing: Signing::with(Some(Secret::new(SECRET))),
        ssl_verify: false,
        format: None,
    };
    send(world, Handler::Webhook(webhook))
}

pub(super) fn custom(world: &World) -> Deed {
    let custom = WebhookCustom {
        url: target(world),
        method: "POST".to_owned(),
        headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
        headers_format: false,
        payload: Some(payload()),
        payload_format: true,
        body: None,
        body_format: false,
        signing: Signing::with(Some(Secret::new(SECRET))),
        ssl_verify: false,
        template_engine: None,
    };
    send(world, Handler::WebhookCustom(Box::new(custom)))
}

fn target(world: &World) -> TargetUrl {
    TargetUrl::parse(&world.receiver).expect("a URL")
}

/// One run of this handler, its answer included.
fn send(world: &World, handler: Handler) -> Deed {
    let loopback = "127.0.0.0/8".parse().expect("a network");
    let egress = Egress::new(Policy::new(vec![loopback]), Duration::from_mins(1));
    let handlers = Arc::new(AllHandlers::new(
        Arc::new(egress.expect("a client")),
        SignatureAlgorithm::Sha1,
        LogSink::json(Box::new(io::sink())),
        Sandbox::new(SandboxConfig::default()),
    ));
    let hook = Arc::new(EventHook { draft: Draft { handler, ..draft() }, ..hook() });
    let (event, delivery) = (super::event(), delivery().id());
    world.deed(move || {
        let (handlers, hook, event) = (Arc::clone(&handlers), Arc::clone(&hook), event.clone());
        async move {
            let name = Some(&event.event);
            let run = Run { hook: &hook, event: &event, name, delivery, at: START };
            let report = handlers.run(run).await;
            assert_eq!(report.outcome, Outcome::Succeeded);
        }
    })
}

//! `webhook`: a POST of the event's data, with `source` and `event` merged in.

use bytes::Bytes;
use hooks::{
    delivery::Report,
    event::Data,
    handler::Webhook,
    name::{EventName, SourceName},
    ports::Run,
    secret::Signing,
};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{CONTENT_TYPE, USER_AGENT},
};
use serde::{Serialize, Serializer};

use crate::{
    egress::{Egress, Request},
    headers, report,
    signature::{self, SignatureAlgorithm},
};

/// What a hook without a `user-agent` of its own is sent as.
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("event-hooks/", env!("CARGO_PKG_VERSION")));

pub(crate) async fn run(
    webhook: &Webhook,
    run: Run<'_>,
    egress: &Egress,
    algorithm: SignatureAlgorithm,
) -> Report {
    let method = Method::POST;
    let line = report::request_line(&method, &webhook.url);
    let mut headers = match headers::ready(&webhook.headers) {
        Ok(headers) => headers,
        Err(error) => return report::of_bad_headers(line, &error),
    };
    let body = body(run);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.entry(USER_AGENT).or_insert(AGENT);
    sign(&mut headers, &webhook.signing, algorithm, run, &body);

    let (url, ssl_verify) = (&webhook.url, webhook.ssl_verify);
    let sent = egress.send(Request { method, url, headers, body, ssl_verify }).await;
    report::of_exchange(line, sent, run.at)
}

/// The bytes that are signed and sent. Serialised once, from the data as it is: what would be
/// copied to merge the members is many times what is sent.
fn body(run: Run<'_>) -> Bytes {
    let merged = Merged { source: &run.event.source, name: run.name, data: &run.event.data };
    serde_json::to_vec(&merged).expect("JSON values have no keys but strings").into()
}

/// [`Data::merged`], without making it.
struct Merged<'a> {
    source: &'a SourceName,
    name: Option<&'a EventName>,
    data: &'a Data,
}

impl Serialize for Merged<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let source = ("source", Member::Name(self.source.as_str()));
        let event = self.name.map(|name| ("event", Member::Name(name.as_str())));
        let loses = |member: &str| member == "source" || (member == "event" && event.is_some());
        let data = self.data.as_map().iter().filter(|(member, _)| !loses(member));
        let data = data.map(|(member, value)| (member.as_str(), Member::Value(value)));
        to.collect_map([source].into_iter().chain(event).chain(data))
    }
}

#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Member<'a> {
    Name(&'a str),
    Value(&'a serde_json::Value),
}

/// Adds the headers of Standard Webhooks, and both signatures where there is a secret.
fn sign(
    headers: &mut HeaderMap,
    signing: &Signing,
    algorithm: SignatureAlgorithm,
    run: Run<'_>,
    body: &[u8],
) {
    let mut insert = |name: &'static str, value: String| {
        let value = HeaderValue::try_from(value).expect("ids, numbers, hexadecimal and Base64");
        headers.insert(name, value);
    };
    insert(signature::WEBHOOK_ID, run.delivery.to_string());
    insert(signature::WEBHOOK_TIMESTAMP, run.at.as_seconds().to_string());
    let secrets = signing.in_force(run.at);
    if let Some(signatures) = signature::sign_standard(secrets, run.delivery, run.at, body) {
        insert(signature::WEBHOOK_SIGNATURE, signatures);
    }
    if let Some(secret) = &signing.secret {
        insert(signature::KONG_SIGNATURE, signature::sign_kong(algorithm, secret, body));
    }
}

#[cfg(test)]
mod tests {
    use hooks::event::Event;
    use serde_json::json;
    use testkit::builders::{START, data, delivery, event, hook};

    use super::*;

    #[test]
    fn the_body_is_the_data_with_the_names_merged_in() {
        for data_of_event in [
            json!({}),
            json!({"entity": {"username": "Lois Lane"}, "operation": "create"}),
            json!({"a": 1, "source": "x", "event": {"y": null}, "b": [1.5, "é\u{0}", true]}),
        ] {
            let event = Event { data: data(data_of_event), ..event() };
            for name in [Some(&event.event), None] {
                let (hook, delivery) = (&hook(), delivery().id());
                let run = Run { hook, event: &event, name, delivery, at: START };
                let merged = event.data.merged(&event.source, name);
                assert_eq!(body(run), serde_json::to_vec(&merged).unwrap());
            }
        }
    }
}

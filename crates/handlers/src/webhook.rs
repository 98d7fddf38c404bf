//! `webhook`: a POST of the event's data, with `source` and `event` merged in.

mod cloudevent;

use bytes::Bytes;
use hooks::{
    delivery::Report,
    handler::{Format, Webhook},
    name::{EventName, SourceName},
    ports::Run,
};
use http::{HeaderValue, Method, header::CONTENT_TYPE};
use serde::Serialize;

use crate::{
    egress::Egress,
    headers, report,
    sending::{self, Outgoing},
    signature::SignatureAlgorithm,
};

pub(crate) async fn run(
    webhook: &Webhook,
    run: Run<'_>,
    egress: &Egress,
    algorithm: SignatureAlgorithm,
) -> Report {
    let method = Method::POST;
    let mut headers = match headers::ready(&webhook.headers) {
        Ok(headers) => headers,
        Err(error) => {
            let line = report::request_line(&method, &webhook.url);
            return report::of_bad_headers(line, &error);
        }
    };
    let (body, content_type) = match webhook.format {
        None | Some(Format::Kong) => (body(run), "application/json"),
        Some(Format::CloudEvents) => (cloudevent::body(run), cloudevent::CONTENT_TYPE),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));

    let Webhook { url, signing, ssl_verify, .. } = webhook;
    let outgoing =
        Outgoing { method, url, headers, body, signing, ssl_verify: *ssl_verify, within: None };
    sending::send(outgoing, run, egress, algorithm).await
}

/// The bytes that are signed and sent: [`Data::merged`](hooks::event::Data::merged), without making it.
fn body(run: Run<'_>) -> Bytes {
    let (source, data) = (&run.event.source, &run.event.data);
    let members = data.as_map();
    if members.contains_key("source") || (run.name.is_some() && members.contains_key("event")) {
        return json(&data.merged(source, run.name)).into();
    }
    // What is written once for all hooks stays as it is, and the names come before it.
    let names = Names { source, event: run.name };
    let (mut body, data) = (json(&names), data.as_json());
    body.pop();
    body.reserve_exact(data.len());
    if !members.is_empty() {
        body.push(b',');
    }
    body.extend_from_slice(&data.as_bytes()[1..]);
    body.into()
}

/// What is merged in.
#[derive(Serialize)]
struct Names<'a> {
    source: &'a SourceName,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a EventName>,
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON values have no keys but strings")
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

//! `webhook`: a POST of the event's data, with `source` and `event` merged in.

mod cloudevent;

use bytes::Bytes;
use hooks::{
    delivery::Report,
    event::Data,
    handler::{Format, Webhook},
    name::{EventName, SourceName},
    ports::Run,
};
use http::{HeaderValue, Method, header::CONTENT_TYPE};
use serde::{Serialize, Serializer};

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

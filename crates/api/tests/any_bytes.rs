//! Does whatever comes get an answer?

use api::wire::arguments::Arguments;
use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE};
use proptest::prelude::*;

use crate::doors::{Doors, request};

fn content_types() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/x-ndjson",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    ])
}

/// Bytes of all kinds, most of them close to what decoders look for.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let close = prop::sample::select(vec![
        "a",
        "config",
        "handler=webhook",
        "source",
        "[",
        "]",
        "{",
        "}",
        ".",
        "=",
        "&",
        "%5B",
        "%5d",
        "%",
        "\"",
        ":",
        ",",
        "1",
        "-",
        "0x",
        "\\",
        "\n",
        "--b",
        "\r\n",
        "true",
        "null",
        "ä",
        "data",
        "Content-Disposition: form-data; name=\"a[1].b\"",
        "\r\n\r\n",
        "\u{0}",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(close, 0..60).prop_map(|parts| parts.concat().into_bytes()),
    ]
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(kind in content_types(), body in bodies()) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]);
        for method in [Method::POST, Method::GET] {
            let read = Arguments::read(&method, &headers, body.clone().into());
            if let Ok(arguments) = block_on(read) {
                let fields = api::wire::hook::fields(None);
                prop_assert!(arguments.into_fields(fields).len() <= body.len());
            }
        }
    }

    #[test]
    fn no_request_is_answered_with_a_500(
        kind in content_types(),
        body in bodies(),
        path in prop::sample::select(vec!["/event-hooks", "/events", "/events?explain=true", "recover"]),
    ) {
        let doors = Doors::open();
        let path = match path {
            "recover" => format!("/event-hooks/{}/recover", block_on(doors.log_hook())),
            path => path.to_owned(),
        };
        let posted = request(Method::POST, &path, &[("content-type", kind)], body);
        let status = block_on(doors.send(posted)).status;
        prop_assert!(status != StatusCode::INTERNAL_SERVER_ERROR, "{status}");
    }

    #[test]
    fn no_path_or_query_is_answered_with_a_500(text in "[ -~&&[^ \"<>\\\\^`{|}#]]{0,40}") {
        let doors = Doors::open();
        for path in [format!("/{text}"), format!("/event-hooks/{text}"), format!("/event-hooks?{text}")] {
            if path.parse::<http::Uri>().is_err() {
                continue;
            }
            let status = block_on(doors.get(&path)).status;
            prop_assert!(status.as_u16() < 500, "{path}: {status}");
        }
    }
}

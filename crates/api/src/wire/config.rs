//! What is a handler told? The four configurations, each with all that is wrong with it.
//!
//! Judged here is what the gateway's schema judges. Which headers are ours, and what their values may be,
//! is for the handlers to say.

use hooks::{
    handler::{
        Dialect, Format, Handler, HandlerKind, Headers, Lambda, Secrets, Webhook, WebhookCustom,
    },
    secret::{Secret, Signing},
    target_url::TargetUrl,
    violation::Violations,
};
use serde_json::{Map, Value, json};

use super::{
    described::For,
    fields::{MOST_LEVELS, Read, Record, array, boolean, is_too_deep, map, parsed, text, wrong},
    hook::Defaults,
};
use crate::openapi::schema::{self, Member, about, list, one_of};

/// The longest method.
const LONGEST_METHOD: usize = 32;
/// The longest secret.
const LONGEST_SECRET: usize = 1024;
/// How many headers a hook may have.
const MOST_HEADERS: usize = 100;
/// The longest name of a header.
const LONGEST_HEADER_NAME: usize = 255;
/// The longest value of a header.
const LONGEST_HEADER_VALUE: usize = 8 * 1024;
/// The longest payload or body.
const LONGEST_PAYLOAD: usize = 256 * 1024;
/// How many functions a hook may have.
const MOST_FUNCTIONS: usize = 100;
/// The longest function.
const LONGEST_FUNCTION: usize = 64 * 1024;
/// The longest configuration, as JSON: a hook has to fit into one item of any store.
const LONGEST_CONFIG: usize = 300 * 1024;

/// Reads the configuration of a handler.
pub(super) fn read(
    kind: HandlerKind,
    members: Map<String, Value>,
    defaults: Defaults,
    violations: &mut Violations,
) -> Option<Handler> {
    let mut config = Record::new("config", members, violations);
    let handler = match kind {
        HandlerKind::Webhook => webhook(&mut config, defaults).map(Handler::Webhook),
        HandlerKind::WebhookCustom => {
            webhook_custom(&mut config, defaults).map(Box::new).map(Handler::WebhookCustom)
        }
        HandlerKind::Log => Some(Handler::Log {}),
        HandlerKind::Lambda => lambda(&mut config).map(Handler::Lambda),
    };
    config.finish();
    let handler = handler?;
    if encoded_len(&handler.config(Secrets::Shown)) > LONGEST_CONFIG {
        violations.add("config", format_args!("length must be at most {LONGEST_CONFIG} in all"));
        return None;
    }
    Some(handler)
}

fn webhook(config: &mut Record<'_>, defaults: Defaults) -> Option<Webhook> {
    let url = config.required("url", parsed(TargetUrl::parse));
    let headers = config.optional("headers", headers).unwrap_or_default();
    let signing = signing(config);
    let ssl_verify = config.optional("ssl_verify", boolean).unwrap_or(defaults.ssl_verify);
    let format = config.optional("format", named(Format::parse, &Format::ALL.map(Format::as_str)));
    Some(Webhook { url: url?, headers, signing, ssl_verify, format })
}

fn webhook_custom(config: &mut Record<'_>, defaults: Defaults) -> Option<WebhookCustom> {
    let url = config.required("url", parsed(TargetUrl::parse));
    let method = config.required("method", method);
    let headers = config.optional("headers", headers).unwrap_or_default();
    let headers_format = config.optional("headers_format", boolean).unwrap_or(false);
    let payload = config.optional("payload", payload);
    let payload_format = config.optional("payload_format", boolean).unwrap_or(true);
    let body = config.optional("body", text(LONGEST_PAYLOAD));
    let body_format = config.optional("body_format", boolean).unwrap_or(true);
    let signing = signing(config);
    let ssl_verify = config.optional("ssl_verify", boolean).unwrap_or(defaults.ssl_verify);
    let template_engine = config
        .optional("template_engine", named(Dialect::parse, &Dialect::ALL.map(Dialect::as_str)));
    Some(WebhookCustom {
        url: url?,
        method: method?,
        headers,
        headers_format,
        payload,
        payload_format,
        body,
        body_format,
        signing,
        ssl_verify,
        template_engine,
    })
}

fn lambda(config: &mut Record<'_>) -> Option<Lambda> {
    let functions = array(MOST_FUNCTIONS, text(LONGEST_FUNCTION));
    Some(Lambda { functions: config.required("functions", functions)? })
}

fn signing(config: &mut Record<'_>) -> Signing {
    Signing::with(config.optional("secret", text(LONGEST_SECRET)).map(Secret::new))
}

fn method(value: Value) -> Read<String> {
    let method = text(LONGEST_METHOD)(value)?;
    if method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(method);
    }
    Err(wrong(format_args!("invalid value: {method}")))
}

/// One of these names.
fn named<T>(parse: impl Fn(&str) -> Option<T>, names: &[&str]) -> impl Fn(Value) -> Read<T> {
    let names = names.join(", ");
    move |value| {
        let name = text(usize::MAX)(value)?;
        parse(&name).ok_or_else(|| wrong(format_args!("expected one of: {names}")))
    }
}

fn payload(value: Value) -> Read<Map<String, Value>> {
    let payload = map(value)?;
    if encoded_len(&payload) > LONGEST_PAYLOAD {
        return Err(wrong(format_args!("length must be at most {LONGEST_PAYLOAD}")));
    }
    if is_too_deep(payload.values()) {
        return Err(wrong(format_args!("nested deeper than {MOST_LEVELS} levels")));
    }
    Ok(payload)
}

/// Header names and values. A null value is the same as no such header.
fn headers(value: Value) -> Read<Headers> {
    let mut members = map(value)?;
    members.retain(|_, value| !value.is_null());
    if members.len() > MOST_HEADERS {
        return Err(wrong(format_args!("length must be at most {MOST_HEADERS}")));
    }
    members.keys().try_for_each(|name| header_name(name)).map_err(wrong)?;

    let mut violations = Violations::default();
    let mut headers = Headers::new();
    for (name, value) in members {
        match header_value(value) {
            Ok(value) => drop(headers.insert(name, value)),
            Err(wrong) => wrong.iter().for_each(|it| violations.add(&name, &it.message)),
        }
    }
    violations.into_result().map(|()| headers)
}

fn header_name(name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match name {
        "" => Err("no header name provided".into()),
        _ if name.len() > LONGEST_HEADER_NAME => {
            Err(format!("a header name must have at most {LONGEST_HEADER_NAME} characters"))
        }
        _ if !name.bytes().all(fits) => Err(format!(
            "bad header name '{name}', allowed characters are A-Z, a-z, 0-9, '_', and '-'"
        )),
        _ => Ok(()),
    }
}

fn header_value(value: Value) -> Read<String> {
    let Value::String(value) = value else { return Err(wrong("expected a string")) };
    if value.len() > LONGEST_HEADER_VALUE {
        return Err(wrong(format_args!("length must be at most {LONGEST_HEADER_VALUE}")));
    }
    Ok(value)
}

/// What the configuration of a handler holds.
pub(super) fn members(kind: HandlerKind, purpose: For) -> Vec<Member> {
    let url = about(
        json!({"type": "string", "format": "uri", "maxLength": TargetUrl::MOST_BYTES}),
        "`http` or `https`.",
    );
    let value = json!({
        "anyOf": [
            {"type": "string", "maxLength": LONGEST_HEADER_VALUE, "format": "header-value"},
            {"type": "null"},
        ],
    });
    let headers = json!({
        "type": "object",
        "maxProperties": MOST_HEADERS,
        "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$", "maxLength": LONGEST_HEADER_NAME},
        "additionalProperties": value,
    });
    let secret = about(schema::text(LONGEST_SECRET), "Signs; shown to admins only.");
    let switch = schema::boolean;
    let common = || {
        vec![
            purpose.needed("url", url),
            purpose.with_default("headers", headers),
            purpose.or_null("secret", &secret),
            purpose.with_default("ssl_verify", switch()),
        ]
    };
    let formats = one_of(Format::ALL.map(Format::as_str));
    let engines = one_of(Dialect::ALL.map(Dialect::as_str));
    let template = schema::text(LONGEST_PAYLOAD);
    let method = json!({"type": "string", "pattern": "^[A-Z]+$", "maxLength": LONGEST_METHOD});
    let functions = list(MOST_FUNCTIONS, &{
        let lua = about(schema::text(LONGEST_FUNCTION), "Lua that returns a function.");
        with_format(lua, "lua")
    });
    match kind {
        HandlerKind::Webhook => {
            let mut members = common();
            members.push(purpose.extension("format", formats));
            members
        }
        HandlerKind::WebhookCustom => {
            let mut members = common();
            members.extend([
                purpose.needed("method", about(method, "Not `CONNECT`.")),
                purpose.with_default("headers_format", switch()),
                purpose.or_null("payload", &json!({"type": "object"})),
                purpose.with_default("payload_format", switch()),
                purpose.or_null("body", &with_format(template, "template")),
                purpose.with_default("body_format", switch()),
                purpose.extension("template_engine", engines),
            ]);
            members
        }
        HandlerKind::Log => Vec::new(),
        HandlerKind::Lambda => vec![purpose.needed("functions", functions)],
    }
}

fn with_format(mut schema: Value, format: &str) -> Value {
    schema["format"] = format.into();
    schema
}

fn encoded_len(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |encoded| encoded.len())
}

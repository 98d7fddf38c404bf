//! What the Lua of the sandbox is given by Rust: the table `host` of the preludes.
//!
//! Scripts never get hold of these functions, only of Lua that calls them with arguments of the
//! right types. An error that a script may see is returned, for Lua to raise as text; what is
//! raised here cannot be caught for long: no time, no memory.

use std::{
    rc::Rc,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, general_purpose},
};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use memchr::memmem;
use mlua::{Lua, LuaString, MultiValue, Table, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use sha1::{Digest, Sha1};

use super::{
    context::Context,
    decode::{DecodeError, decode},
    encode::{EncodeError, Encoder, Manner},
    meter::Meter,
};
use crate::lambda::{
    outcome::level_of_ngx,
    protocol::{Ask, Octets},
};

/// What `cjson.encode` may yield.
const LONGEST_JSON: usize = 4 << 20;
/// What a log shows of a value.
const LONGEST_SHOWN: usize = 16 << 10;
const MOST_HEADERS: usize = 100;

/// What a URI component shows as it is.
const UNESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reads base64 with and without padding, as the gateway does.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    general_purpose::PAD
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A value, or `nil` and why there is none.
type Answered = mlua::Result<(Value, Option<String>)>;

/// The table `host`.
pub(super) fn table(lua: &Lua, context: &Rc<Context>, array: &Table) -> mlua::Result<Table> {
    let host = lua.create_table()?;
    host.set("null", Value::NULL)?;
    host.set("array", array)?;
    host.set("arch", arch())?;
    add_log(lua, context, &host)?;
    add_text(lua, context, &host)?;
    add_json(lua, context, array, &host)?;
    add_http(lua, context, &host)?;
    Ok(host)
}

/// What `LuaJIT` calls the processor.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn add_log(lua: &Lua, context: &Rc<Context>, host: &Table) -> mlua::Result<()> {
    let context = Rc::clone(context);
    let log = move |_: &Lua, (level, text): (i64, LuaString)| {
        context.log(level_of_ngx(level), &text.as_bytes());
        Ok(())
    };
    host.set("log", lua.create_function(log)?)?;
    host.set("now", lua.create_function(|_, ()| Ok(now()))?)
}

#[expect(clippy::disallowed_methods, reason = "a worker has no port to the parent's clock")]
fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs_f64()
}

fn add_text(lua: &Lua, context: &Rc<Context>, host: &Table) -> mlua::Result<()> {
    type Bytes = fn(&[u8]) -> Vec<u8>;
    let functions: [(&str, Bytes); 6] = [
        ("md5", |it| hex(&Md5::digest(it))),
        ("md5_bin", |it| Md5::digest(it).to_vec()),
        ("sha1_bin", |it| Sha1::digest(it).to_vec()),
        ("escape_uri", |it| percent_encode(it, UNESCAPED).to_string().into_bytes()),
        ("unescape_uri", unescape_uri),
        ("encode_base64", |it| general_purpose::STANDARD.encode(it).into_bytes()),
    ];
    for (name, function) in functions {
        let call = move |lua: &Lua, text: LuaString| lua.create_string(function(&text.as_bytes()));
        host.set(name, lua.create_function(call)?)?;
    }
    host.set(
        "decode_base64",
        lua.create_function(|lua, text: LuaString| decode_base64(lua, &text))?,
    )?;
    host.set("hmac_sha1", lua.create_function(hmac_sha1)?)?;
    let context = Rc::clone(context);
    let find = move |lua: &Lua, (haystack, needle, from): (LuaString, LuaString, usize)| {
        let found = find(&haystack.as_bytes(), &needle.as_bytes(), from, &context.meter);
        found.map_err(|error| context.noted(lua, error))
    };
    host.set("find", lua.create_function(find)?)?;
    host.set("is_plain", lua.create_function(|_, pattern: LuaString| Ok(is_plain(&pattern)))?)
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|it| format!("{it:02x}").into_bytes()).collect()
}

fn unescape_uri(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|it| if *it == b'+' { b' ' } else { *it }).collect();
    percent_decode(&spaced).collect()
}

fn decode_base64(lua: &Lua, text: &LuaString) -> mlua::Result<Option<LuaString>> {
    let bytes = LENIENT_BASE64.decode(&*text.as_bytes()).ok();
    bytes.map(|it| lua.create_string(it)).transpose()
}

fn hmac_sha1(lua: &Lua, (key, text): (LuaString, LuaString)) -> mlua::Result<LuaString> {
    let mut mac = Hmac::<Sha1>::new_from_slice(&key.as_bytes()).map_err(mlua::Error::external)?;
    mac.update(&text.as_bytes());
    lua.create_string(mac.finalize().into_bytes())
}

/// Where a needle is, from a place on, both counted from 1. In time that grows with the haystack
/// alone, unlike Luau's own.
fn find(haystack: &[u8], needle: &[u8], from: usize, meter: &Meter) -> mlua::Result<Option<usize>> {
    const WINDOW: usize = 1 << 20;
    let finder = memmem::Finder::new(needle);
    let rest = haystack.get(from.saturating_sub(1)..).unwrap_or_default();
    for start in (0..=rest.len()).step_by(WINDOW) {
        meter.check()?;
        let end = rest.len().min(start + WINDOW + needle.len());
        if let Some(at) = finder.find(&rest[start..end]) {
            return Ok(Some(from + start + at));
        }
    }
    Ok(None)
}

/// Does a pattern match itself and nothing else?
fn is_plain(pattern: &LuaString) -> bool {
    !pattern.as_bytes().iter().any(|it| b"^$*+?.([%-".contains(it))
}

fn add_json(lua: &Lua, context: &Rc<Context>, array: &Table, host: &Table) -> mlua::Result<()> {
    for (name, manner, longest) in [
        ("encode", Manner::Strict, LONGEST_JSON),
        ("print_json", Manner::Lenient, context.limits.output),
        ("show", Manner::Lenient, LONGEST_SHOWN),
    ] {
        let (context, array) = (Rc::clone(context), array.clone());
        let encode = move |lua: &Lua, value: Value| -> Answered {
            let encoder = Encoder::new(&context.meter, &array, manner, longest);
            match encoder.encode(&value) {
                Ok(json) => Ok((Value::String(lua.create_string(json)?), None)),
                Err(EncodeError::Unfit(why)) => Ok((Value::Nil, Some(why))),
                Err(EncodeError::TooLarge) => {
                    Ok((Value::Nil, Some("the JSON is too large".into())))
                }
                Err(EncodeError::Lua(error)) => Err(context.noted(lua, error)),
            }
        };
        host.set(name, lua.create_function(encode)?)?;
    }
    let (context, array) = (Rc::clone(context), array.clone());
    let decode_json = move |lua: &Lua, json: LuaString| -> Answered {
        match decode(lua, &context.meter, &array, &json.as_bytes()) {
            Ok(value) => Ok((value, None)),
            Err(DecodeError::Json(why)) => Ok((Value::Nil, Some(why))),
            Err(DecodeError::Lua(error)) => Err(context.noted(lua, error)),
        }
    };
    host.set("decode", lua.create_function(decode_json)?)
}

/// Method, URL, headers as pairs, body, `ssl_verify`, milliseconds.
type Asked = (LuaString, LuaString, Table, Option<LuaString>, Option<bool>, Option<f64>);

fn add_http(lua: &Lua, context: &Rc<Context>, host: &Table) -> mlua::Result<()> {
    let may = Rc::clone(context);
    host.set("may_ask", lua.create_function(move |_, ()| Ok(may.may_ask()))?)?;
    let context = Rc::clone(context);
    let ask = move |lua: &Lua, asked: Asked| -> mlua::Result<MultiValue> {
        let answer =
            asked_by_script(asked, context.limits.request_body)?.and_then(|ask| context.ask(ask));
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return to_lua(lua, (Value::Nil, why)),
        };
        let headers = lua.create_table()?;
        for (name, value) in answer.headers {
            headers.raw_push(lua.create_sequence_from([name, value])?)?;
        }
        let body = lua.create_string(answer.body.0)?;
        to_lua(lua, (answer.status, answer.reason, headers, body))
    };
    host.set("ask", lua.create_function(ask)?)
}

fn to_lua(lua: &Lua, values: impl mlua::IntoLuaMulti) -> mlua::Result<MultiValue> {
    values.into_lua_multi(lua)
}

/// The request, or why it is none.
fn asked_by_script(asked: Asked, most_body: usize) -> mlua::Result<Result<Ask, String>> {
    let (method, url, pairs, body, ssl_verify, timeout_ms) = asked;
    if body.as_ref().is_some_and(|it| it.as_bytes().len() > most_body) {
        return Ok(Err(format!("a body may have {most_body} bytes")));
    }
    let mut headers = Vec::new();
    for pair in pairs.sequence_values::<Table>() {
        if headers.len() == MOST_HEADERS {
            return Ok(Err(format!("a request may have {MOST_HEADERS} headers")));
        }
        let pair = pair?;
        let (name, value) = (pair.raw_get::<LuaString>(1)?, pair.raw_get::<LuaString>(2)?);
        headers.push((name.to_string_lossy(), value.to_string_lossy()));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let timeout_ms = timeout_ms.map(|it| it as u64);
    Ok(Ok(Ask {
        method: method.to_string_lossy(),
        url: url.to_string_lossy(),
        headers,
        body: body.map(|it| Octets(it.as_bytes().to_vec())),
        ssl_verify,
        timeout_ms,
    }))
}

//! What the Lua of the sandbox is given by Rust: the table `host` of the preludes.
//!
//! Scripts never get hold of these functions, only of Lua that calls them with arguments of the
//! right types. An error that a script may see is returned, for Lua to raise as text; what is
//! raised here cannot be caught for long: no time, no memory.

use std::{
    borrow::Cow,
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
use mlua::{Function, IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use sha1::{Digest, Sha1};

use super::{
    code::Code,
    context::Context,
    decode::{DecodeError, decode},
    encode::{EncodeError, Encoder, Manner},
    meter::Meter,
};
use crate::{
    sandbox::{
        outcome::level_of_ngx,
        protocol::{Ask, Octets},
    },
    template::escaped,
};

/// What `cjson.encode` may yield.
const LONGEST_JSON: usize = 4 << 20;
/// What a log shows of a value.
const LONGEST_SHOWN: usize = 16 << 10;
const MOST_HEADERS: usize = 100;
/// A request's method.
const LONGEST_METHOD: usize = 64;
const LONGEST_URL: usize = 8 << 10;
/// A request's headers, names and values.
const LONGEST_HEADERS: usize = 64 << 10;

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

/// Makes the functions of the table `host`.
struct Host {
    context: Rc<Context>,
    array: Table,
    code: Rc<Code>,
}

/// The table `host`. Its functions are made when Lua first looks for them.
pub(super) fn table(
    lua: &Lua,
    context: &Rc<Context>,
    array: &Table,
    code: &Rc<Code>,
) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.set("null", Value::NULL)?;
    table.set("array", array)?;
    table.set("arch", arch())?;
    let (context, array, code) = (Rc::clone(context), array.clone(), Rc::clone(code));
    let host = Host { context, array, code };
    let find = move |lua: &Lua, (table, name): (Table, String)| {
        let function = host.function(lua, &name)?;
        table.raw_set(name, function.clone())?;
        Ok(function)
    };
    let finder = lua.create_table()?;
    finder.set("__index", lua.create_function(find)?)?;
    table.set_metatable(Some(finder))?;
    Ok(table)
}

/// What `LuaJIT` calls the processor.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}

impl Host {
    /// The function of this name, if there is one.
    fn function(&self, lua: &Lua, name: &str) -> mlua::Result<Option<Function>> {
        let function = match name {
            "part" => self.part(lua),
            "log" => self.log(lua),
            "now" => lua.create_function(|_, ()| Ok(now())),
            "md5" => text(lua, |it| hex(&Md5::digest(it))),
            "md5_bin" => text(lua, |it| Md5::digest(it).to_vec()),
            "sha1_bin" => text(lua, |it| Sha1::digest(it).to_vec()),
            "hmac_sha1" => lua.create_function(hmac_sha1),
            "escape_uri" => text(lua, |it| percent_encode(it, UNESCAPED).to_string().into_bytes()),
            "unescape_uri" => text(lua, unescape_uri),
            "encode_base64" => text(lua, |it| general_purpose::STANDARD.encode(it).into_bytes()),
            "decode_base64" => lua.create_function(|lua, it: LuaString| decode_base64(lua, &it)),
            "escape" => self.escape(lua),
            "find" => self.find(lua),
            "is_plain" => lua.create_function(|_, pattern: LuaString| Ok(is_plain(&pattern))),
            "encode" => self.encode(lua, Manner::Strict, LONGEST_JSON),
            "print_json" => self.encode(lua, Manner::Lenient, self.context.limits.output),
            "show" => self.encode(lua, Manner::Lenient, LONGEST_SHOWN),
            "decode" => self.decode(lua),
            "may_ask" => self.may_ask(lua),
            "ask" => self.ask(lua),
            _ => return Ok(None),
        };
        function.map(Some)
    }

    /// A part of the sandbox's own Lua.
    fn part(&self, lua: &Lua) -> mlua::Result<Function> {
        let code = Rc::clone(&self.code);
        lua.create_function(move |lua, name: String| code.load_own(lua, &name))
    }

    fn log(&self, lua: &Lua) -> mlua::Result<Function> {
        let context = Rc::clone(&self.context);
        lua.create_function(move |_, (level, text): (i64, LuaString)| {
            context.log(level_of_ngx(level), &text.as_bytes());
            Ok(())
        })
    }

    fn escape(&self, lua: &Lua) -> mlua::Result<Function> {
        let context = Rc::clone(&self.context);
        lua.create_function(move |lua, (text, braces): (LuaString, bool)| {
            let escaped = escape(&text.as_bytes(), braces, &context);
            match escaped.map_err(|error| context.noted(lua, error))? {
                Some(escaped) => lua.create_string(escaped),
                None => Ok(text),
            }
        })
    }

    fn find(&self, lua: &Lua) -> mlua::Result<Function> {
        let context = Rc::clone(&self.context);
        lua.create_function(move |lua, (haystack, needle, from): (LuaString, LuaString, usize)| {
            let found = find(&haystack.as_bytes(), &needle.as_bytes(), from, &context.meter);
            found.map_err(|error| context.noted(lua, error))
        })
    }

    fn encode(&self, lua: &Lua, manner: Manner, longest: usize) -> mlua::Result<Function> {
        let (context, array) = (Rc::clone(&self.context), self.array.clone());
        lua.create_function(move |lua, value: Value| -> Answered {
            let encoder = Encoder::new(&context.meter, &array, manner, longest);
            match encoder.encode(&value) {
                Ok(json) => Ok((Value::String(lua.create_string(json)?), None)),
                Err(EncodeError::Unfit(why)) => Ok((Value::Nil, Some(why))),
                Err(EncodeError::TooLarge) => {
                    Ok((Value::Nil, Some("the JSON is too large".into())))
                }
                Err(EncodeError::Lua(error)) => Err(context.noted(lua, error)),
            }
        })
    }

    fn decode(&self, lua: &Lua) -> mlua::Result<Function> {
        let (context, array) = (Rc::clone(&self.context), self.array.clone());
        lua.create_function(move |lua, json: LuaString| -> Answered {
            match decode(lua, &context.meter, &array, &json.as_bytes()) {
                Ok(value) => Ok((value, None)),
                Err(DecodeError::Json(why)) => Ok((Value::Nil, Some(why))),
                Err(DecodeError::Lua(error)) => Err(context.noted(lua, error)),
            }
        })
    }

    fn may_ask(&self, lua: &Lua) -> mlua::Result<Function> {
        let context = Rc::clone(&self.context);
        lua.create_function(move |_, ()| Ok(context.may_ask()))
    }

    fn ask(&self, lua: &Lua) -> mlua::Result<Function> {
        let context = Rc::clone(&self.context);
        lua.create_function(move |lua, asked: Asked| -> mlua::Result<MultiValue> {
            let asked = asked_by_script(asked, context.limits.request_body)?;
            let answer = match asked.and_then(|ask| context.ask(ask)) {
                Ok(answer) => answer,
                Err(why) => return (Value::Nil, why).into_lua_multi(lua),
            };
            let headers = lua.create_table()?;
            for (name, value) in answer.headers {
                headers.raw_push(lua.create_sequence_from([name, value])?)?;
            }
            let body = lua.create_string(answer.body.0)?;
            (answer.status, answer.reason, headers, body).into_lua_multi(lua)
        })
    }
}

/// A function from text to text.
fn text(lua: &Lua, convert: fn(&[u8]) -> Vec<u8>) -> mlua::Result<Function> {
    lua.create_function(move |lua, text: LuaString| lua.create_string(convert(&text.as_bytes())))
}

#[expect(clippy::disallowed_methods, reason = "a worker has no port to the parent's clock")]
fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs_f64()
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

/// Text for HTML, where that is another one. What is longer than the heap may be is not made.
fn escape(text: &[u8], braces: bool, context: &Context) -> mlua::Result<Option<Vec<u8>>> {
    const WINDOW: usize = 64 << 10;
    let mut changed: Option<Vec<u8>> = None;
    for (index, piece) in text.chunks(WINDOW).enumerate() {
        context.meter.check()?;
        let piece = escaped(piece, braces);
        if matches!(piece, Cow::Owned(_)) || changed.is_some() {
            let changed = changed.get_or_insert_with(|| text[..index * WINDOW].to_vec());
            changed.extend_from_slice(&piece);
            if changed.len() > context.limits.memory {
                return Err(mlua::Error::MemoryError("not enough memory".into()));
            }
        }
    }
    Ok(changed)
}

/// Does a pattern match itself and nothing else?
fn is_plain(pattern: &LuaString) -> bool {
    !pattern.as_bytes().iter().any(|it| b"^$*+?.([%-".contains(it))
}

/// Method, URL, headers as pairs, body, `ssl_verify`, milliseconds.
type Asked = (LuaString, LuaString, Table, Option<LuaString>, Option<bool>, Option<f64>);

/// The request, or why it is none.
fn asked_by_script(asked: Asked, most_body: usize) -> mlua::Result<Result<Ask, String>> {
    let (method, url, pairs, body, ssl_verify, timeout_ms) = asked;
    let length = |text: &LuaString| text.as_bytes().len();
    for (what, length, most) in [
        ("method", length(&method), LONGEST_METHOD),
        ("URL", length(&url), LONGEST_URL),
        ("body", body.as_ref().map_or(0, length), most_body),
    ] {
        if length > most {
            return Ok(Err(format!("a {what} may have {most} bytes")));
        }
    }
    let mut headers = Vec::new();
    let mut left = LONGEST_HEADERS;
    for pair in pairs.sequence_values::<Table>() {
        if headers.len() == MOST_HEADERS {
            return Ok(Err(format!("a request may have {MOST_HEADERS} headers")));
        }
        let pair = pair?;
        let (name, value) = (pair.raw_get::<LuaString>(1)?, pair.raw_get::<LuaString>(2)?);
        let Some(rest) = left.checked_sub(length(&name) + length(&value)) else {
            return Ok(Err(format!("headers may have {LONGEST_HEADERS} bytes")));
        };
        left = rest;
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

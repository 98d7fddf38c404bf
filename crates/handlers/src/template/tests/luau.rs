//! The sandbox's place, taken by a Luau state in this process: what chunks print, without limits.

use std::borrow::Cow;

use mlua::{Lua, LuaSerdeExt, LuaString, Table, Value as LuaValue, serde::ser::Options};
use serde_json::{Map, Value};

use crate::template::{
    Compiled, Dialect,
    error::{RenderError, TemplateError},
    output::escaped,
    rendering::Rendering,
    resty::CHUNK_NAME,
};

/// How null reaches a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Null {
    /// As a value that stands for it.
    Sentinel,
    /// Not at all.
    Nil,
}

/// What a chunk prints for this event, or what it said when it failed.
pub(crate) fn run(chunk: &str, context: &Map<String, Value>, null: Null) -> Result<String, String> {
    print(chunk, context, null).map_err(|error| {
        let said = error.to_string();
        let first = said.lines().next().unwrap_or_default();
        first.trim_start_matches("runtime error: ").trim_start_matches("syntax error: ").to_owned()
    })
}

fn print(chunk: &str, context: &Map<String, Value>, null: Null) -> mlua::Result<String> {
    let lua = Lua::new();
    lua.sandbox(true)?;
    let as_sentinel = null == Null::Sentinel;
    let options =
        Options::new().serialize_unit_to_null(as_sentinel).serialize_none_to_null(as_sentinel);
    let context = lua.to_value_with(context, options)?;
    let sentinel = if as_sentinel { lua.null() } else { LuaValue::Nil };
    lua.load(chunk).set_name(CHUNK_NAME).call((context, sentinel, printing(&lua)?))
}

/// What chunks do not do in Lua.
pub(super) fn printing(lua: &Lua) -> mlua::Result<Table> {
    let json = lua.create_function(|lua, value: LuaValue| {
        let value: Value = lua.from_value(value)?;
        Ok(value.to_string())
    })?;
    let escape = lua.create_function(|lua, (text, braces): (LuaString, bool)| {
        lua.create_string(escaped(&text.as_bytes(), braces))
    })?;
    let printing: Table = lua.load("{format = string.format, concat = table.concat}").eval()?;
    printing.set("json", json)?;
    printing.set("escape", escape)?;
    Ok(printing)
}

/// What a text becomes for this event, its Lua included.
pub(crate) fn render(
    dialect: Dialect,
    text: &str,
    context: &Map<String, Value>,
) -> Result<Result<String, RenderError>, TemplateError> {
    let compiled = Compiled::new(dialect, text)?;
    let printed = compiled.lua().map(|chunk| run(chunk, context, Null::Sentinel)).transpose();
    Ok(printed.map_err(|said| RenderError::from_lua(&said)).and_then(|printed| {
        let mut rendering = Rendering::of(context).with_printed(printed.into_iter().collect());
        compiled.render(&mut rendering).map(Cow::into_owned)
    }))
}

/// What a `resty` template becomes for this event, or why it does not.
pub(crate) fn resty(text: &str, event: &Value) -> Result<String, String> {
    let context = event.as_object().unwrap();
    let rendered = render(Dialect::Resty, text, context).map_err(|error| error.to_string())?;
    rendered.map_err(|error| error.to_string())
}

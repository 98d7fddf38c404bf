//! A Lua state as scripts find it: an allow-list, and nothing else.
//!
//! The environment is written in Lua, in the folder `prelude`.
//! What most scripts use is there from the beginning, the rest is made when a script looks for it.
//! Environments of scripts are never marked *safe* in Luau's sense, for that would let scripts
//! reach the built-in functions that were replaced or left out.

use std::rc::Rc;

use mlua::{
    Function, Lua, LuaOptions, StdLib, Table,
    chunk::ChunkMode,
    state::{GcIncParams, GcMode},
};

use super::{
    code::{CORE_NAME, Code},
    context::Context,
    host,
};

/// What errors of the preludes are said to be in, until they are told of the caller's line.
const PRELUDE: &str = "=sandbox";

/// How much the garbage collector does at a time. With smaller steps, a script that makes a few large
/// strings fills its memory with ones that it has no use for any more.
const GC_STEP_KIB: i32 = 64;

/// A Lua state that no script has been in.
pub(super) struct State {
    pub(super) context: Rc<Context>,
    pub(super) lua: Lua,
    /// The metatable of empty arrays.
    pub(super) array: Table,
    /// `call(function, ...)` is `pcall`, with at most two results.
    pub(super) call: Function,
    /// Writes a value as JSON for people, or raises an error.
    pub(super) json: Function,
    environment: Function,
    code: Rc<Code>,
}

impl State {
    pub(super) fn new(context: Rc<Context>, code: Rc<Code>) -> mlua::Result<Self> {
        let libraries = StdLib::COROUTINE
            | StdLib::TABLE
            | StdLib::OS
            | StdLib::STRING
            | StdLib::BIT
            | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::new().catch_rust_panics(false))?;
        lua.gc_set_mode(GcMode::Incremental(
            GcIncParams::default().goal(150).step_size(GC_STEP_KIB),
        ));
        // There is nothing to collect yet.
        lua.gc_stop();
        let array = lua.create_table()?;
        let host = host::table(&lua, &context, &array)?;
        let parts = Rc::clone(&code);
        let part = move |lua: &Lua, name: String| load_own(lua, &parts, &name);
        host.set("part", lua.create_function(part)?)?;
        let sealed: Table = load_own(&lua, &code, CORE_NAME)?.call((host, lua.create_table()?))?;
        lua.gc_restart();
        let [call, json, environment] = ["call", "json", "environment"].map(|it| sealed.get(it));
        Ok(Self { context, array, call: call?, json: json?, environment: environment?, code, lua })
    }

    /// A chunk as a function, in an environment of its own: what it writes there, it alone sees.
    pub(super) fn load(&self, name: &str, source: &str) -> mlua::Result<Function> {
        let bytecode = self.code.of(source)?;
        let environment = self.environment.call::<Table>(())?;
        self.lua
            .load(&bytecode[..])
            .set_name(format!("={name}"))
            .set_mode(ChunkMode::Binary)
            .set_environment(environment)
            .into_function()
    }

    /// Is this Lua? The error is the compiler's.
    pub(super) fn compile(&self, source: &str) -> mlua::Result<()> {
        self.code.of(source).map(drop)
    }
}

fn load_own(lua: &Lua, code: &Code, name: &str) -> mlua::Result<Function> {
    let bytecode = code.own(name)?;
    lua.load(&bytecode[..]).set_name(PRELUDE).set_mode(ChunkMode::Binary).into_function()
}

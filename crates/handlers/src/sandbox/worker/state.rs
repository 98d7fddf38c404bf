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

/// How much the garbage collector does at a time. With smaller steps, a script that makes a few large
/// strings fills its memory with ones that it has no use for any more.
const GC_STEP_KIB: i32 = 64;

/// A Lua state that no script has been in.
pub(super) struct State {
    /// The metatable of empty arrays.
    pub(super) array: Table,
    /// `call(function, ...)` is `pcall`, with at most two results.
    pub(super) call: Function,
    /// What templates do not do in Lua.
    pub(super) printing: Table,
    environment: Function,
    pub(super) lua: Lua,
    pub(super) context: Rc<Context>,
    code: Rc<Code>,
}

impl State {
    pub(super) fn new(context: Rc<Context>, code: Rc<Code>) -> mlua::Result<Self> {
        // When the first handle goes, mlua collects garbage, and not when a clone does. So it is done
        // while there is little, and not when the whole heap is about to go.
        let libraries = StdLib::STRING | StdLib::TABLE;
        let lua = Lua::new_with(libraries, LuaOptions::new())?.clone();
        lua.gc_set_mode(GcMode::Incremental(
            GcIncParams::default().goal(150).step_size(GC_STEP_KIB),
        ));
        // There is nothing to collect yet; see `Context::watch`.
        lua.gc_stop();
        let array = lua.create_table()?;
        let host = host::table(&lua, &context, &array, &code)?;
        let core = code.load_own(&lua, CORE_NAME)?;
        let sealed: Table = core.call((host, lua.create_table()?))?;
        Ok(Self {
            array,
            call: sealed.get("call")?,
            printing: sealed.get("printing")?,
            environment: sealed.get("environment")?,
            lua,
            context,
            code,
        })
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

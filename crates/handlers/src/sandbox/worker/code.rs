//! Which bytecode is it that this Lua becomes?
//!
//! The compiler takes longer than most scripts run. Bytecode belongs to no state, so that the
//! sandbox's own parts are compiled once, and sources of hooks as long as they are remembered.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use lru::LruCache;
use mlua::{
    Function, Lua, StdLib,
    chunk::{ChunkMode, Compiler},
};

/// What every state has, in this order: each sees `host` and the environment made so far. The last
/// one makes it read-only, and returns what Rust needs of it.
const CORE: [&str; 4] = [
    include_str!("prelude/base.lua"),
    include_str!("prelude/strings.lua"),
    include_str!("prelude/parts.lua"),
    include_str!("prelude/seal.lua"),
];

/// A name, libraries and a source.
type Part = (&'static str, &'static [StdLib], &'static str);

/// What is made on demand, with what it needs of Luau's own libraries besides those that every state
/// has: each returns itself.
const PARTS: [Part; 11] = [
    ("bit", &[StdLib::BIT, StdLib::MATH], include_str!("prelude/bit.lua")),
    ("coroutine", &[StdLib::COROUTINE], include_str!("prelude/coroutine.lua")),
    ("http", &[], include_str!("prelude/http.lua")),
    ("io", &[], include_str!("prelude/io.lua")),
    ("jit", &[], include_str!("prelude/jit.lua")),
    ("json", &[], include_str!("prelude/json.lua")),
    ("kong", &[], include_str!("prelude/kong.lua")),
    ("math", &[StdLib::MATH], include_str!("prelude/math.lua")),
    ("ngx", &[StdLib::MATH, StdLib::OS], include_str!("prelude/ngx.lua")),
    ("os", &[StdLib::OS], include_str!("prelude/os.lua")),
    ("table", &[StdLib::MATH], include_str!("prelude/table.lua")),
];

/// What the core is called: as no part is.
pub(super) const CORE_NAME: &str = "core";

/// What errors of the sandbox's own Lua are said to be in, until they are told of the caller's line.
const PRELUDE: &str = "=sandbox";

/// In front of every source, so that no `--!` comment at its top gives orders to the compiler.
const NO_ORDERS: &str = "do end ";

/// How many bytes of sources and bytecode are remembered.
const MOST_BYTES: usize = 2 << 20;

fn part(name: &str) -> Option<&'static Part> {
    PARTS.iter().find(|(it, _, _)| *it == name)
}

/// All bytecode of a worker.
#[derive(Default)]
pub(super) struct Code {
    own: RefCell<HashMap<String, Rc<[u8]>>>,
    scripts: RefCell<Remembered>,
}

/// Bytecode by source, the longest unused to be forgotten first.
struct Remembered {
    known: LruCache<Box<str>, Rc<[u8]>>,
    bytes: usize,
    most_bytes: usize,
}

impl Code {
    /// The core or a part as a function. The libraries that it needs are there from then on.
    pub(super) fn load_own(&self, lua: &Lua, name: &str) -> mlua::Result<Function> {
        for library in part(name).map_or(&[][..], |(_, libraries, _)| *libraries) {
            lua.load_std_libs(*library)?;
        }
        let bytecode = self.own(name)?;
        lua.load(&bytecode[..]).set_name(PRELUDE).set_mode(ChunkMode::Binary).into_function()
    }

    fn own(&self, name: &str) -> mlua::Result<Rc<[u8]>> {
        if let Some(known) = self.own.borrow().get(name) {
            return Ok(Rc::clone(known));
        }
        let source = part(name).map(|(_, _, source)| (*source).to_owned());
        let core = || CORE.map(|it| format!("do\n{it}\nend\n")).concat();
        // Without its lines: it is loaded for every state, and they mean nothing to anybody.
        let compiler = Compiler::new().set_debug_level(0);
        let bytecode = Rc::from(compiler.compile(source.unwrap_or_else(core))?);
        self.own.borrow_mut().insert(name.to_owned(), Rc::clone(&bytecode));
        Ok(bytecode)
    }

    /// The bytecode of a script's source.
    pub(super) fn of(&self, source: &str) -> mlua::Result<Rc<[u8]>> {
        if let Some(known) = self.scripts.borrow_mut().known.get(source) {
            return Ok(Rc::clone(known));
        }
        let bytecode = Rc::from(Compiler::new().compile(format!("{NO_ORDERS}{source}"))?);
        self.scripts.borrow_mut().remember(source, Rc::clone(&bytecode));
        Ok(bytecode)
    }
}

impl Default for Remembered {
    fn default() -> Self {
        Self { known: LruCache::unbounded(), bytes: 0, most_bytes: MOST_BYTES }
    }
}

impl Remembered {
    fn remember(&mut self, source: &str, bytecode: Rc<[u8]>) {
        self.bytes += source.len() + bytecode.len();
        if let Some(former) = self.known.put(source.into(), bytecode) {
            self.bytes -= source.len() + former.len();
        }
        while self.bytes > self.most_bytes {
            let Some((source, bytecode)) = self.known.pop_lru() else { return };
            self.bytes -= source.len() + bytecode.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(remembered: &Remembered) -> Vec<&str> {
        remembered.known.iter().map(|(source, _)| &**source).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten() {
        let mut remembered = Remembered { most_bytes: 10, ..Remembered::default() };
        let bytecode = |length: usize| Rc::from(vec![0; length]);
        for (name, source, length, expected) in [
            ("the first", "a", 3, &["a"][..]),
            ("another", "b", 4, &["b", "a"]),
            ("a third one takes the first one's place", "c", 1, &["c", "b"]),
            ("the same again", "c", 2, &["c", "b"]),
            ("one that leaves no room for others", "d", 9, &["d"]),
            ("one that is too large by itself", "e", 10, &[]),
            ("one after that", "f", 9, &["f"]),
        ] {
            remembered.remember(source, bytecode(length));
            assert_eq!(known(&remembered), expected, "{name}");
            let sizes = remembered.known.iter().map(|(source, code)| source.len() + code.len());
            assert_eq!(remembered.bytes, sizes.sum::<usize>(), "{name}");
        }
    }

    #[test]
    fn a_source_is_compiled_once_and_never_taken_for_another() {
        let code = Code::default();
        let first = code.of("return 1").unwrap();
        assert!(Rc::ptr_eq(&first, &code.of("return 1").unwrap()));
        assert!(!Rc::ptr_eq(&first, &code.of("return 2").unwrap()));
        assert!(!Rc::ptr_eq(&first, &code.of("return 1 ").unwrap()));
        assert!(code.of("return return").is_err());
        assert!(code.of("return return").is_err(), "the second time, too");
        assert!(code.of(CORE_NAME).is_err(), "names of parts are no sources");
        assert!(code.own(CORE_NAME).is_ok());
    }
}

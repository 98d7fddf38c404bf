"""Is everything there, and in step: the rock, the schema, the defaults?"""

import shutil
import subprocess
import unittest

from lupa.luajit21 import LuaRuntime

from gateway import PLUGIN, ROOT, Gateway, config_of

# What a file may use without saying so: the language's own, the gateway's, nginx's.
GLOBALS = """_G assert error getmetatable ipairs kong math next ngx os pairs pcall require select
setmetatable string table tonumber tostring type unpack""".split()

# Calls `tell(kind, name)` for each global that a chunk reads or writes, in all of its functions, by
# looking through its bytecode. Which instructions those are is seen in two small chunks.
USED_GLOBALS = b"""
local util = require "jit.util"

local function instruction(chunk, at)
  local code = util.funcbc(chunk, at)
  return code and bit.band(code, 0xff), code and bit.rshift(code, 16)
end

local READS, WRITES = instruction(loadstring("return x"), 1), instruction(loadstring("x = 1"), 2)

local function walk(chunk, tell)
  local at = 1
  local operation, operand = instruction(chunk, at)
  while operation do
    if operation == READS or operation == WRITES then
      tell(operation == READS and "reads" or "writes", util.funck(chunk, -operand - 1))
    end
    at = at + 1
    operation, operand = instruction(chunk, at)
  end
  local index = -1
  local constant = util.funck(chunk, index)
  while constant ~= nil do
    if type(constant) == "proto" then
      walk(constant, tell)
    end
    index = index - 1
    constant = util.funck(chunk, index)
  end
end

return function(text, name, tell)
  walk(assert(loadstring(text, name)), tell)
end
"""


class FilesTest(unittest.TestCase):
    def test_the_rock_has_every_file(self):
        lua = Gateway(None).lua
        rockspec = next(ROOT.glob("*.rockspec"))
        table = lua.eval(
            b"function(text) local t = {} setfenv(loadstring(text), t)() return t end"
        )(rockspec.read_bytes())
        modules = {
            name.decode(): path.decode() for name, path in table[b"build"][b"modules"].items()
        }
        self.assertEqual(
            modules,
            {
                f"kong.plugins.event-hooks.{file.stem}": str(file.relative_to(ROOT))
                for file in PLUGIN.glob("*.lua")
            },
        )
        version = Gateway(None)._handler[b"VERSION"].decode()
        self.assertEqual(rockspec.name, f"kong-plugin-event-hooks-{version}-1.rockspec")
        self.assertEqual(table[b"version"].decode(), f"{version}-1")

    def test_every_file_compiles_and_makes_no_global(self):
        used_globals = LuaRuntime(encoding=None).execute(USED_GLOBALS)
        for file in PLUGIN.glob("*.lua"):
            with self.subTest(file.name):
                used = set()
                used_globals(
                    file.read_bytes(), f"@{file.name}".encode(), lambda *it: used.add(it)
                )
                written = {name for kind, name in used if kind == b"writes"}
                self.assertEqual(written, set())
                unknown = {name.decode() for kind, name in used} - set(GLOBALS)
                self.assertEqual(unknown, set())
                self.assertTrue(used, "each asks for something")

    @unittest.skipUnless(shutil.which("luacheck"), "there is no luacheck: apt-get install lua-check")
    def test_luacheck_finds_nothing(self):
        ran = subprocess.run(["luacheck", "--no-color", "."], cwd=ROOT, capture_output=True)
        self.assertEqual(ran.returncode, 0, ran.stdout.decode())

    def test_globals_are_found_wherever_they_are(self):
        used_globals = LuaRuntime(encoding=None).execute(USED_GLOBALS)
        used = []
        chunk = b"local a = b; return function() c = a; return function() return d.e(f) end end"
        used_globals(chunk, b"chunk", lambda *it: used.append(it))
        expected = {(b"reads", b"b"), (b"writes", b"c"), (b"reads", b"d"), (b"reads", b"f")}
        self.assertEqual(set(used), expected)

    def test_the_schema_has_the_defaults_that_the_plugin_goes_by(self):
        gateway = Gateway(None)
        defaults = gateway.require("kong.plugins.event-hooks.settings")[b"DEFAULTS"]
        config = config_of(gateway)
        for name, value in defaults.items():
            self.assertEqual(listed(config[name.decode()][b"default"]), listed(value))
        self.assertEqual(
            set(config) - {name.decode() for name in defaults.keys()}, {"ingest_url", "token"}
        )

    def test_the_schema_is_for_the_whole_gateway(self):
        fields = Gateway(None).require("kong.plugins.event-hooks.schema")[b"fields"]
        scopes = {
            name.decode(): definition[b"typedef"]
            for field in fields.values()
            for name, definition in field.items()
        }
        scopes.pop("config")
        self.assertEqual(
            scopes,
            {
                "consumer": b"no_consumer",
                "consumer_group": b"no_consumer_group",
                "service": b"no_service",
                "route": b"no_route",
                "protocols": b"protocols_http",
            },
        )


def listed(value):
    """A list of Lua as one of Python; anything else as it is."""
    return list(value.values()) if hasattr(value, "values") else value


if __name__ == "__main__":
    unittest.main()

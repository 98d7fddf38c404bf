"""Is everything there, and in step: the rock, the schema, the defaults?"""

import unittest

from gateway import PLUGIN, ROOT, Gateway, config_of


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

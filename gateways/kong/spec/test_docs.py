"""Does docs/kong.md say what is so?"""

import json
import re
import unittest

from gateway import Gateway
from servers import ROOT, Ingest, Receiver

PAGE = (ROOT / "docs" / "kong.md").read_text()

SERVICE = {"id": "9d0bee90-04b9-4af3-993f-b10db881b144", "name": "demo", "host": "httpbin.org"}
JOE = {"id": "0fd2319f-13ea-4582-a448-8d11893026a8", "username": "Joe"}


def blocks(language):
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


class DocsTest(unittest.TestCase):
    def test_events_look_like_that(self):
        shown = [json.loads(block) for block in blocks("json")]
        ingest, receiver = Ingest(), Receiver()
        self.addCleanup(ingest.close)
        self.addCleanup(receiver.close)
        gateway = Gateway({"ingest_url": ingest.url, "requests": True})
        gateway.passes(1)
        for event in shown:
            ingest.hook(event["source"], event["event"], receiver.url)
        gateway.changes(
            "create",
            "keyauth_credentials",
            {
                "id": "4757bd6b-8d54-4b08-bf24-01e346a9323e",
                "created_at": 1627581878,
                "consumer": {"id": JOE["id"]},
                "key": "s3cr3t",
            },
        )
        gateway.becomes(
            "unhealthy",
            upstream_id="c57340ab-9fed-40fd-bb7e-1cef8d37c2df",
            ip="10.0.0.7",
            port=80,
            hostname="billing.internal",
        )
        route = {"id": "3cbe3a4e-8a44-4f1a-a8a2-0a8b1a4f0a11", "paths": ["/anything"]}
        gateway.ends({"service": SERVICE, "route": route})
        gateway.configure({"ingest_url": ingest.url})
        gateway.ends(
            {
                "status": 429,
                "source": "exit",
                "consumer": JOE,
                "service": SERVICE,
                "headers": {"x-ratelimit-limit-minute": "3", "x-ratelimit-remaining-minute": "0"},
            }
        )
        gateway.passes(2)
        self.assertCountEqual(receiver.wait_for(len(shown)), shown)

    def test_the_settings_are_these(self):
        gateway = Gateway(None)
        settings = gateway.require("kong.plugins.event-hooks.settings")
        defaults = {name.decode(): value for name, value in settings[b"DEFAULTS"].items()}
        rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))
        self.assertEqual(set(rows), set(defaults) | {"ingest_url", "token"})
        for name, value in defaults.items():
            if name != "redact":
                self.assertEqual(rows[name], f"`{json.dumps(value)}`")
        configured = re.findall(r"^      (\w+):", blocks("yaml")[0], re.MULTILINE)
        self.assertLessEqual(set(configured), set(rows))

    def test_whoever_copies_a_list_of_secrets_hides_what_was_hidden_before(self):
        settings = Gateway(None).require("kong.plugins.event-hooks.settings")
        defaults = [rule.decode() for rule in settings[b"DEFAULTS"][b"redact"].values()]
        lists = [block for block in blocks("yaml") if re.search(r"^ *redact:", block, re.MULTILINE)]
        self.assertEqual(len(lists), 1)
        rules = re.findall(r"^ *- ([^\s:]+)$", lists[0], re.MULTILINE)
        by_default, (added,) = rules[:-1], rules[-1:]
        self.assertEqual(by_default, defaults)
        self.assertIn(f"`{added}`", PAGE)

    def test_the_plugin_that_is_shown_works(self):
        gateway = Gateway({"ingest_url": "http://127.0.0.1:1"})
        queue = gateway.require("kong.plugins.event-hooks.queue")
        queued = []
        queue[b"push"] = lambda text: queued.append(json.loads(text)) or True
        gateway.ends({})
        load = gateway.lua.eval(b"""function(text)
          return assert(loadstring('local MyPlugin = {} ' .. text .. ' return MyPlugin'))()
        end""")
        plugin = load(blocks("lua")[0].encode())
        plugin[b"init_worker"](plugin)
        plugin[b"access"](plugin, None)
        self.assertEqual(
            [(event["source"], event["event"], event["data"]) for event in queued],
            [("my-plugin", "noticed", {"what": "something", "ip": "10.42.0.1"})],
        )
        self.assertEqual(gateway.lines(), [])


if __name__ == "__main__":
    unittest.main()

"""What a receiver of webhooks gets of what happens in the gateway: through the plugin's own Lua
files and the real server, each webhook with its signatures.
"""

import json
import unittest

from gateway import NULL, ROOT, Gateway
from servers import Ingest, Receiver

SERVICE = {"id": "9d0bee90-04b9-4af3-993f-b10db881b144", "name": "demo", "host": "httpbin.org"}
ROUTE = {"id": "3cbe3a4e-8a44-4f1a-a8a2-0a8b1a4f0a11", "paths": ["/anything"]}
JOE = {"id": "0fd2319f-13ea-4582-a448-8d11893026a8", "username": "Joe"}
LIMITED = {
    "status": 429,
    "source": "exit",
    "service": SERVICE,
    "headers": {"x-ratelimit-limit-minute": "3", "x-ratelimit-remaining-minute": "0"},
}
TARGET = {"upstream_id": "u1", "ip": "10.0.0.7", "port": 80, "hostname": "billing.internal"}


class EventsTest(unittest.TestCase):
    """Each test has a server and a receiver of its own."""

    def setUp(self):
        self.ingest, self.receiver = Ingest(), Receiver()
        self.addCleanup(self.ingest.close)
        self.addCleanup(self.receiver.close)

    def gateway(self, config=None, **more):
        return Gateway({"ingest_url": self.ingest.url} | (config or {}), **more)

    def hook(self, source, event=None):
        return self.ingest.hook(source, event, self.receiver.url)

    def received(self, gateway, count):
        """What arrived of all that was emitted, when nothing went wrong on the way."""
        gateway.passes(2)
        self.assertEqual(gateway.lines("err", "warn", "timer"), [])
        return self.receiver.wait_for(count)

    # dao:crud

    def test_a_created_consumer_arrives_as_the_reference_shows_it(self):
        self.hook("crud", "consumers")
        gateway = self.gateway()
        gateway.changes(
            "create",
            "consumers",
            {
                "created_at": 1627581878,
                "type": 0,
                "username": "Ada Lovelace",
                "id": "0fd2319f-13ea-4582-a448-8d11893026a8",
                "custom_id": NULL,
                "tags": NULL,
            },
        )
        self.assertEqual(
            self.received(gateway, 1),
            [
                {
                    "source": "crud",
                    "event": "consumers",
                    "operation": "create",
                    "schema": "consumers",
                    "entity": {
                        "created_at": 1627581878,
                        "type": 0,
                        "username": "Ada Lovelace",
                        "id": "0fd2319f-13ea-4582-a448-8d11893026a8",
                    },
                }
            ],
        )

    def test_a_change_is_one_event_whatever_its_names(self):
        for source, event in (
            ("dao:crud", "update"),
            ("crud", "routes"),
            ("crud", "routes:update"),
        ):
            self.hook(source, event)
        gateway = self.gateway()
        gateway.changes("update", "routes", {"id": "r", "name": "new"}, {"id": "r", "name": "old"})
        events = self.received(gateway, 3)
        self.assertCountEqual(
            [(event.pop("source"), event.pop("event")) for event in events],
            [("dao:crud", "update"), ("crud", "routes"), ("crud", "routes:update")],
        )
        data = {
            "operation": "update",
            "schema": "routes",
            "entity": {"id": "r", "name": "new"},
            "old_entity": {"id": "r", "name": "old"},
        }
        self.assertEqual(events, [data] * 3)

    def test_lists_stay_lists_and_empty_ones_are_not_objects(self):
        self.hook("crud", "routes")
        gateway = self.gateway()
        empty = gateway.lua.eval(b"setmetatable({}, require('cjson.safe').array_mt)")
        gateway.changes("delete", "routes", {"paths": ["/a", "/b"], "tags": empty, "headers": {}})
        entity = self.received(gateway, 1)[0]["entity"]
        self.assertEqual(entity, {"paths": ["/a", "/b"], "tags": [], "headers": {}})

    def test_data_planes_leave_changes_to_the_control_plane(self):
        self.hook("dao:crud")
        for role in ("data_plane", "control_plane"):
            gateway = self.gateway(role=role)
            gateway.changes("create", "consumers", {"username": role})
            gateway.passes(2)
        self.assertEqual(self.receiver.wait_for(1)[0]["entity"], {"username": "control_plane"})

    # balancer

    def test_a_target_that_falls_ill_is_told_of_by_one_worker(self):
        self.hook("balancer", "health")
        workers = [self.gateway(worker=number) for number in range(3)]
        for health in ("unhealthy", "healthy"):
            for worker in workers:
                worker.becomes(health, **TARGET)
                worker.passes(2)
        events = self.receiver.wait_for(2)
        self.assertCountEqual(
            events,
            [
                {"source": "balancer", "event": "health", "health": health} | TARGET
                for health in ("unhealthy", "healthy")
            ],
        )
        self.assertEqual([worker.attempts for worker in workers[1:]], [0, 0])

    def test_a_control_plane_has_no_health_to_tell_of(self):
        gateway = self.gateway(role="control_plane")
        gateway.becomes("unhealthy", **TARGET)
        gateway.passes(2)
        self.assertEqual(gateway.attempts, 0)

    # rate-limiting-advanced

    def test_a_refusal_arrives_as_the_reference_shows_it(self):
        self.hook("rate-limiting-advanced", "rate-limit-exceeded")
        gateway = self.gateway()
        gateway.ends(LIMITED)
        gateway.ends(LIMITED | {"consumer": JOE})
        event = {
            "source": "rate-limiting-advanced",
            "event": "rate-limit-exceeded",
            "consumer": {},
            "ip": "10.42.0.1",
            "limit": 3,
            "rate": 4,
            "service": SERVICE,
            "window": "minute",
        }
        self.assertCountEqual(self.received(gateway, 2), [event, event | {"consumer": JOE}])

    def test_the_limit_is_the_one_that_is_used_up(self):
        minute, hour = LIMITED["headers"], {
            "x-ratelimit-limit-hour": "9",
            "x-ratelimit-remaining-hour": "0",
        }
        for name, headers, limit, window in [
            (
                "of two, the one without remainder",
                minute | hour | {"x-ratelimit-remaining-hour": "6"},
                3,
                "minute",
            ),
            ("both used up: the longer one, as Kong's own header says", minute | hour, 9, "hour"),
            (
                "without a window, where no header has one",
                {"ratelimit-limit": "3", "ratelimit-remaining": "0", "ratelimit-reset": "12"},
                3,
                None,
            ),
        ]:
            with self.subTest(name):
                event = self.exceeded(LIMITED | {"headers": headers})
                self.assertEqual((event["limit"], event.get("window")), (limit, window))
                self.assertEqual(event["rate"], limit + 1)

    def test_what_is_no_refusal_for_a_rate_limit(self):
        for name, request in [
            ("a 429 of the service", LIMITED | {"source": "service"}),
            ("an error of the gateway", LIMITED | {"source": "error"}),
            ("a 429 of another plugin, without headers", LIMITED | {"headers": {}}),
            (
                "a limit that is not used up",
                LIMITED
                | {
                    "headers": {
                        "x-ratelimit-limit-minute": "3",
                        "x-ratelimit-remaining-minute": "1",
                    }
                },
            ),
            (
                "headers that are no numbers",
                LIMITED
                | {
                    "headers": {
                        "x-ratelimit-limit-minute": "many",
                        "x-ratelimit-remaining-minute": "0",
                    }
                },
            ),
            (
                "a request that passed with its last token",
                LIMITED | {"status": 200, "source": "service"},
            ),
            ("an answer of the gateway that is no refusal", LIMITED | {"status": 200}),
        ]:
            with self.subTest(name):
                self.assertIsNone(self.exceeded(request))

    def exceeded(self, request):
        """The event of a request that ended like this, if there is one."""
        gateway = self.gateway()
        queued = []
        queue = gateway.require("kong.plugins.event-hooks.queue")
        queue[b"push"] = lambda json: queued.append(json) or True
        gateway.ends(request)
        self.assertEqual(gateway.lines(), [])
        return json.loads(queued[0])["data"] if queued else None

    # http-log-enterprise

    def test_requests_are_told_of_only_where_that_is_asked_for(self):
        self.hook("http-log-enterprise", "log")
        by_default = self.gateway()
        by_default.ends({"service": SERVICE})
        by_default.passes(2)
        self.assertEqual(by_default.attempts, 0)
        gateway = self.gateway({"requests": True})
        gateway.ends({"service": SERVICE, "route": ROUTE, "consumer": JOE})
        gateway.ends({"status": 404, "source": "exit"})
        event = {
            "source": "http-log-enterprise",
            "event": "log",
            "consumer": JOE,
            "ip": "10.42.0.1",
            "service": SERVICE,
            "route": ROUTE,
        }
        unmatched = event | {"consumer": {}, "service": {}, "route": {}}
        self.assertCountEqual(self.received(gateway, 2), [event, unmatched])

    def test_the_source_of_requests_is_in_the_catalog_as_the_article_has_it(self):
        gateway = self.gateway({"requests": True})
        gateway.passes(1)
        _, entry = self.ingest.ask("GET", "/event-hooks/sources/http-log-enterprise/log")
        self.assertEqual(
            entry["data"],
            {
                "fields": ["consumer", "ip", "service", "route"],
                "unique": ["consumer", "ip", "service"],
                "description": "Run an event for a request",
            },
        )

    def test_the_plugin_of_the_article_works_as_written(self):
        self.hook("http-log-enterprise", "log")
        gateway = self.gateway()
        logged = []
        load = gateway.lua.eval(b"""function(text, log)
          package.preload['kong.plugins.http-log.handler'] = function() return { log = log } end
          return assert(loadstring(text))()
        end""")
        article = (ROOT / "spec" / "plugins" / "http-log-enterprise.lua").read_bytes()
        plugin = load(article, lambda *_: logged.append("logged"))
        plugin[b"init_worker"](plugin)
        gateway._handler, its_own = plugin, gateway._handler
        gateway.ends({"service": SERVICE, "route": ROUTE})
        gateway._handler = its_own
        self.assertEqual(self.received(gateway, 1)[0]["route"], ROUTE)
        self.assertEqual(logged, ["logged"])

    # The switches

    def test_each_event_can_be_turned_off(self):
        gateway = self.gateway({"dao_crud": False, "balancer_health": False, "rate_limits": False})
        for source, event in (
            ("crud", "consumers"),
            ("balancer", None),
            ("rate-limiting-advanced", None),
        ):
            self.hook(source, event)
        gateway.changes("create", "consumers", {})
        gateway.becomes("unhealthy", **TARGET)
        gateway.ends(LIMITED)
        gateway.passes(2)
        self.assertEqual(gateway.attempts, 0)
        gateway.configure({"ingest_url": self.ingest.url, "rate_limits": False})
        gateway.becomes("unhealthy", **TARGET)
        gateway.ends(LIMITED)
        gateway.changes("create", "consumers", {})
        events = self.received(gateway, 2)
        self.assertCountEqual([event["event"] for event in events], ["health", "consumers"])

    def test_the_environment_says_what_the_configuration_leaves_open(self):
        tokened = Ingest(token="t0ken")
        self.addCleanup(tokened.close)
        tokened.hook("dao:crud", None, self.receiver.url)
        elsewhere = {"EVENT_HOOKS_INGEST_URL": f"{tokened.url}\n", "EVENT_HOOKS_TOKEN": "t0ken"}
        for name, config, env in [
            ("no plugin is configured", None, elsewhere),
            ("it has no url", {"ingest_url": NULL, "token": NULL}, elsewhere),
            ("it has no token", {"ingest_url": tokened.url}, {"EVENT_HOOKS_TOKEN": "t0ken"}),
            (
                "it has both",
                {"ingest_url": tokened.url + "/", "token": "t0ken"},
                {"EVENT_HOOKS_INGEST_URL": "http://127.0.0.1:1", "EVENT_HOOKS_TOKEN": "wrong"},
            ),
        ]:
            with self.subTest(name):
                before = len(self.receiver.events())
                gateway = Gateway(config, env=env)
                gateway.changes("create", "consumers", {"username": name})
                events = self.received(gateway, before + 1)
                self.assertEqual(events[-1]["entity"], {"username": name})

    def test_the_environment_is_not_enough_for_what_requests_tell(self):
        told = ["rate-limiting-advanced", "http-log-enterprise"]
        self.hook("crud", "consumers")
        for source in told:
            self.hook(source)
        gateway = Gateway(None, env={"EVENT_HOOKS_INGEST_URL": self.ingest.url})
        expected = []
        for name, config, arrive in [
            ("not configured", None, ["crud"]),
            ("configured, but for the address", {"requests": True}, ["crud", *told]),
            ("not any more", None, ["crud"]),
        ]:
            with self.subTest(name):
                gateway.configure(config)
                gateway.ends(LIMITED)
                gateway.changes("create", "consumers", {})
                expected += arrive
                events = self.received(gateway, len(expected))
                self.assertCountEqual([event["source"] for event in events], expected)

    def test_a_workspace_is_part_of_the_address(self):
        status, _ = self.ingest.ask(
            "POST",
            "/blue/event-hooks",
            {
                "source": "dao:crud",
                "handler": "webhook",
                "config": {"url": self.receiver.url, "secret": "s3cr3t"},
            },
        )
        self.assertEqual(status, 201)
        for workspace in ("/red", "/blue/"):
            gateway = self.gateway({"ingest_url": self.ingest.url + workspace})
            gateway.changes("create", "consumers", {"username": workspace})
            gateway.passes(2)
        self.assertEqual(self.receiver.wait_for(1)[0]["entity"], {"username": "/blue/"})

    def test_without_an_address_nothing_is_taken_and_nothing_fails(self):
        for config in (None, {}):
            gateway = Gateway(config)
            gateway.changes("create", "consumers", {})
            gateway.becomes("unhealthy", **TARGET)
            gateway.ends(LIMITED)
            self.assertEqual(gateway.emits("x", "y"), "there is no ingest_url to post events to")
            gateway.passes(60)
            self.assertEqual(gateway.attempts, 0)
            self.assertEqual(gateway.lines("err", "timer"), [])
            self.assertEqual(
                gateway.lines("warn"),
                ["event hooks: nothing is posted, for there is no ingest_url"],
            )

    def test_the_stream_module_is_left_alone(self):
        gateway = self.gateway()
        gateway.lua.execute(b"ngx.config.subsystem = 'stream'")
        handler = gateway._handler
        gateway.lua.execute(b"kong.worker_events = nil")
        handler[b"init_worker"](handler)
        handler[b"configure"](handler, None)
        self.assertEqual(gateway.lines(), [])


if __name__ == "__main__":
    unittest.main()

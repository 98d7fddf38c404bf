"""What must not happen: a request breaks or waits, an event cannot be written down."""

import json
import random
import unittest

from gateway import Gateway, answer_of, capture
from servers import Ingest


class DoorsTest(unittest.TestCase):
    """Whatever goes wrong is a line in the log. Nothing here may raise, sleep or open a socket: the
    stubs of `ngx` and `resty.http` fail when that is done outside a timer."""

    def setUp(self):
        self.gateway = Gateway({"ingest_url": "http://127.0.0.1:1", "requests": True})

    def breaks(self, code):
        """Breaks something of the gateway."""
        self.gateway.lua.execute(code)

    def test_a_request_goes_on_whatever_breaks(self):
        limited = {"status": 429, "source": "exit", "headers": {}}
        for name, code, request in [
            ("the PDK", b"kong.client.get_consumer = function() error('broken') end", {}),
            ("the PDK, with a table", b"kong.client.get_consumer = function() error({}) end", {}),
            ("the response", b"kong.response.get_status = nil", {}),
            ("its headers", b"kong.response.get_headers = function() return nil end", limited),
            ("the queue", b"package.loaded['kong.plugins.event-hooks.queue'].push = error", {}),
            ("the clock", b"ngx.now = nil", {}),
            ("JSON", b"require('cjson.safe').encode = function() return nil, 'broken' end", {}),
            ("the log", b"kong.log.err = nil; kong.response.get_status = nil", {}),
        ]:
            with self.subTest(name):
                self.setUp()
                self.breaks(code)
                self.gateway.ends(request)
                self.assertTrue(name == "the log" or len(self.gateway.lines()) == 1, name)

    def test_a_change_goes_on_whatever_it_is(self):
        change = self.gateway.host[b"change"]
        for name, data in [
            ("without a schema", {"operation": "create", "entity": {}}),
            ("without an operation", {"schema": {"name": "consumers"}, "entity": {}}),
            ("with an entity that is none", {"operation": "create", "schema": 5, "entity": "x"}),
        ]:
            with self.subTest(name):
                before = len(self.gateway.lines())
                change(self.gateway.to_lua(data))
                self.assertEqual(len(self.gateway.lines()), before + 1)

    def test_a_start_goes_on_whatever_is_missing(self):
        for code in (
            b"kong.worker_events = nil",
            b"kong.configuration = nil",
            b"package.loaded['kong.runloop.balancer'] = false",
        ):
            with self.subTest(code):
                self.setUp()
                self.breaks(code)
                handler = self.gateway._handler
                handler[b"init_worker"](handler)

    def test_what_other_plugins_hand_over_wrongly_is_answered(self):
        api = self.gateway.require("kong.plugins.event-hooks.api")
        to_lua = self.gateway.to_lua
        names = "source and event must be names of 1 to 255 bytes"
        data = "data must be a table of names and values"
        for arguments, expected in [
            ((None, "y"), names),
            (("x", None), names),
            (("", "y"), names),
            (("x", "y\n"), names),
            (("x" * 256, "y"), names),
            ((5, "y"), names),
            (("x", "y", "data"), data),
            (("x", "y", ["a", "list"]), data),
            (("x", "y", 5), data),
            (("x", "y"), True),
            (("x", "y", {}), True),
        ]:
            with self.subTest(str(arguments)[:60]):
                self.assertEqual(answer_of(api[b"emit"](*map(to_lua, arguments))), expected)
        for arguments, expected in [
            ((None, "y"), "source and event must be names"),
            (("x", ""), "source and event must be names"),
            (("x", "y", "spec"), "the third argument must be a table"),
            (("x", "y"), True),
        ]:
            with self.subTest(arguments):
                self.assertEqual(answer_of(api[b"publish"](*map(to_lua, arguments))), expected)


class WritingTest(unittest.TestCase):
    """Whatever the data, what is posted is UTF-8 and JSON, and the ingest takes it."""

    @classmethod
    def setUpClass(cls):
        cls.ingest = Ingest()
        cls.addClassCleanup(cls.ingest.close)

    def setUp(self):
        self.gateway = Gateway({"ingest_url": self.ingest.url})
        self.queued = capture(self.gateway)

    def emit(self, code):
        """What becomes of data that is written in Lua: the answer, and the data as it is posted."""
        data = self.gateway.lua.eval(code)
        emit = self.gateway.require("kong.plugins.event-hooks.api")[b"emit"]
        answer = answer_of(emit(b"crud", b"consumers", data))
        if answer is not True:
            return answer
        text = self.queued.pop().decode()
        status, said = self.ingest.ask("POST", "/events", text.encode())
        self.assertEqual(status, 202, said)
        return json.loads(text)["data"]

    def test_what_can_be_told(self):
        for name, code, expected in [
            ("nothing", b"{}", {}),
            ("a null is left out", b"{ a = ngx.null, b = 1 }", {"b": 1}),
            ("but keeps its place in a list", b"{ a = { 1, ngx.null, 3 } }", {"a": [1, None, 3]}),
            ("at its end, too", b"{ a = { 1, ngx.null } }", {"a": [1, None]}),
            (
                "what JSON has no word for is left out",
                b"{ f = print, c = coroutine.create(print), n = 0/0, i = 1/0, j = -1/0, x = true }",
                {"x": True},
            ),
            (
                "names that are numbers are names",
                b"{ a = { [5] = 'x', [1.5] = 'y' } }",
                {"a": {"5": "x", "1.5": "y"}},
            ),
            (
                "a list with names is an object",
                b"{ a = { 'x', n = 1 } }",
                {"a": {"1": "x", "n": 1}},
            ),
            (
                "names that are neither",
                b"{ a = { [true] = 1, [print] = 2, b = 3 } }",
                {"a": {"b": 3}},
            ),
            (
                "an empty list where its maker says so",
                b"{ a = setmetatable({}, require('cjson.safe').empty_array_mt), b = {} }",
                {"a": [], "b": {}},
            ),
            (
                "a list of such",
                b"{ a = setmetatable({}, require('cjson.safe').array_mt) }",
                {"a": []},
            ),
            ("all data in brackets", b"setmetatable({}, require('cjson.safe').array_mt)", {}),
            ("text with everything", b"{ a = '\\0\\1\"\\\\/\\n\\127' }", {"a": '\0\1"\\/\n\x7f'}),
            (
                "bytes that are not UTF-8",
                b"{ ['\\255'] = 'caf\\233', b = 'caf\\195\\169' }",
                {"\ufffd": "caf\ufffd", "b": "café"},
            ),
            (
                "source and event of its own",
                b"{ source = 'x', event = 'y', data = { id = 1 } }",
                {"source": "x", "event": "y", "data": {"id": 1}},
            ),
            (
                "large numbers",
                b"{ a = 2^53, b = 1627581878.25 }",
                {"a": 9.007199254741e15, "b": 1627581878.25},
            ),
        ]:
            with self.subTest(name):
                self.assertEqual(self.emit(code), expected)

    def test_as_deep_as_the_ingest_takes_it_and_no_deeper(self):
        nested = (
            b"(function() local t = 1 for _ = 1, %d do t = { t = t } end return { t = t } end)()"
        )
        self.assertIsInstance(self.emit(nested % 99), dict)
        self.assertEqual(self.emit(nested % 100), "nested deeper than 100 levels")

    def test_as_large_as_the_ingest_takes_it_and_no_larger(self):
        frame = len(
            '{"id":"00000000-0000-0000-0000-000000000000-1","source":"crud","event":'
            '"consumers","time":1700000000.000,"pid":4000,"data":{"a":""}}'
        )
        text = b"{ a = string.rep('x', %d) }"
        self.assertIsInstance(self.emit(text % (256 * 1024 - frame)), dict)
        self.assertEqual(
            self.emit(text % (256 * 1024 - frame + 1)),
            "the event has 262145 bytes, more than 262144",
        )

    def test_circles_and_mirrors_end(self):
        circle = b"(function() local t = {} t.t = t return t end)()"
        self.assertEqual(self.emit(circle), "nested deeper than 100 levels")
        mirrors = b"""(function()
          local t = { x = 1 } for _ = 1, 90 do t = { a = t, b = t } end return t
        end)()"""
        self.assertEqual(self.emit(mirrors), "more than 131072 values")

    def test_any_bytes_become_utf8_and_what_is_utf8_stays(self):
        repair = self.gateway.require("kong.plugins.event-hooks.utf8")[b"repair"]
        whole = "aä€😀\U0010ffff\ud7ff\ue000\x7f\x80\u07ff\u0800\uffff\U00010000"
        self.assertEqual(repair(whole.encode()), whole.encode())
        for broken, expected in [
            (b"\x80", "\ufffd"),
            (b"a\xc3", "a\ufffd"),
            (b"\xc0\xaf", "\ufffd\ufffd"),
            (b"\xed\xa0\x80x", "\ufffd\ufffd\ufffdx"),
            (b"\xf4\x90\x80\x80", "\ufffd" * 4),
            (b"\xe2\x82\xe2\x82\xac", "\ufffd\ufffd€"),
        ]:
            self.assertEqual(repair(broken).decode(), expected)
        dice = random.Random(7)
        for _ in range(2_000):
            text = bytes(
                dice.choice(b"a\x7f\x80\xbf\xc2\xc3\xe0\xe2\xed\xef\xf0\xf4\xff")
                for _ in range(dice.randrange(12))
            )
            repaired = repair(text).decode()
            try:
                self.assertEqual(repaired, text.decode())
            except UnicodeDecodeError:
                self.assertIn("\ufffd", repaired)


if __name__ == "__main__":
    unittest.main()

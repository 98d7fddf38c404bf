"""A worker of the gateway: the plugin's own Lua files in LuaJIT, with `ngx` and `kong` around them.

What a test does to it, Kong would do: a change is made, a target falls ill, a request ends. Time
moves when the test says so, and then what waits for it runs, all of it before `passes` returns.
"""

import http.client
import json
import pathlib
import socket
import time
import urllib.parse
import uuid

from lupa.luajit21 import LuaRuntime

from servers import PATIENCE

ROOT = pathlib.Path(__file__).parent.parent
PLUGIN = ROOT / "kong" / "plugins" / "event-hooks"
STUBS = ROOT / "spec" / "stubs"

# Where Lua finds what is not the plugin's; the queue is there for a Kong that has one.
MODULES = {"cjson.safe": "cjson.lua", "resty.http": "http.lua"}
KONG_QUEUE = {"kong.tools.queue": "queue.lua"}


class Gateway:
    """One worker. `config` is the plugin's configuration, without the defaults of the schema."""

    def __init__(self, config=None, *, queue="kong", role="traditional", worker=0, env=None):
        self.logged = []
        self.attempts = 0
        # What happens in this worker while it waits for an answer.
        self.meanwhile = lambda: None
        self._env = env or {}
        # Lua strings are bytes, and stay bytes.
        self.lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self._start(role, worker)
        self._load(MODULES | (KONG_QUEUE if queue == "kong" else {}))
        self._handler = self.require("kong.plugins.event-hooks.handler")
        self._handler[b"init_worker"](self._handler)
        self.configure(config)

    def _start(self, role, worker):
        host = self.lua.table_from(
            {
                b"now": lambda: float(int(time.time())),
                b"pid": 4000 + worker,
                b"worker_id": worker,
                b"role": role.encode(),
                b"workspace": b"default",
                b"log": lambda level, text: self.logged.append((level.decode(), text.decode())),
                b"uuid": lambda: str(uuid.uuid4()).encode(),
                b"escape_uri": lambda text: urllib.parse.quote(text, safe="").encode(),
                b"decode": self._decode,
                b"connect": self._connect,
                b"http": self._http,
            }
        )
        self.host = host
        lua_globals = self.lua.globals()
        lua_globals[b"host"] = host
        # What a worker sees of the environment.
        lua_globals[b"os"][b"getenv"] = lambda name: self._variable(name)
        self.lua.execute((STUBS / "ngx.lua").read_bytes())
        self.lua.execute((STUBS / "kong.lua").read_bytes())
        # From here on, a name that nobody gave a meaning is a mistake.
        self.lua.execute(b"""setmetatable(_G, {
          __index = function(_, name) error("undefined global " .. tostring(name), 2) end,
          __newindex = function(_, name) error("new global " .. tostring(name), 2) end,
        })""")

    def _load(self, modules):
        """Lets `require` find the stubs, and the plugin where it lies."""
        paths = {name: STUBS / file for name, file in modules.items()}
        for file in PLUGIN.glob("*.lua"):
            paths[f"kong.plugins.event-hooks.{file.stem}"] = file
        preload = self.lua.eval(b"package.preload")
        load = self.lua.eval(b"function(text, name) return assert(loadstring(text, name)) end")
        for name, path in paths.items():
            preload[name.encode()] = load(path.read_bytes(), f"@{path.name}".encode())
        self.lua.execute(b"package.path, package.cpath = '', ''")

    def require(self, name):
        """A module, as Lua sees it."""
        return self.lua.eval(b"require")(name.encode())

    # What Kong does.

    def configure(self, config):
        """Somebody changed the plugin's configuration; None: there is none."""
        configs = None if config is None else self.to_lua([config])
        self.host[b"configure"](self._handler, configs)

    def changes(self, operation, schema, entity, old_entity=None, definition=None):
        """An entity was created, updated or deleted in this worker."""
        schema = {"name": schema, "fields": []} | (definition or {})
        change = {"operation": operation, "schema": schema, "entity": entity}
        if old_entity:
            change["old_entity"] = old_entity
        self.host[b"change"](self.to_lua(change))

    def becomes(self, health, **target):
        """The health checker of this worker says that a target is healthy or not."""
        names = ("upstream_id", "ip", "port", "hostname")
        self.host[b"health"](*(self.to_lua(target.get(name)) for name in names), health.encode())

    def ends(self, request):
        """A request is in its log phase; the plugin sees it where it is configured."""
        request = {"status": 200, "source": "service", "ip": "10.42.0.1", "headers": {}} | request
        self.host[b"log_phase"](self._handler, self.to_lua(request))

    def emits(self, source, event, data=None):
        """Another plugin emits: what the API answers."""
        emit = self.require("kong.plugins.event-hooks.api")[b"emit"]
        return answer_of(emit(source.encode(), event.encode(), self.to_lua(data)))

    def publishes(self, source, event, spec=None):
        """Another plugin publishes: what the API answers."""
        publish = self.require("kong.plugins.event-hooks.api")[b"publish"]
        return answer_of(publish(source.encode(), event.encode(), self.to_lua(spec)))

    def passes(self, seconds):
        """Time goes by."""
        self.host[b"pass"](seconds)

    def shuts_down(self, longest=60):
        """The worker is told to end. Answers how much still waits after the longest time."""
        return self.host[b"exit"](longest)

    def lines(self, *levels):
        """What was logged at these levels, at err and in timers if none is given."""
        return [text for level, text in self.logged if level in (levels or ("err", "timer"))]

    # What Lua asks for.

    def _variable(self, name):
        value = self._env.get(name.decode())
        return None if value is None else value.encode()

    def _decode(self, text, null):
        try:
            return self.to_lua(json.loads(text), null)
        except (ValueError, RecursionError):
            return None

    def _connect(self, host, port):
        self.attempts += 1
        try:
            socket.create_connection((host.decode(), port), timeout=PATIENCE).close()
        except OSError as error:
            return None, str(error).encode()
        return True, None

    def _http(self, port, parameters):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.meanwhile()
        try:
            connection.request(
                parameters[b"method"].decode(),
                parameters[b"path"].decode(),
                body=parameters[b"body"],
                headers={k.decode(): v for k, v in parameters[b"headers"].items()},
            )
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            body, broken = read(answer)
        except (OSError, http.client.HTTPException) as error:
            return None, repr(error).encode(), None, None
        finally:
            connection.close()
        chunks = [body[at : at + 65536] for at in range(0, len(body), 65536)]
        return answer.status, self.to_lua(headers), self.lua.table(*chunks), broken

    def to_lua(self, value, null=None):
        """A value of Python, as Lua has it."""
        if isinstance(value, dict):
            return self.lua.table_from(
                {self.to_lua(k): self.to_lua(v, null) for k, v in value.items()}
            )
        if isinstance(value, (list, tuple)):
            return self.lua.table(*(self.to_lua(item, null) for item in value))
        if value is NULL:
            return self.lua.eval(b"ngx.null")
        if value is None:
            return null
        return value.encode() if isinstance(value, str) else value


# A null of the gateway's database.
NULL = object()


def read(answer):
    """As much of a body as comes, and what became of the rest."""
    try:
        return answer.read(), None
    except http.client.IncompleteRead as error:
        return error.partial, b"closed"


def answer_of(result):
    """What a function of the API answers: True, or why not."""
    if isinstance(result, tuple):
        ok, reason = result
        return True if ok else reason.decode()
    return result


def capture(gateway):
    """Takes what would be queued, instead."""
    queued = []
    queue = gateway.require("kong.plugins.event-hooks.queue")
    queue[b"push"] = lambda json: queued.append(json) or True
    return queued


def config_of(gateway):
    """The definitions of the configuration, by name."""
    schema = gateway.require("kong.plugins.event-hooks.schema")
    for field in schema[b"fields"].values():
        if b"config" in field:
            fields = field[b"config"][b"fields"]
            return {name.decode(): it for one in fields.values() for name, it in one.items()}
    return None

"""What schemathesis cannot read from a schema: which texts stand behind the document's own formats,
how lines of JSON are sent, what fits together, and that wrong tokens come from many places.
"""

import base64
import itertools
import json
import os
import uuid

import schemathesis
import urllib3.connection
import urllib3.connectionpool
from hypothesis import strategies as st

ids = st.uuids(version=4).map(str)
names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)


def in_base64(value):
    return base64.b64encode(json.dumps(value).encode()).decode()


FORMATS = {
    "offset": ids.map(in_base64),
    # Public addresses: others are refused, as `egress` has it.
    "uri": st.builds(
        "{}://{}.example.com/{}".format, st.sampled_from(["http", "https"]), names, names
    ),
    "lua": names.map('return function(data) return "{}" end'.format),
    "template": st.one_of(names, names.map("{{{{ {} }}}}".format)),
    "event-pattern": names.map(lambda name: json.dumps({name: [{"exists": True}]})),
    "cidr": st.ip_addresses(v=4).map("{}/32".format),
    "header-value": names,
    "json-object-in-base64": names.map(lambda name: in_base64({name: 1})),
}
for name, strategy in FORMATS.items():
    schemathesis.openapi.format(name, strategy)


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def lines(_, value):
    return value if isinstance(value, (str, bytes)) else json.dumps(value)


counted = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes a request fit what no schema says, where it fits the schema."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    path, body = case.operation.path, case.body if isinstance(case.body, dict) else {}
    if path.endswith("/deliveries") and "offset" in (case.query or {}):
        case.query["offset"] = in_base64([0, str(uuid.uuid5(uuid.NAMESPACE_OID, "a delivery"))])
    if case.operation.label == "POST /event-hooks" and body.get("id"):
        # An id is free once.
        body["id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, f"hook {next(counted)}"))
    if path == "/event-hooks/{id}" and body.get("id"):
        body["id"] = case.path_parameters["id"]
    if case.operation.label == "PATCH /event-hooks/{id}":
        # It is that of the hook, or refused.
        body.pop("created_at", None)
    if path.endswith("/recover") and body.get("until") not in (None, ""):
        body |= {"since": "2026-11-21T10:00:00Z", "until": "2026-11-21T11:00:00Z"}


class FromElsewhere(urllib3.connection.HTTPConnection):
    """Each connection comes from a loopback address of its own, for of one address only ten wrong
    tokens a minute are looked at.
    """

    addresses = (f"127.77.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))

    def __init__(self, *args, **more):
        super().__init__(*args, **more | {"source_address": (next(self.addresses), 0)})


# Only where run.py found that there are such addresses.
if os.environ.get("EVENT_HOOKS_TEST_MANY_ADDRESSES"):
    urllib3.connectionpool.HTTPConnectionPool.ConnectionCls = FromElsewhere

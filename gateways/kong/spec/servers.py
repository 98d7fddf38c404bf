"""What is at the other end of the gateway's wire: the real ingest, or somebody who stands in for it
and misbehaves.
"""

import json
import pathlib
import sys
import urllib.parse

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "tests"))
from wire_ends import PATIENCE, ROOT, Ingest, Receiver, Server, ask  # noqa: E402, F401


def taken(request):
    """What the ingest says when all is well."""
    if request.method == "PUT":
        return 200, {}, b'{"data":{}}'
    ids = request.ids()
    return 202, {}, json.dumps({"accepted": len(ids), "ids": ids}).encode()


def says(status, body=b"", **headers):
    """Somebody who always says this."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda request: (status, headers, text)


# What the ingest says of no events.
NO_EVENT = says(400, {"message": "there is no event in the request", "errors": []})


class StandIn(Server):
    """Says what it is told to, request by request; afterwards what the ingest would say."""

    def __init__(self, *script, otherwise=taken):
        self._script = list(script)
        self._otherwise = otherwise
        super().__init__()

    def answer(self, request):
        return (self._script.pop(0) if self._script else self._otherwise)(request)

    def comes_to_its_senses(self):
        """From now on it is like the ingest."""
        self._script, self._otherwise = [], taken

    def posts(self):
        """The requests that brought events."""
        return [r for r in self.requests if urllib.parse.urlsplit(r.path).path.endswith("/events")]


def in_front_of(ingest, *, swallow=()):
    """Hands requests on to the ingest, and keeps the answers of those with these numbers."""
    numbers = iter(range(10**9))

    def answer(request):
        number = next(numbers)
        passed = {
            k: v for k, v in request.headers.items() if k in ("content-type", "kong-admin-token")
        }
        status, _, text = ask(ingest.port, request.method, request.path, request.body, passed)
        return None if number in swallow else (status, {}, text)

    return answer

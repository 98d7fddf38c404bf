"""The ends of the wire, for tests in Python: the real server, and a receiver of webhooks.
"""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]

# How long anything may take that a test waits for, in seconds.
PATIENCE = 60


def binary():
    """The server: where EVENT_HOOKS_BINARY says, or where cargo puts it."""
    folder = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return os.environ.get("EVENT_HOOKS_BINARY", pathlib.Path(folder) / "debug" / "event-hooks")


class Ingest:
    """The real server with an empty folder, which is made within `folder`. What else is to stand in
    its environment is in `settings`; `stderr` is the file that it complains in.
    """

    def __init__(self, token=None, settings=None, folder=None, stderr=None):
        self._token = token
        self._settings = {"EVENT_HOOKS_LOG": "off"} | (settings or {})
        self._folder = tempfile.TemporaryDirectory(dir=folder)
        self._stderr = stderr
        self._process = None
        self.port = 0
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Starts it: the second time where it was, with what it had."""
        deadline = time.monotonic() + PATIENCE
        while not (banner := self._begin()):
            # Its port was free when it ended: somebody may have it for a moment.
            may_come_right = self.port and time.monotonic() < deadline
            assert may_come_right, f"{binary()} does not start"
            time.sleep(0.1)
        self.port = int(banner.strip().rsplit(":", 1)[1])

    def _begin(self):
        """What the server says when it is there; nothing where it ends instead."""
        plain = {k: v for k, v in os.environ.items() if not k.startswith("EVENT_HOOKS_")}
        token = {"EVENT_HOOKS_ADMIN_TOKEN": self._token} if self._token else {}
        self._process = subprocess.Popen(
            [binary(), "--listen", f"127.0.0.1:{self.port}", "--data", self._folder.name],
            env=plain | token | self._settings,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        banner = self._process.stdout.readline()
        if not banner:
            self.kill()
        return banner

    def kill(self):
        """What `kill -9` does."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def close(self):
        self.kill()
        self._folder.cleanup()

    def ask(self, method, path, body=None):
        """What the server answers: the status and the JSON."""
        token = {"kong-admin-token": self._token} if self._token else {}
        status, _, text = ask(self.port, method, path, body, token)
        return status, json.loads(text) if text else None

    def hook(self, source, event, url, **more):
        """Makes a webhook, and answers its id."""
        config = {"url": url, "secret": "s3cr3t"}
        hook = {"source": source, "event": event, "handler": "webhook", "config": config} | more
        status, made = self.ask("POST", "/event-hooks", hook)
        assert status == 201, made
        return made["id"]


def ask(port, method, path, body=None, headers=None, kind="application/json"):
    """Status, headers and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body)
    kind = {"content-type": kind} if body is not None and kind else {}
    try:
        connection.request(method, path, sent, kind | (headers or {}))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


class Server:
    """Somebody who listens on loopback, and remembers every request."""

    def __init__(self):
        self.requests = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                request = Request(self.command, self.path, dict(self.headers), body)
                owner.requests.append(request)
                answer = owner.answer(request)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, text = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204 and "content-length" not in headers:
                    self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                self.close_connection = "content-length" in headers

            do_GET = do_POST = do_PUT = handle_request

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            # As many as call at once, so that none of them has to call again.
            request_queue_size = 512

            def handle_error(self, *_):
                """Who hangs up in the middle is no news here."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, request):
        """Status, headers and body; None hangs up."""
        raise NotImplementedError

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Request:
    """A request that arrived."""

    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body

    def json(self):
        return json.loads(self.body)

    def ids(self):
        """Those of the events in it."""
        return [event["id"] for event in self.json()]


class Receiver(Server):
    """Takes webhooks."""

    def answer(self, request):
        return 200, {}, b""

    def wait_for(self, count):
        """The bodies of the first so many webhooks but for pings, whose signatures all hold."""
        deadline = time.monotonic() + PATIENCE
        while len(self.events()) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.events())} instead of {count} webhooks arrived")
            time.sleep(0.01)
        return self.events()

    def events(self):
        """The bodies of all webhooks so far, but for pings."""
        bodies = [(request, request.json()) for request in list(self.requests)]
        events = [(r, body) for r, body in bodies if body["source"] != "kong:event_hooks"]
        assert all(is_signed(request) for request, _ in events)
        return [body for _, body in events]


def is_signed(request, secret=b"s3cr3t"):
    """Do both signatures of a webhook hold?"""
    digest = hmac.new(secret, request.body, hashlib.sha1).hexdigest()
    signed = b".".join(
        (
            request.headers["webhook-id"].encode(),
            request.headers["webhook-timestamp"].encode(),
            request.body,
        )
    )
    standard = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return (
        request.headers["x-kong-signature"] == f"sha1={digest}"
        and request.headers["webhook-signature"] == f"v1,{standard}"
    )

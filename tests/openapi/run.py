"""Is GET /openapi.json a document of OpenAPI 3.1, and does the server do what it says?

Starts the server with an empty folder and a first token on a free port, has openapi-spec-validator
judge the document, has schemathesis ask everything that is in it, and stops the server. What both
are told is in schemathesis.toml and hooks.py.

With arguments, these go to schemathesis: `run.py --include-operation-id createHook`.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOKEN = "first-token"
# How long the server may take to start, and schemathesis to ask everything, in seconds.
PATIENCE, LONGEST = 20, 180


def binary():
    """The server: where EVENT_HOOKS_BINARY says, or where cargo puts it."""
    folder = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return os.environ.get("EVENT_HOOKS_BINARY", pathlib.Path(folder) / "debug" / "event-hooks")


@contextlib.contextmanager
def server():
    """The address of a server that remembers nothing, and the file that it complains in. Its folder
    is in memory where that is to be had, so that thousands of changes wait for no disk. Its hooks
    reach no private address.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    plain = {k: v for k, v in os.environ.items() if not k.startswith("EVENT_HOOKS_")}
    settings = {
        "EVENT_HOOKS_ADMIN_TOKEN": TOKEN,
        "EVENT_HOOKS_EGRESS_ALLOW": "",
        "EVENT_HOOKS_LOG": "error",
        "EVENT_HOOKS_LOG_FORMAT": "json",
    }
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        complaints = pathlib.Path(folder) / "stderr"
        with complaints.open("w") as stderr:
            process = subprocess.Popen(
                [binary(), "--listen", "127.0.0.1:0", "--data", pathlib.Path(folder) / "data"],
                env=plain | settings,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            # Its one line, which is there when it listens.
            port = process.stdout.readline().strip().rsplit(":", 1)[1]
            yield f"http://127.0.0.1:{port}", complaints
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def has_many_addresses():
    """Is all of 127.0.0.0/8 this machine, as it is on Linux?"""
    with socket.socket() as probe:
        try:
            probe.bind(("127.77.0.1", 0))
        except OSError:
            return False
    return True


def main(arguments):
    with server() as (address, complaints), tempfile.TemporaryDirectory() as remembered:
        with urllib.request.urlopen(f"{address}/openapi.json", timeout=PATIENCE) as answer:
            OpenAPIV31SpecValidator(json.load(answer)).validate()
        command = [
            pathlib.Path(sys.executable).with_name("schemathesis"),
            "--config-file",
            "schemathesis.toml",
            "run",
            f"{address}/openapi.json",
            *arguments,
        ]
        if not has_many_addresses():
            print("skipped: ignored_auth, for this machine has one loopback address only")
            command += ["--exclude-checks", "ignored_auth"]
        told = {
            "EVENT_HOOKS_TEST_URL": address,
            "EVENT_HOOKS_TEST_TOKEN": TOKEN,
            "HYPOTHESIS_STORAGE_DIRECTORY": remembered,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        began = time.monotonic()
        asked = subprocess.run(command, env=os.environ | told, cwd=HERE, check=False)
        took = time.monotonic() - began
        # What hooks log is beside it, and of no use here.
        errors = [it for it in complaints.read_text().splitlines() if '"level":"ERROR"' in it]
    for error in errors:
        print(error)
    print(f"schemathesis took {took:.0f} s, of {LONGEST} s that it may take")
    return asked.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

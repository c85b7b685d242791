"""The four functions as `cargo lambda watch` runs them, at one address, with a table and a key in ministack.

As a program (tests/run watch) it lasts until Ctrl-C, with the users of the sample events in the table.

From the folder of the workspace cargo finds default members only, so each function is watched in its own folder, and the
address sends an invocation on to the watcher of its function.
"""

import base64
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import stand_in

ROOT = stand_in.ROOT
FUNCTIONS = ["define-auth-challenge", "create-auth-challenge", "verify-auth-challenge", "pre-token-generation"]
SETTINGS = {
    "ACCEPTED_COGNITO_MFA": "NONE",
    "ENROLLMENT": "AT_SIGN_IN",
    "TOTP_ISSUER": "Example",
    "TOKEN_GUARD": "GRANT",
    "TABLE_NAME": "SecondFactors",
    "KEY_ID": "alias/sealing",
}
# What debuggers read takes most of a build's time and of its size.
BUILD = {"CARGO_PROFILE_DEV_DEBUG": "line-tables-only"}
PORT = 9000

# The users of the sample events have their records from this moment; events/README.md.
USERS = ROOT / "tests" / "golden" / "users_of_the_sample_events.json"
NOW = 1_800_000_000
FAKE_SECRET = b"plainly fake secret!"


def set_up(aws):
    """The table and the key that SETTINGS names."""
    user = {"AttributeName": "user"}
    aws.client("dynamodb").create_table(
        TableName=SETTINGS["TABLE_NAME"],
        AttributeDefinitions=[user | {"AttributeType": "S"}],
        KeySchema=[user | {"KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    # As `second-factor init` does, without which nothing is believed under OPTIONAL.
    whose = {"user": {"S": "#us-east-1_Example01"}, "version": {"N": "1"}}
    record = json.dumps({"tableName": SETTINGS["TABLE_NAME"]})
    aws.client("dynamodb").put_item(TableName=SETTINGS["TABLE_NAME"], Item=whose | {"record": {"S": record}})
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=SETTINGS["KEY_ID"], TargetKeyId=key)


def invite(aws):
    """The users of the sample events, as if the events' moment were now, and their secrets sealed with the key."""
    dynamodb, kms = aws.client("dynamodb"), aws.client("kms")
    later = int(time.time()) - NOW
    for user, stored in json.loads(USERS.read_text()).items():
        authenticator = stored["record"]["authenticator"]
        pool, sub = user.split("#")
        context = {"userPoolId": pool, "sub": sub, "purpose": "authenticator-secret", "nonce": authenticator["id"]}
        sealed = kms.encrypt(KeyId=SETTINGS["KEY_ID"], Plaintext=FAKE_SECRET, EncryptionContext=context)
        authenticator["sealed"] = base64.urlsafe_b64encode(sealed["CiphertextBlob"]).decode().rstrip("=")
        record = json.dumps(moved(stored, later))
        item = {"user": {"S": user}, "version": {"N": "1"}, "record": {"S": record}}
        dynamodb.put_item(TableName=SETTINGS["TABLE_NAME"], Item=item)


def moved(value, later, name=None):
    match value:
        case dict():
            return {name: moved(inner, later, name) for name, inner in value.items()}
        case list():
            return [moved(inner, later) for inner in value]
        case int() if name == "lastStep":
            return value + later // 30
        case int() if value > NOW // 2:
            return value + later
        case _:
            return value


@contextlib.contextmanager
def watched(environment, port=0, reload=True, functions=FUNCTIONS):
    """The address of the functions. They have SETTINGS, where the environment says nothing else."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as watchers:
        ports = {name: watchers.enter_context(watcher(name, environment, reload, Path(folder))) for name in functions}
        server = ThreadingHTTPServer((stand_in.HOST, port), passing_on(ports))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield "http://{}:{}".format(*server.server_address)
        except Exception:
            for log in Path(folder).iterdir():
                print(f"{log.name}:\n{log.read_text()}", file=sys.stderr)
            raise
        finally:
            server.shutdown()


@contextlib.contextmanager
def watcher(name, environment, reload, folder):
    port = stand_in.free_port()
    # Left to itself it listens on every address.
    watch = ["cargo", "lambda", "watch", "-A", stand_in.HOST, "-P", str(port)]
    with (folder / name).open("w") as log:
        process = subprocess.Popen(
            watch if reload else [*watch, "--ignore-changes"],
            cwd=ROOT / "functions" / name,
            env=os.environ | SETTINGS | environment | BUILD,
            stdin=subprocess.DEVNULL,
            stdout=None if reload else log,
            stderr=None if reload else log,
            start_new_session=True,
        )
    try:
        stand_in.wait_for(port, process)
        yield port
    finally:
        # On request it ends the function too; the function has its own process group.
        process.terminate()
        process.wait(timeout=30)


def passing_on(ports):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            name = self.path.removeprefix("/2015-03-31/functions/").removesuffix("/invocations")
            if name not in ports:
                self.send_error(404, f"the functions are {', '.join(ports)}")
                return
            function = http.client.HTTPConnection(stand_in.HOST, ports[name])
            function.request("POST", self.path, body, dict(self.headers))
            answer = function.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            kept = [(name, value) for name, value in answer.getheaders() if name.lower().startswith("x-am")]
            for header, value in [*kept, ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]:
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


def main():
    with stand_in.started() as aws:
        set_up(aws)
        invite(aws)
        with watched(aws.environment(), PORT) as endpoint:
            print(f"The functions are at {endpoint}, and AWS is at {aws.endpoint}. Ctrl-C ends both.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()

"""Sends each of a function's sample events through `cargo lambda invoke` and compares the answer with its golden file.

events/FUNCTION/CASE.json -> tests/golden/FUNCTION/CASE.json, and events/ENROLLMENT+ACCEPTED_COGNITO_MFA/FUNCTION/CASE.json
likewise, under those settings.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
HOST = "127.0.0.1"


def main(function):
    # In the function's own folder: from the workspace's, cargo finds default members only.
    subprocess.run(["cargo", "build", "--quiet", "--locked"], cwd=ROOT / "functions" / function, check=True)
    invoke_all(function, EVENTS, "AT_SIGN_IN", "NONE")
    for folder in sorted(EVENTS.glob("*+*")):
        if (folder / function).is_dir():
            invoke_all(function, folder, *folder.name.split("+"))


def invoke_all(function, events, enrollment, accepted):
    samples = sorted((events / function).glob("*.json"))
    if not samples:
        sys.exit(f"there are no samples in {events / function}")
    port = free_port()
    # Left to itself it listens on every address.
    watch = ["cargo", "lambda", "watch", "--ignore-changes", "-A", HOST, "-P", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            watch,
            cwd=ROOT / "functions" / function,
            env={**os.environ, "ENROLLMENT": enrollment, "ACCEPTED_COGNITO_MFA": accepted},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(port, server)
            wrong = [sample.stem for sample in samples if not answers_as_written(function, port, sample)]
        except Exception:
            log.seek(0)
            print(log.read(), file=sys.stderr)
            raise
        finally:
            # Asked to, it ends the function too; the function is in a process group of its own.
            server.terminate()
            server.wait(timeout=30)
    under = f"under {enrollment} and {accepted}"
    if wrong:
        sys.exit(f"{len(wrong)} of {len(samples)} samples are answered otherwise {under}: {', '.join(wrong)}")
    print(f"{len(samples)} samples of {function} are answered as written {under}")


def answers_as_written(function, port, sample):
    invoke = ["cargo", "lambda", "invoke", function, "-A", HOST, "-P", str(port), "--data-file", str(sample)]
    ran = subprocess.run(invoke, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    golden = json.loads((ROOT / "tests" / "golden" / sample.relative_to(EVENTS)).read_text())
    try:
        answer = json.loads(ran.stdout)
    except json.JSONDecodeError:
        answer = None
    if answer == golden:
        return True
    print(f"{sample.stem}: {ran.stdout}{ran.stderr}\nexpected: {json.dumps(golden)}", file=sys.stderr)
    return False


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def wait_for(port, server):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("cargo lambda watch did not start")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(sys.argv[1])

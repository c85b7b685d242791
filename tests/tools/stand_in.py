"""ministack in place of AWS, on a free port of 127.0.0.1: empty on startup, gone at the end."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "tests" / ".tools" / "ministack" / "bin" / "python"
HOST = "127.0.0.1"
REGION = "us-east-1"
KEY = "test"

# Its standard input ends with whoever started it, however that ended.
SERVE = """
import os, signal, threading

def end_with_the_starter():
    os.read(0, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)

threading.Thread(target=end_with_the_starter, daemon=True).start()

import json
from ministack.core import iam_actions
from ministack.services.cloudformation import provisioners

# Its AUTH knows no condition keys of KMS, which the roles rest on.
tags = iam_actions.request_tag_context

def with_encryption_context(service, action, body, parameters):
    keys = tags(service, action, body, parameters)
    if service == "kms":
        context = json.loads(body or b"{}").get("EncryptionContext") or {}
        keys["kms:EncryptionContextKeys"] = list(context)
        keys.update({f"kms:EncryptionContext:{name}": value for name, value in context.items()})
    return keys

iam_actions.request_tag_context = with_encryption_context

# It refuses a stack with an alarm that adds metrics up; here such an alarm is on one of them.
alarm = provisioners._cw_metric_alarm_record

def of_one_metric(name, properties):
    for metric in properties.get("Metrics") or []:
        if "MetricStat" in metric:
            return alarm(name, properties | metric["MetricStat"]["Metric"] | {"Metrics": None})
    return alarm(name, properties)

provisioners._cw_metric_alarm_record = of_one_metric

from ministack.app import main
main()
"""


class StandIn:
    def __init__(self, endpoint, log):
        self.endpoint, self.log = endpoint, log

    def client(self, service, key=KEY, secret=KEY, token=None):
        """For one attempt, and directly: whatever proxy the environment names."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def environment(self):
        """What sends AWS's tools and the functions here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextlib.contextmanager
def started(enforces_roles=False):
    """With `enforces_roles`, whoever calls is held to the policies of the caller's role."""
    if not PYTHON.exists():
        sys.exit(f"run tests/run tools first: there is no {PYTHON}")
    with tempfile.TemporaryDirectory(prefix="ministack-") as folder:
        port = free_port()
        stand_in = StandIn(f"http://{HOST}:{port}", Path(folder) / "log")
        own = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "TMPDIR": folder,
            "STATE_DIR": folder,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            # It would listen for these on other ports.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": str(enforces_roles).lower(),
        }
        with stand_in.log.open("w") as log:
            # The functions that it runs inherit all this; without the endpoint they would call AWS.
            process = subprocess.Popen(
                [PYTHON, "-c", SERVE],
                env=own | stand_in.environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until_healthy(stand_in, process)
            yield stand_in
        finally:
            process.stdin.close()
            process.wait()


def wait_until_healthy(stand_in, process):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            direct.open(f"{stand_in.endpoint}/_ministack/health", timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"ministack did not start:\n{stand_in.log.read_text()}")


def wait_for(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, port), timeout=1).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]

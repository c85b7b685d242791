"""docs/cognito-mfa.md, and its script: it asks nothing unasked, and works; here against ministack, whose answers are not Cognito's."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import ProxyHandler, build_opener

import boto3
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "ask-cognito.py"
PAGE = ROOT / "docs" / "cognito-mfa.md"
MINISTACK = ROOT / "tests" / ".tools" / "ministack" / "bin" / "python"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
ACCOUNT = "000000000000"


def run(*arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": os.devnull, "NO_PROXY": "127.0.0.1", "AWS_MAX_ATTEMPTS": "1", **KEYS}
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def overheard():
    """An AWS that knows who calls, and nothing else: its endpoint, and what was called."""
    calls = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            calls.append(self.rfile.read(int(self.headers["content-length"])).decode())
            account = f"<Account>{ACCOUNT}</Account>"
            body = f"<GetCallerIdentityResponse><GetCallerIdentityResult>{account}</GetCallerIdentityResult></GetCallerIdentityResponse>"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", calls
        server.shutdown()


def test_without_the_flag_it_refuses_and_calls_nothing(overheard):
    endpoint, calls = overheard
    for arguments in [[], ["--yes-in-this-account"]]:
        refused = run(*arguments, "--endpoint-url", endpoint)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "--yes-in-this-account" in refused.stderr
    assert run("--list", "--endpoint-url", endpoint).returncode == 0
    assert calls == []


def test_in_another_account_it_asks_who_calls_and_nothing_else(overheard):
    endpoint, calls = overheard
    refused = run("--yes-in-this-account", "123456789012", "--endpoint-url", endpoint)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"The credentials are of the account {ACCOUNT}. Nothing was made.\n"
    assert len(calls) == 1 and "Action=GetCallerIdentity" in calls[0]


def test_the_page_has_its_questions():
    listed = re.findall(r"^([\w-]+): (.*)$", run("--list").stdout, re.MULTILINE)
    assert len(listed) > 10
    _, open_questions = PAGE.read_text().split("## What cannot be known without AWS")
    assert re.findall(r"^\| `([\w-]+)` \| (.*?) \|", open_questions, re.MULTILINE) == listed


def test_the_read_me_leads_to_the_page_and_its_links_lead_somewhere():
    assert "(docs/cognito-mfa.md)" in (ROOT / "README.md").read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text()):
        assert (PAGE.parent / link).exists(), link


@pytest.fixture
def ministack(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    places = {"HOME": tmp_path, "TMPDIR": tmp_path, "STATE_DIR": tmp_path, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    aws = {**KEYS, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    off = {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "MINISTACK_HOST": "127.0.0.1"}
    process = subprocess.Popen(
        [MINISTACK, "-c", "from ministack.app import main\nmain()"],
        env={"PATH": os.environ["PATH"], **places, **aws, **off},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"{endpoint}/_ministack/health")
        yield endpoint
    finally:
        # With the functions that it runs.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url):
    for _ in range(600):
        try:
            return build_opener(ProxyHandler({})).open(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")


def test_it_asks_every_question_and_leaves_nothing_behind(ministack):
    asked = run("--yes-in-this-account", ACCOUNT, "--endpoint-url", ministack)
    assert "could not be asked" not in asked.stdout, asked.stdout + asked.stderr
    assert (asked.returncode, asked.stderr) == (0, "")
    questions, answers = run("--list").stdout.splitlines(), asked.stdout.splitlines()
    assert answers[: 2 * len(questions) : 2] == questions
    assert [line.split(":")[0] for line in answers[2 * len(questions) :]] == ["deleted"] * 3
    where = {"endpoint_url": ministack, "region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    assert boto3.client("cognito-idp", **where).list_user_pools(MaxResults=10)["UserPools"] == []
    assert boto3.client("lambda", **where).list_functions()["Functions"] == []
    roles = boto3.client("iam", **where).list_roles()["Roles"]
    assert [role for role in roles if role["RoleName"].startswith("ask-cognito-")] == []

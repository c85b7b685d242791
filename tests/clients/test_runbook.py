"""The commands that docs/runbook.md lists for trying, typed as they stand there, with people who sign in between them."""

import base64
import hashlib
import hmac
import json
import os
import re
import struct
import subprocess
import time

import pytest
from aws_cli import AWS, DIRECT, NO_SETTINGS
from local_pool import ROOT
from person import Authenticator, Person

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PASSWORD = "Plainly-fake-1"
# A short period, since the two passcodes after an import are dead.
FILE = "user,secret,period\nana@example.com,JBSWY3DPEHPK3PXP,15\nben@example.com,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ,15\n"


class Imported:
    """RFC 6238 with SHA-1, six digits and 15 s."""

    secret_code = "JBSWY3DPEHPK3PXP"

    def unused_passcode(self):
        counter = struct.pack(">Q", int(time.time()) // 15)
        digest = hmac.new(base64.b32decode(self.secret_code), counter, hashlib.sha1).digest()
        offset = digest[-1] & 0x0F
        return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture
def pool(serve):
    return serve()


@pytest.fixture
def terminal(pool, tmp_path):
    """Types a line into a shell as the runbook sets it up, and yes where a command asks."""
    # With the whole workspace, as the tests in Rust have built it.
    built = ["cargo", "build", "--quiet", "--locked", "--workspace", "--bin", "second-factor", "--message-format", "json"]
    built = subprocess.run(built, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    [binary] = {json.loads(line).get("executable") for line in built.splitlines()} - {None}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": pool.region}
    path = {"PATH": f"{AWS.parent}:{os.environ['PATH']}", "AWS_ENDPOINT_URL": pool.endpoint}
    environment = {**os.environ, **NO_SETTINGS, **DIRECT, **keys, **path}

    def types(line, ends_with=0):
        script = f'second-factor() {{ "{binary}" "$@"; }}; pool="--user-pool-id {pool.id}"; {line}'
        ran = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=environment, input="yes\n", capture_output=True, text=True
        )
        assert ran.returncode == ends_with, f"{line}: {ran.stdout}{ran.stderr}"
        return ran.stdout, ran.stderr

    return types


def test_a_support_desk_does_its_work_by_these_commands(pool, cognito, terminal, sign_in, refused, tmp_path):
    [prepare, commands] = re.findall(r"```sh\n(.*?)```", section("Try it without an account"), re.DOTALL)
    [users] = re.findall(r"^for name in .*$", prepare, re.MULTILINE)
    terminal(users)
    (tmp_path / "users.csv").write_text(FILE)
    listed = pool.operator.list_users(UserPoolId=pool.id)["Users"]
    subs = {user["Attributes"][0]["Value"]: user["Username"] for user in listed if user["Attributes"]}
    names = {attribute["Value"]: user["Username"] for user in listed for attribute in user["Attributes"] if attribute["Name"] == "email"}
    assert set(names) == {"ana@example.com", "ben@example.com"} and subs
    lines = iter(commands.replace("SUB", names["ben@example.com"]).splitlines())

    assert "It will be noted" in terminal(next(lines))[0]
    said, audit = terminal(next(lines))
    assert "2 authenticators were imported." in said
    assert [json.loads(line)["command"] for line in audit.splitlines()] == ["import", "import"]
    ana = Person("ana@example.com", PASSWORD, names["ana@example.com"])
    ana.authenticator = Imported()
    # It was perhaps just used elsewhere.
    time.sleep(31)
    sign_in(ana)
    assert ana.screens() == ["ask_passcode 3", "show_recovery_codes 3"]

    assert "Recovery codes: 10 left" in terminal(next(lines))[0]
    wrong = [{"answer": "000000"}] * 3
    for _ in range(2):
        with refused:
            sign_in(ana, *wrong)
    unlock = next(lines)
    assert "Unlocked." in terminal(unlock)[0]
    assert "no wrong passcode counts" in terminal(unlock, ends_with=1)[1]

    code = given(terminal(next(lines)))
    sign_in(ana, {"answer": code})
    assert ana.screens() == ["ask_passcode 3", "show_authenticator 3", "show_recovery_codes 3"]
    assert isinstance(ana.authenticator, Authenticator)
    assert "no code is outstanding" in terminal(next(lines), ends_with=1)[1]

    code = given(terminal(next(lines)))
    with refused:
        sign_in(ana)
    pool.operator.admin_set_user_password(UserPoolId=pool.id, Username=ana.name, Password=PASSWORD, Permanent=True)
    sign_in(ana, {"answer": code})
    assert ana.screens() == ["ask_passcode 3", "show_authenticator 3", "show_recovery_codes 3"]

    assert "2  users with an authenticator" in terminal(next(lines))[0]
    terminal(next(lines))
    assert "1  users are missing for the first time" in terminal(next(lines))[0]
    assert "Forgotten." in terminal(next(lines))[0]
    assert next(lines, None) is None


def section(title):
    return re.search(rf"^## {title}\n(.*?)^## ", RUNBOOK, re.DOTALL | re.MULTILINE)[1]


def given(printed):
    said, audit = printed
    [code] = re.findall(r"^Code: (\S+)$", said, re.MULTILINE)
    assert code not in audit and json.loads(audit.splitlines()[0])["sub"] in said
    return code

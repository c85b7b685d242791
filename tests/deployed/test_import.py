"""An authenticator of eight digits and one with SHA-256, imported by the operator, sign in through the deployed functions."""

import base64
import contextlib
import hmac
import json
import os
import struct
import subprocess
import time

import pytest
from conftest import ROOT
from test_deployed import factor

SECOND_FACTOR = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug" / "second-factor"
# The shortest that is kept: what was used elsewhere is dead for as little as can be.
PERIOD = 15


class Imported:
    """RFC 6238 with other parameters, by the RFC's own words."""

    def __init__(self, secret, algorithm, digits):
        self.secret, self.algorithm, self.digits = secret, algorithm, digits

    def uri(self):
        secret = base64.b32encode(self.secret).decode()
        parameters = f"algorithm={self.algorithm.upper()}&digits={self.digits}&period={PERIOD}"
        return f"otpauth://totp/Elsewhere:someone?secret={secret}&issuer=Elsewhere&{parameters}"

    def unused_passcode(self):
        digest = hmac.digest(self.secret, struct.pack(">Q", this_step()), self.algorithm)
        offset = digest[-1] & 0x0F
        number = (struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**self.digits
        return f"{number:0{self.digits}}"


def this_step():
    return int(time.time()) // PERIOD


@pytest.mark.parametrize("algorithm, digits", [("sha1", 8), ("sha256", 6), ("sha512", 8)])
def test_an_imported_authenticator_signs_in_and_leads_to_recovery_codes(stack, tmp_path, algorithm, digits):
    person = stack.pool.new_person()
    person.authenticator = Imported(b"plainly fake secret!", algorithm, digits)
    file = tmp_path / "file.csv"
    file.write_text(f"user,uri\n{person.user_name},{person.authenticator.uri()}\n")
    with both_digits(stack):
        imported = second_factor(stack, "import", file, "--yes")
    assert imported.returncode == 0 and "1 authenticators were imported." in imported.stdout, imported.stdout + imported.stderr
    step = this_step()
    # The passcodes of this step and the next were perhaps used elsewhere.
    while this_step() < step + 2:
        time.sleep(1)

    assert factor(stack, stack.sign_in(person)) == "totp"
    assert person.screens() == ["ask_passcode 3", "show_recovery_codes 3"]
    assert len(person.authenticator.unused_passcode()) == digits


def test_eight_digits_are_refused_where_the_pool_has_six(stack, tmp_path):
    person = stack.pool.new_person()
    file = tmp_path / "file.csv"
    file.write_text(f"user,uri\n{person.user_name},{Imported(b'plainly fake secret!', 'sha1', 8).uri()}\n")
    refused = second_factor(stack, "import", file, "--yes")
    assert refused.returncode == 1 and "line 2: it has 8 digits" in refused.stdout, refused.stdout + refused.stderr
    assert stack.item(person) is None


@contextlib.contextmanager
def both_digits(stack):
    """As deployed with PasscodeDigits "6 8"."""
    function = {"FunctionName": stack.functions["CreateAuthChallenge"]}
    before = stack.awslambda.get_function_configuration(**function)["Environment"]["Variables"]
    both = {"Variables": before | {"PASSCODE_DIGITS": "6 8"}}
    stack.awslambda.update_function_configuration(**function, Environment=both)
    yield
    stack.awslambda.update_function_configuration(**function, Environment={"Variables": before})


@pytest.fixture(autouse=True)
def functions_by_their_arns(stack):
    """The pool names them in its own account, and ministack has another, where the command looks for Create."""
    pool = stack.pool.operator.describe_user_pool(UserPoolId=stack.pool.id)["UserPool"]
    kept = ["AccountRecoverySetting", "AdminCreateUserConfig", "AutoVerifiedAttributes", "DeletionProtection", "Policies"]
    kept = {name: pool[name] for name in [*kept, "UserAttributeUpdateSettings"]}
    # Two names of one thing, which do not go together.
    del kept["AdminCreateUserConfig"]["UnusedAccountValidityDays"]
    arn = stack.awslambda.get_function_configuration(FunctionName=stack.functions["CreateAuthChallenge"])["FunctionArn"]
    config = json.dumps(pool["LambdaConfig"]).replace(":123456789012:", f":{arn.split(':')[4]}:")
    stack.pool.operator.update_user_pool(UserPoolId=stack.pool.id, LambdaConfig=json.loads(config), **kept)


def second_factor(stack, command, file, *options):
    where = {"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": stack.pool.endpoint, "HOME": str(file.parent)}
    return subprocess.run(
        [SECOND_FACTOR, command, file, "--user-pool-id", stack.pool.id, *options],
        env=stack.aws.environment() | where,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

"""What docs/runbook.md has an operator type for an account in other hands, with the AWS CLI, without an account of AWS."""

import os
import re
import subprocess

from aws_cli import AWS, DIRECT, NO_SETTINGS
from local_pool import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
TABLE = "second-factor-SecondFactors"


def section(title):
    return re.search(rf"^## {title}\n(.*?)^## ", RUNBOOK, re.DOTALL | re.MULTILINE)[1]


def test_an_account_is_taken_back_and_the_next_sign_in_enrolls(pool, owner, sign_in):
    def typed(command):
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": pool.region}
        path = {"PATH": f"{AWS.parent}:{os.environ['PATH']}", "AWS_ENDPOINT_URL": pool.endpoint}
        environment = {**os.environ, **NO_SETTINGS, **DIRECT, **keys, **path}
        for placeholder, value in {"POOL": pool.id, "NAME": owner.name, "NEW": "A-new-password-1", "SUB": sub}.items():
            command = re.sub(rf"\b{placeholder}\b", value, command)
        subprocess.run(command.replace("TABLE", TABLE), shell=True, env=environment, check=True, capture_output=True)

    user = pool.operator.admin_get_user(UserPoolId=pool.id, Username=owner.name)
    sub = next(attribute["Value"] for attribute in user["UserAttributes"] if attribute["Name"] == "sub")
    disable, set_password, sign_out, enable = re.findall(r"`(aws cognito-idp .*?)`", section("Take an account back"))
    [reset] = re.findall(r"```sh\n(.*?)```", section("Reset a record"), re.DOTALL)
    for command in [disable, set_password, sign_out, set_password, reset, sign_out, enable]:
        typed(command)

    owner.password, old = "A-new-password-1", owner.authenticator
    sign_in(owner)
    assert owner.screens() == ["show_authenticator 3", "show_recovery_codes 3"]
    assert owner.authenticator is not old

"""The AWS CLI in the place of a boto3 client."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

AWS = Path(sys.executable).with_name("aws")
NO_SETTINGS = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
DIRECT = {"AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "127.0.0.1"}


class AwsCli:
    """Each method is one run of the command: `initiate_auth(ClientId=…)` is `aws cognito-idp initiate-auth --client-id=…`.

    What the command refuses is raised as the exception that boto3 has for it.
    """

    def __init__(self, endpoint, region, exceptions):
        self.options = ["--endpoint-url", endpoint, "--region", region, "--no-sign-request", "--output", "json"]
        self.exceptions = exceptions

    def __getattr__(self, operation):
        # With an equals sign, since a session string may begin with a hyphen.
        options = lambda parameters: [f"--{in_kebab_case(name)}={in_text(value)}" for name, value in parameters.items()]
        return lambda **parameters: self.run(operation.replace("_", "-"), *options(parameters))

    def type(self, line):
        """What somebody types after `aws cognito-idp`."""
        return self.run(*shlex.split(line))

    def run(self, command, *parameters):
        aws = subprocess.run(
            [AWS, "cognito-idp", command, *self.options, *parameters],
            env={**os.environ, **NO_SETTINGS, **DIRECT},
            capture_output=True,
            text=True,
        )
        if refused := re.search(r"\((\w+)\) when calling the (\w+) operation: (.*)", aws.stderr):
            code, operation, message = refused.groups()
            raise self.exceptions.from_code(code)({"Error": {"Code": code, "Message": message}}, operation)
        assert aws.returncode == 0, aws.stderr
        return json.loads(aws.stdout or "{}")


def in_kebab_case(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def in_text(value):
    return value if isinstance(value, str) else json.dumps(value)

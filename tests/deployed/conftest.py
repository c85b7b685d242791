"""template.yaml as `sam build` and `sam deploy` bring it to AWS, with ministack there, and the local pool in front of it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / folder) for folder in ("clients", "tests/clients", "tests/tools")]

import boto3_sign_in  # noqa: E402
import stand_in  # noqa: E402
from local_pool import serving  # noqa: E402

SAM = ROOT / "tests" / ".tools" / "sam" / "bin"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
NAME = "second-factor"
# By the names of the triggers, which the local pool goes by: logical id, and package.
FUNCTIONS = {
    "DefineAuthChallenge": ("DefineAuthChallenge", "define-auth-challenge"),
    "CreateAuthChallenge": ("CreateAuthChallenge", "create-auth-challenge"),
    "VerifyAuthChallengeResponse": ("VerifyAuthChallenge", "verify-auth-challenge"),
    "PreTokenGeneration": ("PreTokenGeneration", "pre-token-generation"),
}


class Stack:
    """The deployed template, and a pool that calls its functions."""

    def __init__(self, aws, pool, errors, outputs, functions, packages):
        self.aws, self.pool, self.errors, self.functions, self.packages = aws, pool, errors, functions, packages
        self.table, self.key = outputs["TableName"], outputs["SealingKeyArn"]
        self.awslambda, self.dynamodb, self.kms = map(aws.client, ("lambda", "dynamodb", "kms"))

    def sign_in(self, person, *replies):
        person.begin(*replies)
        pool = self.pool
        return boto3_sign_in.sign_in(pool.cognito, pool.id, pool.client_id, person.name, person.password, person)

    def owner(self):
        """Someone who has set up an authenticator and keeps recovery codes."""
        person = self.pool.new_person()
        self.sign_in(person)
        return person

    def record_key(self, person):
        user = self.pool.operator.admin_get_user(UserPoolId=self.pool.id, Username=person.name)
        [sub] = [attribute["Value"] for attribute in user["UserAttributes"] if attribute["Name"] == "sub"]
        return {"user": {"S": f"{self.pool.id}#{sub}"}}

    def item(self, person):
        found = self.dynamodb.get_item(TableName=self.table, Key=self.record_key(person), ConsistentRead=True)
        return found.get("Item")

    def log(self, trigger):
        """The lines that a function has written so far."""
        _, package = FUNCTIONS[trigger]
        group = f"/aws/lambda/{NAME}/{package}"
        pages = self.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]


def sam(aws, *arguments):
    # Not the user's own settings.
    alone = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "NO_PROXY": stand_in.HOST}
    ran = subprocess.run(
        [SAM / "sam", *arguments],
        cwd=ROOT,
        env=os.environ | aws.environment() | alone,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{aws.log.read_text()[-4000:]}"


def deploy(aws, folder, **parameters):
    """The packaged template, the stack's outputs, and its resources' names by their logical ids."""
    packaged = Path(folder) / "packaged.json"
    sam(
        aws, "package", "--template-file", BUILT, "--s3-bucket", "built",
        "--use-json", "--output-template-file", packaged,
    )  # fmt: skip
    sam(
        aws, "deploy", "--template-file", packaged, "--stack-name", NAME, "--s3-bucket", "built",
        "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
        "--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items()),
    )  # fmt: skip
    formation = aws.client("cloudformation")
    [stack] = formation.describe_stacks(StackName=NAME)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    resources = formation.describe_stack_resources(StackName=NAME)["StackResources"]
    return packaged, outputs, {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}


@contextlib.contextmanager
def deployed(enforces_roles):
    assert BUILT.exists(), "run tests/run sam first: it builds what is deployed here"
    with stand_in.started(enforces_roles) as aws, tempfile.TemporaryDirectory() as folder:
        aws.client("s3").create_bucket(Bucket="built")
        packaged, outputs, names = deploy(aws, folder, Architecture="x86_64", TotpIssuer="Example")
        functions = {trigger: names[logical_id] for trigger, (logical_id, _) in FUNCTIONS.items()}
        template = json.loads(packaged.read_text())["Resources"]
        packages = {t: template[logical_id]["Properties"]["CodeUri"] for t, (logical_id, _) in FUNCTIONS.items()}
        named = [f"--function={trigger}={name}" for trigger, name in functions.items()]
        errors = Path(folder) / "errors"
        with errors.open("w") as stderr, serving("--lambda-endpoint", aws.endpoint, *named, stderr=stderr) as pool:
            yield Stack(aws, pool, errors, outputs, functions, packages)


@pytest.fixture(scope="session")
def stack():
    with deployed(enforces_roles=False) as stack:
        yield stack


@pytest.fixture(scope="session")
def guarded():
    """The same, where each function may do what its role allows."""
    with deployed(enforces_roles=True) as stack:
        yield stack

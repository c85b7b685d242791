"""A local user pool in another process, and what its operator does."""

import contextlib
import json
import select
import subprocess
import uuid
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from person import Person

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PASSWORD = "Correct-horse-9"


class Pool:
    def __init__(self, endpoint, region, userPoolId, clientId):
        self.endpoint, self.region, self.id, self.client_id = endpoint, region, userPoolId, clientId
        direct = Config(retries={"total_max_attempts": 1}, proxies={})
        where = {"service_name": "cognito-idp", "endpoint_url": endpoint, "region_name": region}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.operator = boto3.client(**where, **keys, config=direct)
        self.cognito = boto3.client(**where, config=direct.merge(Config(signature_version=UNSIGNED)))

    def new_person(self, temporary_password=False):
        """A user with a password of the user's own, or with the operator's, and nothing else."""
        name = f"user-{uuid.uuid4()}@example.com"
        user = self.operator.admin_create_user(UserPoolId=self.id, Username=name, MessageAction="SUPPRESS")["User"]
        self.operator.admin_set_user_password(
            UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=not temporary_password
        )
        return Person(name, PASSWORD, user["Username"])

    def messages(self):
        """What was sent to users, oldest first."""
        with build_opener(ProxyHandler({})).open(f"{self.endpoint}/messages") as answer:
            return json.load(answer)

    def verified(self, token, token_use="id"):
        """The claims of a token. aws-jwt-verify is a package for JavaScript."""
        pool = {"endpoint": self.endpoint, "userPoolId": self.id, "clientId": self.client_id}
        verify = subprocess.run(
            ["node", HERE / "verify_token.mjs"],
            input=json.dumps({"pool": pool, "token": token, "tokenUse": token_use}),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(verify.stdout)


@contextlib.contextmanager
def serving(*options, stderr=None):
    serve = ["cargo", "run", "--quiet", "--locked", "--", "serve", "--port", "0", "--json", *options]
    process = subprocess.Popen(
        serve, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
    )
    try:
        assert select.select([process.stdout], [], [], 600)[0], "nothing was printed in ten minutes"
        yield Pool(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0

"""A local user pool in a process of its own, and what its operator does."""

import json
import select
import subprocess
import sys
import uuid
from pathlib import Path

import boto3
import jwt
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from person import Person

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "clients"))

PASSWORD = "Correct-horse-9"


class Pool:
    def __init__(self, endpoint, region, userPoolId, clientId):
        self.id, self.client_id = userPoolId, clientId
        self.issuer = f"{endpoint}/{userPoolId}"
        direct = Config(retries={"total_max_attempts": 1}, proxies={})
        where = {"service_name": "cognito-idp", "endpoint_url": endpoint, "region_name": region}
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.operator = boto3.client(**where, **keys, config=direct)
        self.cognito = boto3.client(**where, config=direct.merge(Config(signature_version=UNSIGNED)))

    def new_person(self, temporary_password=False):
        """A user with a password of the user's own, or with the operator's, and nothing else."""
        name = f"user-{uuid.uuid4()}"
        email = {"Name": "email", "Value": f"{name}@example.com"}
        self.operator.admin_create_user(
            UserPoolId=self.id, Username=name, UserAttributes=[email], MessageAction="SUPPRESS"
        )
        self.operator.admin_set_user_password(
            UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=not temporary_password
        )
        return Person(name, PASSWORD)

    def verified(self, id_token):
        """The claims of an ID token."""
        key = jwt.PyJWKClient(f"{self.issuer}/.well-known/jwks.json").get_signing_key_from_jwt(id_token)
        return jwt.decode(
            id_token,
            key,
            algorithms=["RS256"],
            audience=self.client_id,
            issuer=self.issuer,
            options={"require": ["exp", "iat", "sub", "auth_time"]},
        )


@pytest.fixture(scope="session")
def pool():
    serve = ["cargo", "run", "--quiet", "--locked", "--", "serve", "--port", "0", "--json"]
    process = subprocess.Popen(serve, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert select.select([process.stdout], [], [], 600)[0], "nothing was printed in ten minutes"
        yield Pool(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0

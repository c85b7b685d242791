"""A local user pool, and people who sign in to it."""

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from local_pool import serving

sys.path.insert(0, str(Path(__file__).parents[2] / "clients"))

import boto3_sign_in  # noqa: E402


@pytest.fixture(scope="session")
def serve():
    """Starts another pool, with options of `serve`."""
    with ExitStack() as pools:
        yield lambda *options: pools.enter_context(serving(*options))


@pytest.fixture(scope="session")
def pool(serve):
    return serve()


@pytest.fixture
def cognito(pool):
    """The client that signs in."""
    return pool.cognito


@pytest.fixture
def sign_in(pool, cognito):
    """Gives Cognito's AuthenticationResult, of which the tokens were verified."""
    def signs_in(person, *replies):
        person.begin(*replies)
        tokens = boto3_sign_in.sign_in(cognito, pool.id, pool.client_id, person.name, person.password, person)
        id_claims, access_claims = pool.verified(tokens["IdToken"]), pool.verified(tokens["AccessToken"], "access")
        assert id_claims["cognito:username"] == access_claims["username"] == person.user_name
        assert id_claims["origin_jti"] == access_claims["origin_jti"]
        return tokens

    return signs_in


@pytest.fixture
def owner(pool, sign_in):
    """Someone who has set up an authenticator and keeps recovery codes."""
    person = pool.new_person()
    sign_in(person)
    return person


@pytest.fixture
def refused(pool):
    return pytest.raises(pool.cognito.exceptions.NotAuthorizedException, match="Incorrect username or password.")

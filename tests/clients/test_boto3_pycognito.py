"""Clients that others wrote sign in against `cargo run -- serve`: boto3, pycognito's SRP, PyJWT."""

import base64
import hashlib
import hmac
import json
import select
import struct
import subprocess
import time
import uuid
from pathlib import Path

import boto3
import jwt
import pytest
from botocore.config import Config
from pycognito.aws_srp import AWSSRP

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery staple 9"
STEP_SECONDS = 30


class Pool:
    def __init__(self, endpoint, region, userPoolId, clientId):
        self.id, self.client_id = userPoolId, clientId
        self.issuer = f"{endpoint}/{userPoolId}"
        self.cognito = boto3.client(
            "cognito-idp",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def new_user(self):
        name = f"user-{uuid.uuid4()}"
        self.cognito.admin_create_user(
            UserPoolId=self.id,
            Username=name,
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
            MessageAction="SUPPRESS",
        )
        self.cognito.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)
        return name

    def verified(self, id_token):
        key = jwt.PyJWKClient(f"{self.issuer}/.well-known/jwks.json").get_signing_key_from_jwt(id_token)
        return jwt.decode(
            id_token,
            key,
            algorithms=["RS256"],
            audience=self.client_id,
            issuer=self.issuer,
            options={"require": ["exp", "iat", "sub", "auth_time"]},
        )


class SignIn:
    """One sign-in, past the password. `now` is what Cognito answered last."""

    def __init__(self, pool, user, password=PASSWORD):
        self.pool = pool
        srp = AWSSRP(user, password, pool.id, pool.client_id, client=pool.cognito)
        parameters = srp.get_auth_params()
        self.now = pool.cognito.initiate_auth(
            ClientId=pool.client_id,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={"CHALLENGE_NAME": "SRP_A", **parameters},
        )
        assert self.now["ChallengeName"] == "PASSWORD_VERIFIER"
        self.user_name = self.now["ChallengeParameters"]["USER_ID_FOR_SRP"]
        self.respond("PASSWORD_VERIFIER", srp.process_challenge(self.now["ChallengeParameters"], parameters))

    def respond(self, challenge, responses):
        self.now = self.pool.cognito.respond_to_auth_challenge(
            ClientId=self.pool.client_id,
            ChallengeName=challenge,
            Session=self.now["Session"],
            ChallengeResponses=responses,
        )

    def answer(self, answer):
        self.respond("CUSTOM_CHALLENGE", {"USERNAME": self.user_name, "ANSWER": answer})

    def challenge(self, kind):
        assert self.now["ChallengeName"] == "CUSTOM_CHALLENGE"
        assert self.now["ChallengeParameters"]["challenge"] == kind
        return self.now["ChallengeParameters"]

    def tokens(self):
        return self.now["AuthenticationResult"]


class Authenticator:
    """RFC 6238 with SHA-1, six digits and 30 s, by the RFC's own words and not by our code."""

    def __init__(self, secret_code):
        self.secret = base64.b32decode(secret_code + "=" * (-len(secret_code) % 8))
        self.last_step = 0

    def passcode(self, step):
        digest = hmac.new(self.secret, struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 0x0F
        return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"

    def unused_passcode(self):
        """Of the next step where this one's was used: it is in the window."""
        while self.last_step > this_step():
            time.sleep(1)
        self.last_step = max(self.last_step + 1, this_step())
        return self.passcode(self.last_step)

    def wrong_passcode(self):
        right = {self.passcode(step) for step in range(this_step() - 2, this_step() + 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in right)


def this_step():
    return int(time.time()) // STEP_SECONDS


class Owner:
    """A user who has set up an authenticator and keeps recovery codes."""

    def __init__(self, pool):
        self.name = pool.new_user()
        sign_in = SignIn(pool, self.name)
        self.authenticator = Authenticator(sign_in.challenge("TOTP_SETUP")["secretCode"])
        self.first_passcode = self.authenticator.unused_passcode()
        sign_in.answer(self.first_passcode)
        self.recovery_codes = sign_in.challenge("RECOVERY_CODES")["recoveryCodes"].split()
        sign_in.answer(self.recovery_codes[-1])
        self.tokens = sign_in.tokens()


@pytest.fixture(scope="module")
def pool():
    serve = ["cargo", "run", "--quiet", "--locked", "--", "serve", "--port", "0", "--json"]
    process = subprocess.Popen(serve, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert select.select([process.stdout], [], [], 600)[0], "nothing was printed in ten minutes"
        yield Pool(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.fixture
def owner(pool):
    return Owner(pool)


@pytest.fixture
def refused(pool):
    return pytest.raises(pool.cognito.exceptions.NotAuthorizedException, match="Incorrect username or password.")


def test_a_user_without_an_authenticator_sets_one_up_and_is_let_in(pool, owner):
    assert pool.verified(owner.tokens["IdToken"])["cognito:username"] == owner.name
    assert len(set(owner.recovery_codes)) == 10


def test_password_and_passcode_give_tokens_that_a_standard_library_verifies(pool, owner):
    sign_in = SignIn(pool, owner.name)
    assert sign_in.challenge("TOTP")["accepts"] == "PASSCODE RECOVERY_CODE"
    sign_in.answer(owner.authenticator.unused_passcode())
    claims = pool.verified(sign_in.tokens()["IdToken"])
    assert (claims["token_use"], claims["email"]) == ("id", f"{owner.name}@example.com")
    me = pool.cognito.get_user(AccessToken=sign_in.tokens()["AccessToken"])
    assert {"Name": "sub", "Value": claims["sub"]} in me["UserAttributes"]


def test_a_wrong_password_is_refused(pool, owner, refused):
    with refused:
        SignIn(pool, owner.name, "another password 1")


def test_an_unknown_user_is_refused_with_the_same_words(pool, refused):
    with refused:
        SignIn(pool, "nobody")


def test_a_wrong_passcode_is_asked_for_again_and_the_third_ends_the_sign_in(pool, owner, refused):
    sign_in = SignIn(pool, owner.name)
    for left in ("3", "2", "1"):
        assert sign_in.challenge("TOTP")["attemptsLeft"] == left
        if left != "1":
            sign_in.answer(owner.authenticator.wrong_passcode())
    with refused:
        sign_in.answer(owner.authenticator.wrong_passcode())


def test_after_a_wrong_passcode_the_right_one_still_lets_in(pool, owner):
    sign_in = SignIn(pool, owner.name)
    sign_in.answer(owner.authenticator.wrong_passcode())
    sign_in.answer(owner.authenticator.unused_passcode())
    assert pool.verified(sign_in.tokens()["IdToken"])


def test_a_used_passcode_is_refused(pool, owner):
    used = owner.authenticator.unused_passcode()
    SignIn(pool, owner.name).answer(used)
    sign_in = SignIn(pool, owner.name)
    sign_in.answer(used)
    assert sign_in.challenge("TOTP")["attemptsLeft"] == "2"


def test_the_passcode_that_set_the_authenticator_up_is_used_too(pool, owner):
    sign_in = SignIn(pool, owner.name)
    sign_in.answer(owner.first_passcode)
    assert sign_in.challenge("TOTP")["attemptsLeft"] == "2"


def test_a_recovery_code_lets_in_once(pool, owner):
    code = owner.recovery_codes[0]
    sign_in = SignIn(pool, owner.name)
    sign_in.answer(code.lower())
    assert pool.verified(sign_in.tokens()["IdToken"])
    again = SignIn(pool, owner.name)
    again.answer(code)
    assert again.challenge("TOTP")["attemptsLeft"] == "2"


def test_a_refresh_token_gives_new_tokens_of_the_same_user(pool, owner):
    refreshed = pool.cognito.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": owner.tokens["RefreshToken"]},
    )["AuthenticationResult"]
    assert "RefreshToken" not in refreshed
    first, second = (pool.verified(tokens["IdToken"]) for tokens in (owner.tokens, refreshed))
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])
    assert second["jti"] != first["jti"]


def test_a_session_string_works_once(pool, owner):
    sign_in = SignIn(pool, owner.name)
    before = sign_in.now
    sign_in.answer(owner.authenticator.wrong_passcode())
    sign_in.now = before
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException):
        sign_in.answer(owner.authenticator.unused_passcode())


def test_a_client_that_leaves_the_password_out_gets_nowhere(pool, owner, refused):
    with refused:
        pool.cognito.initiate_auth(
            ClientId=pool.client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": owner.name}
        )


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"])
def test_no_other_flow_leads_past_the_second_factor(pool, owner, flow):
    parameters = {"USERNAME": owner.name, "PASSWORD": PASSWORD, "SRP_A": "2"}
    with pytest.raises(pool.cognito.exceptions.InvalidParameterException):
        pool.cognito.initiate_auth(ClientId=pool.client_id, AuthFlow=flow, AuthParameters=parameters)

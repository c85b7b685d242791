"""Each client for Python, and the AWS CLI, signs in by clients/boto3_sign_in.py against `cargo run -- serve`."""

from urllib.parse import parse_qs, urlsplit

import boto3_sign_in
import pytest
from aws_cli import AwsCli


@pytest.fixture(params=["boto3", "aws"])
def cognito(request, pool):
    match request.param:
        case "boto3":
            return pool.cognito
        case "aws":
            return AwsCli(pool.endpoint, pool.region, pool.cognito.exceptions)


def test_the_first_sign_in_sets_up_an_authenticator_and_recovery_codes(pool, sign_in):
    person = pool.new_person()
    sign_in(person)
    assert person.screens() == ["show_authenticator 3", "show_recovery_codes 3"]
    [(_, authenticator), (_, recovery)] = person.asked
    assert parse_qs(urlsplit(authenticator["otpauth_uri"]).query)["secret"] == [authenticator["secret_code"]]
    assert len(set(recovery["recovery_codes"])) == 10


def test_the_next_sign_in_asks_a_passcode_by_the_name_that_the_user_gave_to_the_authenticator(pool, sign_in):
    person = pool.new_person()
    # With a mistyped passcode first: the name goes with the next answer too.
    sign_in(person, {"answer": "mistyped", "friendlyDeviceName": "My phone"})
    sign_in(person)
    expected = {
        "accepts": ["PASSCODE", "RECOVERY_CODE"],
        "attempts_left": 3,
        "retry_after_seconds": 0,
        "passcode_digits": [6],
        "friendly_device_name": "My phone",
    }
    assert person.asked == [("ask_passcode", expected)]


def test_a_wrong_password_is_refused(owner, sign_in, refused):
    owner.password = "Another password 1"
    with refused:
        sign_in(owner)
    assert owner.asked == []


def test_after_two_wrong_passcodes_the_right_one_still_lets_in(owner, sign_in):
    wrong = {"answer": owner.authenticator.wrong_passcode()}
    sign_in(owner, wrong, wrong)
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2", "ask_passcode 1"]


def test_the_third_wrong_passcode_ends_the_sign_in_and_the_next_begins_with_the_password(owner, sign_in, refused):
    wrong = {"answer": owner.authenticator.wrong_passcode()}
    with refused:
        sign_in(owner, wrong, wrong, wrong)
    sign_in(owner)
    assert owner.screens() == ["ask_passcode 3"]


def test_a_used_passcode_lets_nobody_in(owner, sign_in):
    used = {"answer": owner.authenticator.unused_passcode()}
    sign_in(owner, used)
    sign_in(owner, used, {"answer": owner.recovery_codes[0]})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2"]


def test_a_lost_phone_is_replaced_with_a_recovery_code_and_the_old_authenticator_is_dead(owner, sign_in):
    lost, code = owner.authenticator, owner.recovery_codes[0]
    # Mistyped first: what the user wants goes with the next answer too.
    sign_in(owner, {"answer": "mistyped", "afterSecondFactor": "REPLACE_AUTHENTICATOR"}, {"answer": code})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2", "show_authenticator 3", "show_recovery_codes 3"]
    assert owner.authenticator is not lost
    sign_in(owner, {"answer": lost.unused_passcode()})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2"]


def test_a_refresh_gives_new_tokens_of_the_same_sign_in_and_the_sign_out_ends_them(pool, cognito, sign_in):
    person = pool.new_person()
    first = sign_in(person)
    second = boto3_sign_in.refresh(cognito, pool.client_id, first["RefreshToken"])
    old, new = (pool.verified(tokens["IdToken"]) for tokens in (first, second))
    assert (new["sub"], new["origin_jti"], new["auth_time"]) == (old["sub"], old["origin_jti"], old["auth_time"])
    assert new["jti"] != old["jti"]
    me = cognito.get_user(AccessToken=second["AccessToken"])
    assert {"Name": "email", "Value": person.name} in me["UserAttributes"]

    boto3_sign_in.sign_out(cognito, pool.client_id, first["RefreshToken"])
    not_authorized = pool.cognito.exceptions.NotAuthorizedException
    with pytest.raises(not_authorized, match="Access Token has been revoked"):
        cognito.get_user(AccessToken=second["AccessToken"])
    with pytest.raises(not_authorized, match="Refresh Token has been revoked"):
        boto3_sign_in.refresh(cognito, pool.client_id, first["RefreshToken"])

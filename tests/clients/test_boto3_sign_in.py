"""clients/boto3_sign_in.py signs in against `cargo run -- serve`; calls that it does not make lead nowhere."""

from urllib.parse import parse_qs, urlsplit

import boto3_sign_in
import pytest
from pycognito.aws_srp import AWSSRP

MISTYPED = {"answer": "mistyped"}


@pytest.fixture
def sign_in(pool):
    """Gives Cognito's AuthenticationResult, of which the ID token was verified."""

    def signs_in(person, *replies):
        person.begin(*replies)
        tokens = boto3_sign_in.sign_in(pool.cognito, pool.id, pool.client_id, person.name, person.password, person)
        assert pool.verified(tokens["IdToken"])["cognito:username"] == person.name
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
        "friendly_device_name": "My phone",
    }
    assert person.asked == [("ask_passcode", expected)]


def test_the_same_secret_is_shown_again_after_a_mistyped_passcode(pool, sign_in):
    person = pool.new_person()
    sign_in(person, MISTYPED)
    assert person.screens() == ["show_authenticator 3", "show_authenticator 2", "show_recovery_codes 3"]
    [(_, first), (_, second), _] = person.asked
    assert second | {"attempts_left": 3} == first


def test_a_wrong_password_is_refused(owner, sign_in, refused):
    owner.password = "Another password 1"
    with refused:
        sign_in(owner)
    assert owner.asked == []


def test_an_unknown_user_is_refused_with_the_same_words(owner, sign_in, refused):
    owner.name = "nobody"
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


def test_the_passcode_that_set_the_authenticator_up_is_used_too(owner, sign_in):
    sign_in(owner, {"answer": owner.authenticator.passcode(owner.authenticator.last_step)})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2"]


def test_a_recovery_code_lets_in_once_and_its_case_does_not_matter(owner, sign_in):
    code = owner.recovery_codes[0]
    sign_in(owner, {"answer": code.lower()})
    assert owner.screens() == ["ask_passcode 3"]
    sign_in(owner, {"answer": code})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2"]


def test_a_lost_phone_is_replaced_with_a_recovery_code_and_the_old_authenticator_is_dead(owner, sign_in):
    lost, code = owner.authenticator, owner.recovery_codes[0]
    # Mistyped first: what the user wants goes with the next answer too.
    sign_in(owner, {"answer": "mistyped", "afterSecondFactor": "REPLACE_AUTHENTICATOR"}, {"answer": code})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2", "show_authenticator 3", "show_recovery_codes 3"]
    assert owner.authenticator is not lost
    sign_in(owner, {"answer": lost.unused_passcode()})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2"]


def test_new_recovery_codes_are_shown_again_after_a_mistyped_one_and_the_old_ones_are_dead(owner, sign_in):
    old, passcode = owner.recovery_codes[0], owner.authenticator.unused_passcode()
    sign_in(owner, {"answer": passcode, "afterSecondFactor": "NEW_RECOVERY_CODES"}, MISTYPED)
    assert owner.screens() == ["ask_passcode 3", "show_recovery_codes 3", "show_recovery_codes 2"]
    [_, (_, first), (_, second)] = owner.asked
    assert second["recovery_codes"] == first["recovery_codes"]
    sign_in(owner, {"answer": old}, {"answer": owner.recovery_codes[0]})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2"]


def test_a_change_is_given_up_and_the_authenticator_stays(owner, sign_in):
    kept, code = owner.authenticator, owner.recovery_codes[0]
    sign_in(
        owner,
        {"answer": code, "afterSecondFactor": "REPLACE_AUTHENTICATOR"},
        {"answer": "NOTHING", "afterSecondFactor": "NOTHING"},
    )
    assert owner.screens() == ["ask_passcode 3", "show_authenticator 3"]
    sign_in(owner, {"answer": kept.unused_passcode()})
    assert owner.screens() == ["ask_passcode 3"]


def test_after_five_wrong_passcodes_the_app_learns_how_long_they_wait_and_a_recovery_code_does_not(
    owner, sign_in, refused
):
    wrong = {"answer": owner.authenticator.wrong_passcode()}
    with refused:
        sign_in(owner, wrong, wrong, wrong)
    sign_in(owner, wrong, wrong, {"answer": owner.recovery_codes[0]})
    assert [parameters["retry_after_seconds"] > 0 for _, parameters in owner.asked] == [False, False, True]


def test_a_temporary_password_is_changed_before_the_second_factor_is_asked(pool, sign_in):
    person = pool.new_person(temporary_password=True)
    sign_in(person)
    assert [screen for screen, _ in person.asked] == ["ask_new_password", "show_authenticator", "show_recovery_codes"]
    sign_in(person)
    assert person.screens() == ["ask_passcode 3"]


def test_a_refresh_gives_new_tokens_of_the_same_sign_in_and_the_sign_out_ends_them(pool, sign_in):
    person = pool.new_person()
    first = sign_in(person)
    second = boto3_sign_in.refresh(pool.cognito, pool.client_id, first["RefreshToken"])
    old, new = (pool.verified(tokens["IdToken"]) for tokens in (first, second))
    assert (new["sub"], new["origin_jti"], new["auth_time"]) == (old["sub"], old["origin_jti"], old["auth_time"])
    assert new["jti"] != old["jti"]
    me = pool.cognito.get_user(AccessToken=second["AccessToken"])
    assert {"Name": "email", "Value": f"{person.name}@example.com"} in me["UserAttributes"]

    boto3_sign_in.sign_out(pool.cognito, pool.client_id, first["RefreshToken"])
    not_authorized = pool.cognito.exceptions.NotAuthorizedException
    with pytest.raises(not_authorized, match="Access Token has been revoked"):
        pool.cognito.get_user(AccessToken=second["AccessToken"])
    with pytest.raises(not_authorized, match="Refresh Token has been revoked"):
        boto3_sign_in.refresh(pool.cognito, pool.client_id, first["RefreshToken"])


def test_the_older_way_to_refresh_gives_no_new_refresh_token_either(pool, owner, sign_in):
    refreshed = pool.cognito.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": sign_in(owner)["RefreshToken"]},
    )["AuthenticationResult"]
    assert "RefreshToken" not in refreshed
    assert pool.verified(refreshed["IdToken"])["cognito:username"] == owner.name


def test_a_session_string_works_once(pool, owner):
    srp = AWSSRP(owner.name, owner.password, pool.id, pool.client_id, client=pool.cognito)
    srp_a = srp.get_auth_params()
    asked = pool.cognito.initiate_auth(
        ClientId=pool.client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"CHALLENGE_NAME": "SRP_A", **srp_a}
    )

    def respond(responses):
        return pool.cognito.respond_to_auth_challenge(
            ClientId=pool.client_id,
            ChallengeName=asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses=responses,
        )

    asked = respond(srp.process_challenge(asked["ChallengeParameters"], srp_a))
    assert respond({"USERNAME": owner.name, "ANSWER": "mistyped"})["ChallengeName"] == "CUSTOM_CHALLENGE"
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException, match="session can only be used once"):
        respond({"USERNAME": owner.name, "ANSWER": owner.authenticator.unused_passcode()})


def test_a_client_that_leaves_the_password_out_gets_nowhere(pool, owner, refused):
    with refused:
        pool.cognito.initiate_auth(
            ClientId=pool.client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": owner.name}
        )


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH"])
def test_no_other_flow_leads_past_the_second_factor(pool, owner, flow):
    parameters = {"USERNAME": owner.name, "PASSWORD": owner.password, "SRP_A": "2"}
    with pytest.raises(pool.cognito.exceptions.InvalidParameterException):
        pool.cognito.initiate_auth(ClientId=pool.client_id, AuthFlow=flow, AuthParameters=parameters)

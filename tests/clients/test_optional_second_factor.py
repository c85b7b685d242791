"""clients/boto3_sign_in.py where users may do without a second factor, and at an app client that requires one."""

import boto3_sign_in
import pytest
from local_pool import Pool

FIRST_CLIENT = "localpoolclient00000000000"
SET_UP, SKIP = {"answer": "SET_UP"}, {"answer": "SKIP"}


@pytest.fixture(scope="module")
def required(serve):
    """At whose app client a second factor is required."""
    return serve("--second-factor-policy", "OPTIONAL", "--required-client", FIRST_CLIENT)


@pytest.fixture(scope="module")
def pool(required):
    """The same pool, at another app client."""
    client = required.operator.create_user_pool_client(
        UserPoolId=required.id,
        ClientName="where users may do without",
        ExplicitAuthFlows=["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]
    return Pool(required.endpoint, required.region, required.id, client["ClientId"])


@pytest.fixture
def owner(pool, sign_in):
    person = pool.new_person()
    tokens = sign_in(person, SET_UP)
    assert person.screens() == ["offer_second_factor", "show_authenticator 3", "show_recovery_codes 3"]
    assert proven(pool, tokens) == ("totp", "true")
    return person


def proven(pool, tokens):
    claims = pool.verified(tokens["IdToken"])
    return claims.get("second_factor"), claims["second_factor_enrolled"]


def turning_off(person):
    return {"answer": person.authenticator.unused_passcode(), "afterSecondFactor": "REMOVE_AUTHENTICATOR"}


def test_an_offer_is_skipped_and_comes_again_in_the_next_sign_in(pool, sign_in):
    person = pool.new_person()
    for _ in range(2):
        assert proven(pool, sign_in(person, SKIP)) == (None, "false")
        assert person.screens() == ["offer_second_factor"]


def test_set_up_from_the_offer_it_is_asked_for_from_then_on(owner, sign_in):
    sign_in(owner)
    assert owner.screens() == ["ask_passcode 3"]


def test_it_is_turned_off_with_a_second_proof_and_offered_again(pool, owner, sign_in):
    assert proven(pool, sign_in(owner, turning_off(owner))) == (None, "false")
    assert owner.screens() == ["ask_passcode 3", "confirm_turning_off 3"]
    sign_in(owner, SKIP)
    assert owner.screens() == ["offer_second_factor"]


def test_it_is_not_turned_off_without_the_second_proof(owner, sign_in):
    sign_in(owner, turning_off(owner), {"answer": "NOTHING", "afterSecondFactor": "NOTHING"})
    assert owner.screens() == ["ask_passcode 3", "confirm_turning_off 3"]
    sign_in(owner, {"answer": owner.recovery_codes[0]})
    assert owner.screens() == ["ask_passcode 3"]


def test_a_client_that_requires_it_sets_it_up_and_does_not_turn_it_off(required, pool, sign_in):
    def at_required(person, *replies):
        person.begin(*replies)
        return boto3_sign_in.sign_in(
            pool.cognito, pool.id, required.client_id, person.name, person.password, person
        )

    person = pool.new_person()
    sign_in(person, SKIP)
    assert proven(required, at_required(person)) == ("totp", "true")
    assert person.screens() == ["show_authenticator 3", "show_recovery_codes 3"]
    needed = pytest.raises(pool.cognito.exceptions.UserLambdaValidationException, match="Your account needs a second factor")
    with needed:
        at_required(person, turning_off(person))
    sign_in(person, {"answer": person.recovery_codes[0]})
    assert person.screens() == ["ask_passcode 3"]

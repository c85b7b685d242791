"""clients/boto3_sign_in.py beyond what every client does; calls that it does not make lead nowhere."""

import uuid

import pytest
from pycognito.aws_srp import AWSSRP

import boto3_sign_in
from person import Person

MISTYPED = {"answer": "mistyped"}


def test_the_same_secret_is_shown_again_after_a_mistyped_passcode(pool, sign_in):
    person = pool.new_person()
    sign_in(person, MISTYPED)
    assert person.screens() == ["show_authenticator 3", "show_authenticator 2", "show_recovery_codes 3"]
    [(_, first), (_, second), _] = person.asked
    assert second | {"attempts_left": 3} == first


def test_an_unknown_user_is_refused_with_the_same_words(owner, sign_in, refused):
    owner.name = "nobody@example.com"
    with refused:
        sign_in(owner)
    assert owner.asked == []


def test_the_passcode_that_set_the_authenticator_up_is_used_too(owner, sign_in):
    sign_in(owner, {"answer": owner.authenticator.passcode(owner.authenticator.last_step)})
    assert owner.screens() == ["ask_passcode 3", "ask_passcode 2"]


def test_a_recovery_code_lets_in_once_and_its_case_does_not_matter(owner, sign_in):
    code = owner.recovery_codes[0]
    sign_in(owner, {"answer": code.lower()})
    assert owner.screens() == ["ask_passcode 3"]
    sign_in(owner, {"answer": code})
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


def test_the_user_is_told_of_wrong_passcodes_since_the_sign_in_before(owner, sign_in, refused):
    wrong = {"answer": owner.authenticator.wrong_passcode()}
    with refused:
        sign_in(owner, wrong, wrong, wrong)
    sign_in(owner, wrong, {"answer": owner.recovery_codes[0]})
    assert owner.wrong_passcodes == 4
    sign_in(owner, {"answer": owner.recovery_codes[1]})
    assert owner.wrong_passcodes == 0


def test_a_temporary_password_is_changed_before_the_second_factor_is_asked(pool, sign_in):
    person = pool.new_person(temporary_password=True)
    sign_in(person)
    assert [screen for screen, _ in person.asked] == ["ask_new_password", "show_authenticator", "show_recovery_codes"]
    sign_in(person)
    assert person.screens() == ["ask_passcode 3"]


def test_an_unconfirmed_user_and_one_whose_password_was_reset_are_led_on(serve):
    pool = serve("--self-sign-up")
    person = Person(f"user-{uuid.uuid4()}@example.com", "Correct-horse-9")
    sub = pool.cognito.sign_up(ClientId=pool.client_id, Username=person.name, Password=person.password)["UserSub"]
    person.message_code = lambda: [sent["code"] for sent in pool.messages() if sent["userName"] == sub][-1]
    arguments = (pool.cognito, pool.id, pool.client_id, person.name)
    boto3_sign_in.sign_in(*arguments, person.password, person)
    assert [screen for screen, _ in person.asked] == ["ask_message_code", "show_authenticator", "show_recovery_codes"]

    pool.operator.admin_reset_user_password(UserPoolId=pool.id, Username=person.name)
    person.begin()
    boto3_sign_in.sign_in(*arguments, person.password, person)
    assert [screen for screen, _ in person.asked] == ["ask_code_and_new_password", "ask_passcode"]


def test_the_older_way_to_refresh_gives_no_new_refresh_token_either(pool, owner, sign_in):
    refreshed = pool.cognito.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": sign_in(owner)["RefreshToken"]},
    )["AuthenticationResult"]
    assert "RefreshToken" not in refreshed
    assert pool.verified(refreshed["IdToken"])["cognito:username"] == owner.user_name


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
    assert respond({"USERNAME": owner.user_name, "ANSWER": "mistyped"})["ChallengeName"] == "CUSTOM_CHALLENGE"
    with pytest.raises(pool.cognito.exceptions.NotAuthorizedException, match="session can only be used once"):
        respond({"USERNAME": owner.user_name, "ANSWER": owner.authenticator.unused_passcode()})


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

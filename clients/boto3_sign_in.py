"""Signs in with boto3 and pycognito's SRP: the password, then the second factor. Copy it into an app."""

import base64
import json

from pycognito.aws_srp import AWSSRP


def sign_in(cognito, user_pool_id, client_id, username, password, app):
    """Gives Cognito's AuthenticationResult. `cognito` is a boto3 client of "cognito-idp"; it needs no AWS credentials.

    Raises a NotAuthorizedException after a wrong password and after a third wrong answer: then begin again with the
    password.

    `app` has a screen for each challenge. A screen returns {"answer": …}, and in addition what the user chose:
    - afterSecondFactor: "REPLACE_AUTHENTICATOR" for a lost phone, "NEW_RECOVERY_CODES", "REMOVE_AUTHENTICATOR" to turn
      the second factor off, or "NOTHING" to give such a change up again (with any answer that is wrong, such as
      "NOTHING");
    - friendlyDeviceName: the user's own name for a new authenticator.
    Before there is a challenge, `app.ask_message_code` returns the code that an unconfirmed user received, as "answer", and
    `app.ask_code_and_new_password` {"code": …, "new_password": …} after an operator's reset.
    `app.show_wrong_passcodes` tells of wrong passcodes since the sign-in before.
    """
    user = {"ClientId": client_id, "Username": username}
    try:
        return sign_in_once(cognito, user_pool_id, client_id, username, password, app)
    except cognito.exceptions.UserNotConfirmedException:  # resend_confirmation_code sends another code.
        cognito.confirm_sign_up(**user, ConfirmationCode=app.ask_message_code()["answer"])
    except cognito.exceptions.PasswordResetRequiredException:  # By an operator, whose reset has sent a code.
        reset = app.ask_code_and_new_password()
        password = reset["new_password"]
        cognito.confirm_forgot_password(**user, ConfirmationCode=reset["code"], Password=password)
    return sign_in(cognito, user_pool_id, client_id, username, password, app)


def sign_in_once(cognito, user_pool_id, client_id, username, password, app):
    srp = AWSSRP(username, password, user_pool_id, client_id, client=cognito)
    srp_a = srp.get_auth_params()
    shown, client_metadata = {}, {}
    asked = cognito.initiate_auth(
        ClientId=client_id, AuthFlow="CUSTOM_AUTH", AuthParameters={"CHALLENGE_NAME": "SRP_A", **srp_a}
    )
    while "AuthenticationResult" not in asked:
        # Asked again after a wrong answer, a secret or a set of codes is not sent a second time: keep what came first.
        shown.update(asked["ChallengeParameters"])
        responses = {"USERNAME": shown["USER_ID_FOR_SRP"]}
        match asked["ChallengeName"]:
            case "PASSWORD_VERIFIER":
                responses = srp.process_challenge(asked["ChallengeParameters"], srp_a)
            case "NEW_PASSWORD_REQUIRED":  # Only after a temporary password.
                responses["NEW_PASSWORD"] = app.ask_new_password()["answer"]
            case "CUSTOM_CHALLENGE":
                chosen = dict(ask(app, shown))
                responses["ANSWER"] = chosen.pop("answer")
                # Cognito remembers no ClientMetadata: it goes with every answer.
                client_metadata.update(chosen)
            case other:
                raise ValueError(f"This app does not know the challenge {other}.")
        asked = cognito.respond_to_auth_challenge(
            ClientId=client_id,
            ChallengeName=asked["ChallengeName"],
            Session=asked["Session"],
            ChallengeResponses=responses,
            ClientMetadata=client_metadata,
        )
    tokens = asked["AuthenticationResult"]
    # The user's own mistakes, or somebody's guesses who knows the password: only the user can tell.
    if wrong_passcodes := int(claims(tokens["IdToken"]).get("second_factor_wrong_passcodes", 0)):
        app.show_wrong_passcodes(wrong_passcodes)
    return tokens


def claims(token):
    """What a token says that came straight from Cognito; of any other, check the signature first."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def ask(app, shown):
    attempts_left = int(shown["attemptsLeft"])
    match shown["challenge"]:
        case "SECOND_FACTOR":  # A passcode, a recovery code, or the code from support.
            return app.ask_passcode(**prompt(shown))
        case "SECOND_FACTOR_OFFER":  # "SKIP", or "SET_UP" for an authenticator.
            return app.offer_second_factor()
        case "REMOVE_AUTHENTICATOR":  # The next passcode, or a recovery code: then there is no second factor any more.
            return app.confirm_turning_off(**prompt(shown))
        case "TOTP_SETUP":  # The first passcode of the new authenticator; otpauthUri is for a QR code.
            return app.show_authenticator(
                secret_code=shown["secretCode"], otpauth_uri=shown["otpauthUri"], attempts_left=attempts_left
            )
        case "RECOVERY_CODES":  # One of them, typed back as proof that they were kept.
            return app.show_recovery_codes(recovery_codes=shown["recoveryCodes"].split(), attempts_left=attempts_left)
        case other:
            raise ValueError(f"This app does not know the challenge {other}.")


def prompt(shown):
    return {
        "accepts": shown["accepts"].split(),
        "attempts_left": int(shown["attemptsLeft"]),
        "retry_after_seconds": int(shown["retryAfterSeconds"]),
        "passcode_digits": [int(digits) for digits in shown["passcodeDigits"].split()],
        "friendly_device_name": shown.get("friendlyDeviceName"),
    }


def refresh(cognito, client_id, refresh_token):
    """Gives a new IdToken and AccessToken; the refresh token stays the same."""
    return cognito.get_tokens_from_refresh_token(ClientId=client_id, RefreshToken=refresh_token)["AuthenticationResult"]


def sign_out(cognito, client_id, refresh_token):
    """Revokes the refresh token, and the access tokens that came of it."""
    cognito.revoke_token(ClientId=client_id, Token=refresh_token)

"""Define Auth Challenge. No I/O."""

from settings import require_measured
from sign_in import SessionState, next_step
from trigger import trigger

CHALLENGE_NAMES = {
    "PasswordVerifier": "PASSWORD_VERIFIER",
    "NewPasswordRequired": "NEW_PASSWORD_REQUIRED",
    "CustomChallenge": "CUSTOM_CHALLENGE",
}

require_measured("ACCEPTED_COGNITO_MFA", "ENROLLMENT")


@trigger("DefineAuthChallenge_Authentication")
def handler(request, log):
    state = SessionState(request.session)
    decision, rejection = next_step(
        state,
        user_not_found=request.user_not_found,
        must_change_password=request.attributes.get("cognito:user_status") == "FORCE_CHANGE_PASSWORD",
        after_second_factor=request.client_metadata.get("afterSecondFactor"),
    )
    log("INFO", "defined", decision=f"{decision}({rejection})" if rejection else decision, reason=str(state))
    return {
        "challengeName": CHALLENGE_NAMES.get(decision),
        "issueTokens": decision == "IssueTokens",
        "failAuthentication": decision == "FailAuthentication",
    }

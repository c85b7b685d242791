"""Define Auth Challenge. No I/O."""

from settings import require_measured
from sign_in import Standing, next_step
from trigger import trigger

CHALLENGE_NAMES = {
    "AskPassword": "PASSWORD_VERIFIER",
    "AskNewPassword": "NEW_PASSWORD_REQUIRED",
    "AskSecondFactor": "CUSTOM_CHALLENGE",
}

require_measured("ACCEPTED_COGNITO_MFA", "ENROLLMENT")


@trigger("DefineAuthChallenge_Authentication")
def handler(request, log):
    standing = Standing(request.session)
    decision, refusal = next_step(
        standing,
        user_not_found=request.user_not_found,
        must_change_password=request.attributes.get("cognito:user_status") == "FORCE_CHANGE_PASSWORD",
        wish=request.client_metadata.get("afterSecondFactor"),
    )
    log("INFO", "defined", decision=f"{decision}({refusal})" if refusal else decision, reason=str(standing))
    return {
        "challengeName": CHALLENGE_NAMES.get(decision),
        "issueTokens": decision == "IssueTokens",
        "failAuthentication": decision == "Fail",
    }

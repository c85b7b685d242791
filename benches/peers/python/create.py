"""Create Auth Challenge. Reads the record, never writes it."""

import secrets
import time

from passcode_limit import rate_limit
from settings import require_measured
from sign_in import Standing, kind_to_pose
from store import NO_RECORD, load
from trigger import trigger

CODES_DUE_BELOW = 3
# Of the salt and of each hash in a set of recovery codes.
BLOCK_BYTES = 16

require_measured("ACCEPTED_COGNITO_MFA", "ENROLLMENT")


@trigger("CreateAuthChallenge_Authentication")
def handler(request, log):
    standing = Standing(request.session)
    if request.user_not_found:
        challenge, (limited, seconds), name = f"SECOND_FACTOR - {NO_RECORD['generation']}", ("Allow", 0), None
    else:
        challenge, (limited, seconds), name = pose(standing, request.user())
    log("INFO", "posed", decision="SECOND_FACTOR", reason=str(standing))
    public_parameters = {
        "challenge": "SECOND_FACTOR",
        "attemptsLeft": str(standing.attempts_left()),
        "accepts": "RECOVERY_CODE" if limited == "Blocked" else "PASSCODE RECOVERY_CODE",
        "retryAfterSeconds": str(seconds),
    }
    if name:
        public_parameters["friendlyDeviceName"] = name
    return {
        "publicChallengeParameters": public_parameters,
        "privateChallengeParameters": {"challenge": challenge, "nonce": secrets.token_urlsafe(16)},
        "challengeMetadata": challenge,
    }


def pose(standing, user):
    record, _ = load(user)
    challenge = f"{kind_to_pose(standing, holdings_of(record))} {record['generation']}"
    return challenge, rate_limit(record["passcodeLimit"], int(time.time())), record.get("authenticator", {}).get("name")


def holdings_of(record):
    if "authenticator" not in record:
        return "Nothing"
    # Base64 without padding.
    blocks = len(record.get("recovery", "")) * 3 // 4 // BLOCK_BYTES
    owed = blocks - 1 < CODES_DUE_BELOW or record.get("codesDue", False)
    return "AuthenticatorCodesOwed" if owed else "Authenticator"

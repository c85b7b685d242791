"""Create Auth Challenge. Reads the record, never writes it."""

import secrets
import time

from passcode_limit import rate_limit
from settings import require_measured
from sign_in import SessionState, kind_to_issue
from store import NO_RECORD, load
from trigger import trigger

CODES_DUE_BELOW = 3
# Of the salt and of each hash in a set of recovery codes.
BLOCK_BYTES = 16

require_measured("ACCEPTED_COGNITO_MFA", "ENROLLMENT")


@trigger("CreateAuthChallenge_Authentication")
def handler(request, log):
    state = SessionState(request.session)
    if request.user_not_found:
        challenge, (limited, seconds), name = f"SECOND_FACTOR - {NO_RECORD['generation']}", ("Allow", 0), None
    else:
        challenge, (limited, seconds), name = issue(state, request.user())
    log("INFO", "issued", decision="SECOND_FACTOR", reason=str(state))
    public_parameters = {
        "challenge": "SECOND_FACTOR",
        "attemptsLeft": str(state.attempts_left()),
        "accepts": "RECOVERY_CODE" if limited == "Blocked" else "PASSCODE RECOVERY_CODE",
        "retryAfterSeconds": str(seconds),
        "passcodeDigits": "6",
    }
    if name:
        public_parameters["friendlyDeviceName"] = name
    return {
        "publicChallengeParameters": public_parameters,
        "privateChallengeParameters": {"challenge": challenge, "nonce": secrets.token_urlsafe(16)},
        "challengeMetadata": challenge,
    }


def issue(state, user):
    record, _ = load(user)
    challenge = f"{kind_to_issue(state, enrollment_status_of(record))} {record['generation']}"
    return challenge, rate_limit(record["passcodeLimit"], int(time.time())), record.get("authenticator", {}).get("name")


def enrollment_status_of(record):
    if "authenticator" not in record:
        return "NotEnrolled"
    # Base64 without padding.
    blocks = len(record.get("recovery", "")) * 3 // 4 // BLOCK_BYTES
    due = blocks - 1 < CODES_DUE_BELOW or record.get("codesDue", False)
    return "EnrolledCodesDue" if due else "Enrolled"

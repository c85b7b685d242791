"""Verify Auth Challenge Response: verifies an answer and records the outcome before it leaves."""

import re
import time

from passcode_limit import rate_limit, after_wrong_passcode, is_alerting
from sealing import unseal
from settings import require_measured
from store import load, save
from totp import match_passcode, passcode_of
from trigger import HandlerError, not_this_triggers_event, trigger

# More than the competing passcodes that can be recorded before the limit rejects the rest.
SAVE_ATTEMPTS = 8
OUTCOMES_REMEMBERED = 8
GRANT_SECONDS = 15 * 60
WRONG_PASSCODES_AT_MOST = 65535
# With whether codes are due, and a generation of eight bytes.
CHALLENGE = re.compile(r"SECOND_FACTOR ([-C]) [A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]")
# Sixteen bytes.
NONCE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")

require_measured("ENROLLMENT")


@trigger("VerifyAuthChallengeResponse_Authentication")
def handler(request, log):
    if not isinstance(request.challenge_answer, str):
        raise not_this_triggers_event("challengeAnswer")
    codes_due, nonce = issued_in(request.private_challenge_parameters)
    if request.user_not_found:
        outcome, reason, guessed = "wrong", "UserNotFound", False
    else:
        outcome, reason, guessed = verify_answer(
            request.user(), codes_due, nonce, request.challenge_answer, request.client_id
        )
    answer_correct = outcome == "correct"
    log("INFO", "verified", decision=answer_correct, challenge="SECOND_FACTOR", reason=reason)
    if guessed:
        log("ERROR", "passcodes are being guessed", challenge="SECOND_FACTOR")
    return {"answerCorrect": answer_correct}


def issued_in(private_parameters):
    challenge, nonce = private_parameters.get("challenge", ""), private_parameters.get("nonce", "")
    if challenge.split(" ", 1)[0] in {"TOTP_SETUP", "RECOVERY_CODES"}:
        raise HandlerError("not among what is measured: a set-up challenge")
    issued = CHALLENGE.fullmatch(challenge)
    if not issued or not NONCE.fullmatch(nonce):
        raise HandlerError("Create did not issue this challenge")
    return issued[1] == "C", nonce


def verify_answer(user, codes_due, nonce, typed, client_id):
    now = int(time.time())
    # Where codes are due, the grant comes with them.
    grant = None
    if client_id and not codes_due:
        proof = {"factor": "totp", "at": now}
        grant = {"clientId": client_id, "until": now + GRANT_SECONDS, "proof": proof}
    # After a conflict the same secret need not be opened again.
    opened, secret = None, None
    for _ in range(SAVE_ATTEMPTS):
        record, version = load(user)
        for recorded in record["outcomes"]:
            if recorded["nonce"] == nonce:
                return recorded["outcome"], "AlreadyVerified", False

        authenticator = record.get("authenticator")
        passcode = passcode_of(typed)
        if passcode is None:
            raise HandlerError("not among what is measured: a recovery code")
        limited, _ = rate_limit(record["passcodeLimit"], now)
        if limited != "Allow":
            return "wrong", "RateLimited", False

        if authenticator and authenticator["id"] != opened:
            opened, secret = authenticator["id"], unseal(user, authenticator)
        outcome, reason, verified = verify(record, passcode, now, grant, secret)
        verified["outcomes"] = [*record["outcomes"], {"nonce": nonce, "outcome": outcome}][-OUTCOMES_REMEMBERED:]
        if save(user, verified, version):
            return outcome, reason, outcome == "wrong" and is_alerting(verified["passcodeLimit"])
    raise HandlerError("others kept saving the same record")


def verify(record, passcode, now, grant, secret):
    authenticator = record.get("authenticator")
    # Counted for everybody, so that the waits do not tell who has an authenticator.
    match, step = "Wrong", None
    if authenticator:
        match, step = match_passcode(
            secret, authenticator["parameters"], passcode, now, authenticator["lastStep"]
        )
    if match == "Accepted":
        proven = {
            **record,
            "authenticator": {**authenticator, "lastStep": step},
            "lastProof": {"factor": "totp", "at": now},
        }
        if grant:
            proven["grant"] = grant
        return "correct", "PasscodeAccepted", proven
    wrong = {
        **record,
        "passcodeLimit": after_wrong_passcode(record["passcodeLimit"], now),
        "wrongPasscodes": min(record.get("wrongPasscodes", 0) + 1, WRONG_PASSCODES_AT_MOST),
    }
    return "wrong", "WrongPasscode" if match == "Wrong" else "PasscodeReplayed", wrong

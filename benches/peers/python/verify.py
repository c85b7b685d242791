"""Verify Auth Challenge Response: judges an answer and records the outcome before it leaves."""

import re
import time

from passcode_limit import rate_limit, after_wrong_passcode, is_alerting
from sealing import unseal
from settings import require_measured
from store import load, save
from totp import match_passcode, passcode_of
from trigger import Fault, not_this_triggers_event, trigger

# More than the saves that can succeed in between, since the fifth wrong passcode stops the rest.
SAVE_ATTEMPTS = 8
JUDGED_REMEMBERED = 8
MARK_SECONDS = 15 * 60
WRONG_PASSCODES_AT_MOST = 65535
# With whether codes are owed, and a generation of eight bytes.
CHALLENGE = re.compile(r"TOTP ([-C]) [A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]")
# Sixteen bytes.
NONCE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")

require_measured("ENROLLMENT")


@trigger("VerifyAuthChallengeResponse_Authentication")
def handler(request, log):
    if not isinstance(request.challenge_answer, str):
        raise not_this_triggers_event("challengeAnswer")
    codes_due, nonce = posed_in(request.private_challenge_parameters)
    if request.user_not_found:
        outcome, reason, guessed = "wrong", "UserNotFound", False
    else:
        outcome, reason, guessed = settle(
            request.user(), codes_due, nonce, request.challenge_answer, request.client_id
        )
    answer_correct = outcome == "right"
    log("INFO", "judged", decision=answer_correct, challenge="SECOND_FACTOR", reason=reason)
    if guessed:
        log("ERROR", "passcodes are being guessed", challenge="SECOND_FACTOR")
    return {"answerCorrect": answer_correct}


def posed_in(private_parameters):
    challenge, nonce = private_parameters.get("challenge", ""), private_parameters.get("nonce", "")
    if challenge.split(" ", 1)[0] in {"TOTP_SETUP", "RECOVERY_CODES"}:
        raise Fault("not among what is measured: a set-up challenge")
    posed = CHALLENGE.fullmatch(challenge)
    if not posed or not NONCE.fullmatch(nonce):
        raise Fault("the challenge is none that Create posed")
    return posed[1] == "C", nonce


def settle(user, codes_due, nonce, typed, client_id):
    now = int(time.time())
    # Where codes are owed, the tokens are paid for with them.
    paid = {"clientId": client_id, "until": now + MARK_SECONDS} if client_id and not codes_due else None
    # A conflict need not open the same secret again.
    opened, secret = None, None
    for _ in range(SAVE_ATTEMPTS):
        record, version = load(user)
        for judged in record["judged"]:
            if judged["nonce"] == nonce:
                return judged["outcome"], "AlreadyJudged", False

        authenticator = record.get("authenticator")
        passcode = passcode_of(typed)
        if passcode is None:
            raise Fault("not among what is measured: a recovery code")
        limited, _ = rate_limit(record["passcodeLimit"], now)
        if limited != "Allow":
            return "wrong", "PasscodesWait", False

        if authenticator and authenticator["id"] != opened:
            opened, secret = authenticator["id"], unseal(user, authenticator)
        outcome, reason, judged_record = judge(record, passcode, now, paid, secret)
        judged_record["judged"] = [*record["judged"], {"nonce": nonce, "outcome": outcome}][-JUDGED_REMEMBERED:]
        if save(user, judged_record, version):
            return outcome, reason, outcome == "wrong" and is_alerting(judged_record["passcodeLimit"])
    raise Fault("others kept saving the same record")


def judge(record, passcode, now, paid, secret):
    authenticator = record.get("authenticator")
    # Without an authenticator counted like anyone else's, so that the waits do not tell who has one.
    match, step = "Wrong", None
    if authenticator:
        match, step = match_passcode(
            secret, authenticator["parameters"], passcode, now, authenticator["lastStep"]
        )
    if match == "Fresh":
        right = {
            **record,
            "authenticator": {**authenticator, "lastStep": step},
            "proven": {"factor": "totp", "at": now},
        }
        if paid:
            right["grant"] = paid
        return "right", "RightPasscode", right
    wrong = {
        **record,
        "passcodeLimit": after_wrong_passcode(record["passcodeLimit"], now),
        "wrongPasscodes": min(record.get("wrongPasscodes", 0) + 1, WRONG_PASSCODES_AT_MOST),
    }
    return "wrong", f"{match}Passcode", wrong

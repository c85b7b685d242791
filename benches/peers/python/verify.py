"""Verify Auth Challenge Response: judges an answer and records the outcome before it leaves."""

import re
import time

from lockout import admission, after_wrong_passcode, fallen
from sealing import unseal
from store import load, save
from totp import match_passcode, passcode_of
from trigger import Fault, not_this_triggers_event, trigger

# More than the saves that can succeed in between, since the fifth wrong passcode stops the rest.
SAVE_ATTEMPTS = 8
JUDGED_REMEMBERED = 8
MARK_SECONDS = 15 * 60
GUESSED_AT = 10
DEFAULT_DIGITS = 6
# Sixteen bytes.
NONCE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")


@trigger("VerifyAuthChallengeResponse_Authentication")
def handler(request, log):
    if not isinstance(request.challenge_answer, str):
        raise not_this_triggers_event("challengeAnswer")
    challenge, nonce = posed_in(request.private_challenge_parameters)
    if request.user_not_found:
        outcome, reason, guessed = "wrong", "UserNotFound", False
    else:
        outcome, reason, guessed = settle(
            request.user(), challenge, nonce, request.challenge_answer, request.client_id
        )
    answer_correct = outcome == "right"
    log("INFO", "judged", decision=answer_correct, challenge=challenge, reason=reason)
    if guessed:
        log("ERROR", "passcodes are being guessed", challenge=challenge)
    return {"answerCorrect": answer_correct}


def posed_in(private_parameters):
    challenge, nonce = private_parameters.get("challenge", ""), private_parameters.get("nonce", "")
    if challenge.split(" ", 1)[0] in {"TOTP_SETUP", "RECOVERY_CODES"}:
        raise Fault("not among what is measured: a set-up challenge")
    if challenge not in {"TOTP", "TOTP_CODES_OWED"} or not NONCE.fullmatch(nonce):
        raise Fault("the challenge is none that Create posed")
    return challenge, nonce


def settle(user, challenge, nonce, typed, client_id):
    now = int(time.time())
    # The tokens of TOTP_CODES_OWED are paid for with the recovery codes that follow.
    paid = {"clientId": client_id, "until": now + MARK_SECONDS} if challenge == "TOTP" and client_id else None
    # A conflict need not open the same secret again.
    opened, secret = None, None
    for _ in range(SAVE_ATTEMPTS):
        record, version = load(user)
        for judged in record["judged"]:
            if judged["nonce"] == nonce:
                return judged["outcome"], "AlreadyJudged", False

        authenticator = record.get("authenticator")
        digits = authenticator["parameters"]["digits"] if authenticator else DEFAULT_DIGITS
        passcode = passcode_of(typed, digits)
        if passcode is None:
            raise Fault("not among what is measured: a recovery code")
        admitted, _ = admission(record["lockout"], now)
        if admitted != "Open":
            return "wrong", "PasscodesWait", False

        if authenticator and authenticator["id"] != opened:
            opened, secret = authenticator["id"], unseal(user, authenticator)
        outcome, reason, judged_record = judge(record, passcode, now, paid, secret)
        judged_record["judged"] = [*record["judged"], {"nonce": nonce, "outcome": outcome}][-JUDGED_REMEMBERED:]
        if save(user, judged_record, version):
            failures, _ = fallen(judged_record["lockout"], now)
            return outcome, reason, outcome == "wrong" and failures >= GUESSED_AT
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
            right["paid"] = paid
        return "right", "RightPasscode", right
    return "wrong", f"{match}Passcode", {**record, "lockout": after_wrong_passcode(record["lockout"], now)}

"""The limit across sign-ins, as shared/src/lockout.rs has it. Times are seconds since 1970."""

FREE_FAILURES = 4
STOP_AT = 20
GUESSED_AT = 10
GUESSED_SLOWLY_AT = 20
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 3600
FALL_SECONDS = 24 * 3600
SLOW_FALL_SECONDS = 7 * 24 * 3600
# What a record leaves out.
ZERO = {"count": 0, "since": 0}


def admission(lockout, clock):
    """Whether a passcode is judged now, and the seconds until it is."""
    now = max(clock, lockout["asOf"])
    failures = _fallen(lockout.get("failures", ZERO), FALL_SECONDS, now)
    wait = _since(lockout["lockedUntil"], now)
    if failures["count"] >= STOP_AT:
        return "Stopped", max(_since(failures["since"] + FALL_SECONDS, now), wait)
    return ("Wait" if wait else "Open"), wait


def after_wrong_passcode(lockout, clock):
    now = max(clock, lockout["asOf"])
    failures = _one_more(lockout.get("failures", ZERO), FALL_SECONDS, now)
    forgiven = _fallen(lockout.get("forgiven", ZERO), FALL_SECONDS, now)
    return {
        "asOf": now,
        "lockedUntil": now + _wait_seconds(failures["count"]),
        "failures": failures,
        **({"forgiven": forgiven} if forgiven["count"] else {}),
        "slow": _one_more(lockout.get("slow", ZERO), SLOW_FALL_SECONDS, now),
    }


def is_guessed(lockout):
    """Whether so many passcodes were wrong, fast or slowly, that somebody guesses who knows the password."""
    return lockout["failures"]["count"] >= GUESSED_AT or lockout["slow"]["count"] >= GUESSED_SLOWLY_AT


def _fallen(before, fall_seconds, now):
    """A count falls by one every so many seconds; a count of zero has no past."""
    falls = _since(now, before["since"]) // fall_seconds
    if before["count"] <= falls:
        return ZERO
    return {"count": before["count"] - falls, "since": before["since"] + falls * fall_seconds}


def _one_more(before, fall_seconds, now):
    fallen = _fallen(before, fall_seconds, now)
    return {"count": min(fallen["count"] + 1, 255), "since": fallen["since"] if fallen["count"] else now}


def _wait_seconds(failures):
    doublings = failures - FREE_FAILURES - 1
    return 0 if doublings < 0 else min(FIRST_WAIT_SECONDS * 2**doublings, LONGEST_WAIT_SECONDS)


def _since(later, earlier):
    return max(0, later - earlier)

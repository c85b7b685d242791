"""The limit across sign-ins, as shared/src/lockout.rs has it. Times are seconds since 1970."""

FREE_FAILURES = 4
STOP_AT = 20
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 3600
FALL_SECONDS = 24 * 3600


def admission(lockout, now):
    """Whether a passcode is judged now, and the seconds until it is."""
    failures, as_of = fallen(lockout, now)
    wait = _since(lockout["lockedUntil"], now)
    if failures >= STOP_AT:
        return "Stopped", max(_since(FALL_SECONDS, _since(now, as_of)), wait)
    return ("Wait" if wait else "Open"), wait


def after_wrong_passcode(lockout, now):
    failures, as_of = fallen(lockout, now)
    failures = min(failures + 1, 255)
    return {"failures": failures, "asOf": as_of, "lockedUntil": now + _wait_seconds(failures)}


def fallen(lockout, now):
    """The failures that still count, and since when."""
    days = _since(now, lockout["asOf"]) // FALL_SECONDS
    failures = max(0, lockout["failures"] - days)
    # A count of zero has no past: days without failures are not saved up.
    return failures, lockout["asOf"] + days * FALL_SECONDS if failures else now


def _wait_seconds(failures):
    doublings = failures - FREE_FAILURES - 1
    return 0 if doublings < 0 else min(FIRST_WAIT_SECONDS * 2**doublings, LONGEST_WAIT_SECONDS)


def _since(later, earlier):
    return max(0, later - earlier)

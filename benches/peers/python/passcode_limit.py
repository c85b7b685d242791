"""The limit on wrong passcodes, as shared/src/passcode_limit.rs has it. Times are seconds since 1970."""

FREE_FAILURES = 4
BLOCK_AT = 20
ALERT_AT = 10
SLOW_ALERT_AT = 20
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 3600
DECAY_SECONDS = 24 * 3600
SLOW_DECAY_SECONDS = 7 * 24 * 3600
# What a record leaves out.
ZERO = {"count": 0, "since": 0}


def rate_limit(limit, clock):
    """Whether a passcode is checked now, and the seconds until it is."""
    now = max(clock, limit["asOf"])
    failures = _decayed(limit.get("failures", ZERO), DECAY_SECONDS, now)
    wait = _since(limit["retryAt"], now)
    if failures["count"] >= BLOCK_AT:
        return "Blocked", max(_since(failures["since"] + DECAY_SECONDS, now), wait)
    return ("RetryAfter" if wait else "Allow"), wait


def after_wrong_passcode(limit, clock):
    now = max(clock, limit["asOf"])
    failures = _one_more(limit.get("failures", ZERO), DECAY_SECONDS, now)
    forgiven = _decayed(limit.get("forgiven", ZERO), DECAY_SECONDS, now)
    return {
        "asOf": now,
        "retryAt": now + _wait_seconds(failures["count"]),
        "failures": failures,
        **({"forgiven": forgiven} if forgiven["count"] else {}),
        "slow": _one_more(limit.get("slow", ZERO), SLOW_DECAY_SECONDS, now, SLOW_ALERT_AT),
    }


def is_alerting(limit):
    """Whether there were so many wrong passcodes, fast or slowly, that somebody who knows the password is guessing."""
    return limit["failures"]["count"] >= ALERT_AT or limit["slow"]["count"] >= SLOW_ALERT_AT


def _decayed(before, decay_seconds, now):
    """A count decays by one every so many seconds; a count of zero has no past."""
    periods = _since(now, before["since"]) // decay_seconds
    if before["count"] <= periods:
        return ZERO
    return {"count": before["count"] - periods, "since": before["since"] + periods * decay_seconds}


def _one_more(before, decay_seconds, now, limit=255):
    decayed = _decayed(before, decay_seconds, now)
    return {"count": min(decayed["count"] + 1, limit), "since": decayed["since"] if decayed["count"] else now}


def _wait_seconds(failures):
    doublings = failures - FREE_FAILURES - 1
    return 0 if doublings < 0 else min(FIRST_WAIT_SECONDS * 2**doublings, LONGEST_WAIT_SECONDS)


def _since(later, earlier):
    return max(0, later - earlier)

"""Time-based one-time passwords (RFC 6238), RFC 4226 §5.3 for the truncation."""

import hmac

from trigger import HandlerError

WINDOW_STEPS = 1
# RFC 4226 §4: 128 bits at least.
SECRET_BYTES_AT_LEAST = 16


def passcode_of(typed):
    """The typed passcode without spaces; None if it does not have the shape of one: six or eight digits."""
    passcode = typed.replace(" ", "")
    return passcode if len(passcode) in {6, 8} and passcode.isascii() and passcode.isdigit() else None


def match_passcode(secret, parameters, passcode, now, last_step):
    """Compares with all steps of the window. A match is accepted if its step is above the last one used (§5.2)."""
    if len(secret) < SECRET_BYTES_AT_LEAST:
        raise HandlerError("the record holds parameters that RFC 6238 does not allow")
    present = now // parameters["period"]
    match, accepted_step = "Wrong", None
    for step in range(present - WINDOW_STEPS, present + WINDOW_STEPS + 1):
        if not hmac.compare_digest(_passcode_at(secret, parameters, step), passcode):
            continue
        if step > last_step:
            match, accepted_step = "Accepted", step
        elif match == "Wrong":
            match = "Replayed"
    return match, accepted_step


def _passcode_at(secret, parameters, step):
    digits = parameters["digits"]
    digest = hmac.digest(secret, step.to_bytes(8, "big"), parameters["algorithm"])
    offset = digest[-1] & 0xF
    truncated = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(truncated % 10**digits).zfill(digits)

"""Someone at the screens of an app: answers what is asked, and remembers what was shown."""

import base64
import hashlib
import hmac
import struct
import time

STEP_SECONDS = 30


class Person:
    def __init__(self, name, password, user_name=None):
        """`name` is what is typed, and `user_name` what Cognito made of it, if that is something else."""
        self.name, self.password, self.user_name = name, password, user_name or name
        self.authenticator = None
        self.recovery_codes = []
        self.begin()

    def begin(self, *replies):
        """`replies` are given first, whatever is asked; after them comes the right answer."""
        self.asked, self.replies, self.wrong_passcodes = [], list(replies), 0

    def screens(self):
        """Such as ["ask_passcode 3", "ask_passcode 2"]; an offer costs no attempt."""
        return [f"{screen} {parameters.get('attempts_left', '')}".strip() for screen, parameters in self.asked]

    def ask_passcode(self, **parameters):
        return self.reply("ask_passcode", parameters) or {"answer": self.authenticator.unused_passcode()}

    def offer_second_factor(self):
        return self.reply("offer_second_factor", {}) or {"answer": "SKIP"}

    def confirm_turning_off(self, **parameters):
        # A recovery code: the next passcode may be too far off.
        return self.reply("confirm_turning_off", parameters) or {"answer": self.recovery_codes[0]}

    def show_authenticator(self, **parameters):
        reply = self.reply("show_authenticator", parameters)
        if self.authenticator is None or self.authenticator.secret_code != parameters["secret_code"]:
            self.authenticator = Authenticator(parameters["secret_code"])
        return reply or {"answer": self.authenticator.unused_passcode()}

    def show_recovery_codes(self, **parameters):
        self.recovery_codes = parameters["recovery_codes"]
        return self.reply("show_recovery_codes", parameters) or {"answer": self.recovery_codes[-1]}

    def ask_new_password(self):
        self.password += " but changed"
        return self.reply("ask_new_password", {}) or {"answer": self.password}

    def ask_message_code(self):
        """The test gives `message_code`, which reads the code that was sent last."""
        return self.reply("ask_message_code", {}) or {"answer": self.message_code()}

    def ask_code_and_new_password(self):
        self.reply("ask_code_and_new_password", {})
        self.password += " but changed"
        return {"code": self.message_code(), "new_password": self.password}

    def show_wrong_passcodes(self, wrong_passcodes):
        self.wrong_passcodes = wrong_passcodes

    def reply(self, screen, parameters):
        self.asked.append((screen, parameters))
        return self.replies.pop(0) if self.replies else None


class Authenticator:
    """RFC 6238 with SHA-1, six digits and 30 s, by the RFC's own words and not by our code."""

    def __init__(self, secret_code):
        self.secret_code = secret_code
        self.last_step = 0

    def unused_passcode(self):
        """Of the next time step where this one's was used: it is in the window, so nobody waits."""
        self.last_step = max(self.last_step + 1, this_step())
        assert self.last_step <= this_step() + 1, "a third passcode of one time step is outside of the window"
        return self.passcode(self.last_step)

    def wrong_passcode(self):
        right = {self.passcode(step) for step in range(this_step() - 2, this_step() + 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in right)

    def passcode(self, step):
        secret = base64.b32decode(self.secret_code + "=" * (-len(self.secret_code) % 8))
        digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
        offset = digest[-1] & 0x0F
        return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


def this_step():
    return int(time.time()) // STEP_SECONDS

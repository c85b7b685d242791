"""The sign-in's tables, as shared/src/sign_in.rs has them, for ACCEPTED_COGNITO_MFA=NONE and ENROLLMENT=AT_SIGN_IN."""

from trigger import HandlerError

LAST_WRONG_ANSWER = 3
KINDS = {"SECOND_FACTOR -", "SECOND_FACTOR C", "TOTP_SETUP", "RECOVERY_CODES"}
SET_UP = {"TOTP_SETUP", "RECOVERY_CODES"}


def after(progress, wrong_answers, answered, correct):
    """The progress after an entry, and how many wrong answers count then. What is not a row is a rejection."""
    match progress, answered, correct:
        case "Start", "SRP_A", True:
            return "PasswordAsked", 0
        case "PasswordAsked", "PASSWORD_VERIFIER", True:
            return "PasswordProven", 0
        # Cognito's own challenges, before ours: they prove nothing.
        case "PasswordProven", "NEW_PASSWORD_REQUIRED", True:
            return "SecondFactorDue", 0
        case (
            "PasswordProven" | "SecondFactorDue",
            "SELECT_MFA_TYPE" | "MFA_SETUP" | "SOFTWARE_TOKEN_MFA" | "SMS_MFA" | "EMAIL_OTP",
            True,
        ):
            return "SecondFactorDue", wrong_answers
        # Ours. The flag says whether codes are due.
        case "PasswordProven" | "SecondFactorDue", "SECOND_FACTOR -", True:
            return "SecondFactorProven", 0
        case "PasswordProven" | "SecondFactorDue", "SECOND_FACTOR C", True:
            return "SecondFactorProvenCodesDue", 0
        case "PasswordProven" | "SecondFactorDue", "TOTP_SETUP", True:
            return "RecoveryCodesDue", 0
        case "PasswordProven" | "SecondFactorDue", "SECOND_FACTOR -" | "SECOND_FACTOR C" | "TOTP_SETUP", False:
            return "SecondFactorDue", wrong_answers + 1
        # Changes by a user who has proven a second factor in this sign-in.
        case "SecondFactorProven" | "Changing" | "RecoveryCodesRenewed", "TOTP_SETUP", True:
            return "RecoveryCodesDue", 0
        case "SecondFactorProven" | "Changing" | "RecoveryCodesRenewed", "TOTP_SETUP", False:
            return "Changing", wrong_answers + 1
        case "SecondFactorProven" | "Changing", "RECOVERY_CODES", True:
            return "RecoveryCodesRenewed", 0
        case "SecondFactorProven" | "Changing", "RECOVERY_CODES", False:
            return "Changing", wrong_answers + 1
        case "SecondFactorProvenCodesDue", "TOTP_SETUP", True:
            return "RecoveryCodesDue", 0
        case "SecondFactorProvenCodesDue", "RECOVERY_CODES", True:
            return "RecoveryCodesRenewed", 0
        case "SecondFactorProvenCodesDue", "TOTP_SETUP" | "RECOVERY_CODES", False:
            return progress, wrong_answers + 1
        case "RecoveryCodesDue", "RECOVERY_CODES", True:
            return "Done", 0
        case "RecoveryCodesDue", "RECOVERY_CODES", False:
            return progress, wrong_answers + 1
        case _:
            return None


class SessionState:
    """The state of a session: the fold of its entries."""

    def __init__(self, session):
        self.progress = "Start"
        self.rejection = None
        self.wrong_answers = 0
        self.new_password_seen = False
        self.challenged = False
        self.failed_set_up = False
        for challenge_name, correct, metadata in session:
            self._then(challenge_name, correct, metadata)

    def _then(self, challenge_name, correct, metadata):
        kind = _kind_of(metadata) if challenge_name == "CUSTOM_CHALLENGE" and metadata is not None else None
        ours = kind in KINDS
        # A Cognito name is never one of ours: those are known by the first words of challengeMetadata.
        answered = kind if ours else None if challenge_name in KINDS else challenge_name
        if self.rejection is None:
            match after(self.progress, self.wrong_answers, answered, correct):
                case None:
                    self.rejection = "NotInTheTable"
                case _, wrong_answers if wrong_answers >= LAST_WRONG_ANSWER:
                    self.rejection = "TooManyWrongAnswers"
                case progress, wrong_answers:
                    self.progress = progress
                    self.wrong_answers = wrong_answers
        self.failed_set_up = answered in SET_UP and not correct
        self.new_password_seen = self.new_password_seen or answered == "NEW_PASSWORD_REQUIRED"
        self.challenged = self.challenged or ours

    def attempts_left(self):
        return LAST_WRONG_ANSWER - self.wrong_answers

    def __str__(self):
        return f"Rejected({self.rejection})" if self.rejection else self.progress


def _kind_of(metadata):
    words = metadata.split(" ")
    return " ".join(words[:2]) if words[0] == "SECOND_FACTOR" else words[0]


def next_step(state, user_not_found, must_change_password, after_second_factor):
    """Define's decision, and why where it is `FailAuthentication`."""
    decision, rejection = _step(state, must_change_password, after_second_factor)
    if decision == "IssueTokens" and user_not_found:
        return "FailAuthentication", "UserNotFound"
    return decision, rejection


def _step(state, must_change_password, after_second_factor):
    if state.rejection:
        return "FailAuthentication", state.rejection
    match state.progress, after_second_factor:
        case "Start", _:
            return "FailAuthentication", "PasswordNotAsked"
        case "PasswordAsked", _:
            return "PasswordVerifier", None
        # Past the password.
        case progress, _ if must_change_password and not state.new_password_seen:
            if progress == "PasswordProven":
                return "NewPasswordRequired", None
            return "FailAuthentication", "PasswordReplaced"
        case "PasswordProven" | "SecondFactorDue" | "SecondFactorProvenCodesDue" | "RecoveryCodesDue", _:
            return "CustomChallenge", None
        case "SecondFactorProven" | "RecoveryCodesRenewed", None | "NOTHING":
            return "IssueTokens", None
        case "SecondFactorProven" | "RecoveryCodesRenewed", "REPLACE_AUTHENTICATOR":
            return "CustomChallenge", None
        case "SecondFactorProven", "NEW_RECOVERY_CODES":
            return "CustomChallenge", None
        case "RecoveryCodesRenewed", "NEW_RECOVERY_CODES":
            return "IssueTokens", None
        case "SecondFactorProven" | "RecoveryCodesRenewed", _:
            return "FailAuthentication", "UnknownAfterSecondFactor"
        case "Changing", "NOTHING":
            return "IssueTokens", None
        case "Changing", _:
            return "CustomChallenge", None
        case "Done", _:
            return "IssueTokens", None


def kind_to_issue(state, enrollment_status):
    """The kind to issue to a user who signs in later."""
    if state.rejection or state.progress in {"Start", "PasswordAsked", "Done"}:
        raise HandlerError("the session expects no custom challenge")
    if state.progress in {"PasswordProven", "SecondFactorDue"} and not state.failed_set_up:
        if enrollment_status == "EnrolledCodesDue":
            return "SECOND_FACTOR C"
        if enrollment_status == "Enrolled" or state.challenged:
            return "SECOND_FACTOR -"
    raise HandlerError("not among what is measured: a set-up challenge")

"""The sign-in's tables, as shared/src/sign_in.rs has them, for ACCEPTED_COGNITO_MFA=NONE and ENROLLMENT=AT_SIGN_IN."""

from trigger import Fault

WRONG_ANSWERS_ALLOWED = 3
KINDS = {"SECOND_FACTOR -", "SECOND_FACTOR C", "TOTP_SETUP", "RECOVERY_CODES"}
SET_UP = {"TOTP_SETUP", "RECOVERY_CODES"}


def after(progress, wrong_answers, answered, right):
    """The progress after an entry, and how many wrong answers count then. What is not a row is a refusal."""
    match progress, answered, right:
        case "Start", "SRP_A", True:
            return "PasswordAsked", 0
        case "PasswordAsked", "PASSWORD_VERIFIER", True:
            return "PasswordProven", 0
        # Cognito's own, before ours: they prove nothing.
        case "PasswordProven", "NEW_PASSWORD_REQUIRED", True:
            return "SecondFactorDue", 0
        case (
            "PasswordProven" | "SecondFactorDue",
            "SELECT_MFA_TYPE" | "MFA_SETUP" | "SOFTWARE_TOKEN_MFA" | "SMS_MFA" | "EMAIL_OTP",
            True,
        ):
            return "SecondFactorDue", wrong_answers
        # Ours. The flag says whether codes are owed.
        case "PasswordProven" | "SecondFactorDue", "SECOND_FACTOR -", True:
            return "SecondFactorProven", 0
        case "PasswordProven" | "SecondFactorDue", "SECOND_FACTOR C", True:
            return "SecondFactorProvenCodesOwed", 0
        case "PasswordProven" | "SecondFactorDue", "TOTP_SETUP", True:
            return "RecoveryCodesOwed", 0
        case "PasswordProven" | "SecondFactorDue", "SECOND_FACTOR -" | "SECOND_FACTOR C" | "TOTP_SETUP", False:
            return "SecondFactorDue", wrong_answers + 1
        # Changing what is held, by a user who has proven it in this sign-in.
        case "SecondFactorProven" | "Changing" | "RecoveryCodesRenewed", "TOTP_SETUP", True:
            return "RecoveryCodesOwed", 0
        case "SecondFactorProven" | "Changing" | "RecoveryCodesRenewed", "TOTP_SETUP", False:
            return "Changing", wrong_answers + 1
        case "SecondFactorProven" | "Changing", "RECOVERY_CODES", True:
            return "RecoveryCodesRenewed", 0
        case "SecondFactorProven" | "Changing", "RECOVERY_CODES", False:
            return "Changing", wrong_answers + 1
        case "SecondFactorProvenCodesOwed", "TOTP_SETUP", True:
            return "RecoveryCodesOwed", 0
        case "SecondFactorProvenCodesOwed", "RECOVERY_CODES", True:
            return "RecoveryCodesRenewed", 0
        case "SecondFactorProvenCodesOwed", "TOTP_SETUP" | "RECOVERY_CODES", False:
            return progress, wrong_answers + 1
        case "RecoveryCodesOwed", "RECOVERY_CODES", True:
            return "Done", 0
        case "RecoveryCodesOwed", "RECOVERY_CODES", False:
            return progress, wrong_answers + 1
        case _:
            return None


class Standing:
    """Where a session stands: the fold of its entries."""

    def __init__(self, session):
        self.progress = "Start"
        self.refusal = None
        self.wrong_answers = 0
        self.new_password_seen = False
        self.challenged = False
        self.set_up_just_failed = False
        for challenge_name, right, metadata in session:
            self._then(challenge_name, right, metadata)

    def _then(self, challenge_name, right, metadata):
        kind = _kind_of(metadata) if challenge_name == "CUSTOM_CHALLENGE" and metadata is not None else None
        ours = kind in KINDS
        # A name of Cognito's is never one of ours: those are known by the first words of challengeMetadata.
        answered = kind if ours else None if challenge_name in KINDS else challenge_name
        if self.refusal is None:
            match after(self.progress, self.wrong_answers, answered, right):
                case None:
                    self.refusal = "NotInTheTable"
                case _, wrong_answers if wrong_answers >= WRONG_ANSWERS_ALLOWED:
                    self.refusal = "TooManyWrongAnswers"
                case progress, wrong_answers:
                    self.progress = progress
                    self.wrong_answers = wrong_answers
        self.set_up_just_failed = answered in SET_UP and not right
        self.new_password_seen = self.new_password_seen or answered == "NEW_PASSWORD_REQUIRED"
        self.challenged = self.challenged or ours

    def attempts_left(self):
        return WRONG_ANSWERS_ALLOWED - self.wrong_answers

    def __str__(self):
        return f"Refused({self.refusal})" if self.refusal else self.progress


def _kind_of(metadata):
    words = metadata.split(" ")
    return " ".join(words[:2]) if words[0] == "SECOND_FACTOR" else words[0]


def next_step(standing, user_not_found, must_change_password, wish):
    """Define's decision, and why where it is `Fail`."""
    decision, refusal = _step(standing, must_change_password, wish)
    if decision == "IssueTokens" and user_not_found:
        return "Fail", "UserNotFound"
    return decision, refusal


def _step(standing, must_change_password, wish):
    if standing.refusal:
        return "Fail", standing.refusal
    match standing.progress, wish:
        case "Start", _:
            return "Fail", "PasswordNotAsked"
        case "PasswordAsked", _:
            return "AskPassword", None
        # Past the password.
        case progress, _ if must_change_password and not standing.new_password_seen:
            return ("AskNewPassword", None) if progress == "PasswordProven" else ("Fail", "PasswordReplaced")
        case "PasswordProven" | "SecondFactorDue" | "SecondFactorProvenCodesOwed" | "RecoveryCodesOwed", _:
            return "AskSecondFactor", None
        case "SecondFactorProven" | "RecoveryCodesRenewed", None | "NOTHING":
            return "IssueTokens", None
        case "SecondFactorProven" | "RecoveryCodesRenewed", "REPLACE_AUTHENTICATOR":
            return "AskSecondFactor", None
        case "SecondFactorProven", "NEW_RECOVERY_CODES":
            return "AskSecondFactor", None
        case "RecoveryCodesRenewed", "NEW_RECOVERY_CODES":
            return "IssueTokens", None
        case "SecondFactorProven" | "RecoveryCodesRenewed", _:
            return "Fail", "UnknownWish"
        case "Changing", "NOTHING":
            return "IssueTokens", None
        case "Changing", _:
            return "AskSecondFactor", None
        case "Done", _:
            return "IssueTokens", None


def kind_to_pose(standing, holdings):
    """The kind to pose to a user who signs in later."""
    if standing.refusal or standing.progress in {"Start", "PasswordAsked", "Done"}:
        raise Fault("the session asks for no challenge of ours")
    if standing.progress in {"PasswordProven", "SecondFactorDue"} and not standing.set_up_just_failed:
        if holdings == "AuthenticatorCodesOwed":
            return "SECOND_FACTOR C"
        if holdings == "Authenticator" or standing.challenged:
            return "SECOND_FACTOR -"
    raise Fault("not among what is measured: a set-up challenge")

// The sign-in's tables, as shared/src/sign_in.rs has them, for ACCEPTED_COGNITO_MFA=NONE and ENROLLMENT=AT_SIGN_IN.

const WRONG_ANSWERS_ALLOWED = 3;
const KINDS = ["TOTP", "TOTP_CODES_OWED", "TOTP_SETUP", "RECOVERY_CODES"];
const SET_UP = ["TOTP_SETUP", "RECOVERY_CODES"];

const to = (progress) => ({ progress, wrong: false });
const wrong = (progress) => ({ progress, wrong: true });
const UNCHANGED = {};

// What is not a row is a refusal.
const AFTER = {
  Start: { "SRP_A ✓": to("PasswordAsked") },
  PasswordAsked: { "PASSWORD_VERIFIER ✓": to("PasswordProven") },
  PasswordProven: {
    // Cognito's own, before ours: they prove nothing.
    "NEW_PASSWORD_REQUIRED ✓": UNCHANGED,
    "SELECT_MFA_TYPE ✓": UNCHANGED,
    "MFA_SETUP ✓": UNCHANGED,
    "SOFTWARE_TOKEN_MFA ✓": UNCHANGED,
    "SMS_MFA ✓": UNCHANGED,
    "EMAIL_OTP ✓": UNCHANGED,
    // Ours.
    "TOTP ✓": to("SecondFactorProven"),
    "TOTP ✗": wrong("PasswordProven"),
    "TOTP_CODES_OWED ✓": to("SecondFactorProvenCodesOwed"),
    "TOTP_CODES_OWED ✗": wrong("PasswordProven"),
    "TOTP_SETUP ✓": to("RecoveryCodesOwed"),
    "TOTP_SETUP ✗": wrong("PasswordProven"),
  },
  SecondFactorProven: {
    "TOTP_SETUP ✓": to("RecoveryCodesOwed"),
    "TOTP_SETUP ✗": wrong("Changing"),
    "RECOVERY_CODES ✓": to("RecoveryCodesRenewed"),
    "RECOVERY_CODES ✗": wrong("Changing"),
  },
  Changing: {
    "TOTP_SETUP ✓": to("RecoveryCodesOwed"),
    "TOTP_SETUP ✗": wrong("Changing"),
    "RECOVERY_CODES ✓": to("RecoveryCodesRenewed"),
    "RECOVERY_CODES ✗": wrong("Changing"),
  },
  RecoveryCodesRenewed: {
    "TOTP_SETUP ✓": to("RecoveryCodesOwed"),
    "TOTP_SETUP ✗": wrong("Changing"),
  },
  SecondFactorProvenCodesOwed: {
    "TOTP_SETUP ✓": to("RecoveryCodesOwed"),
    "TOTP_SETUP ✗": wrong("SecondFactorProvenCodesOwed"),
    "RECOVERY_CODES ✓": to("RecoveryCodesRenewed"),
    "RECOVERY_CODES ✗": wrong("SecondFactorProvenCodesOwed"),
  },
  RecoveryCodesOwed: {
    "RECOVERY_CODES ✓": to("Done"),
    "RECOVERY_CODES ✗": wrong("RecoveryCodesOwed"),
  },
};

export function standingOf(session) {
  const standing = {
    progress: "Start",
    refusal: undefined,
    wrongAnswers: 0,
    newPasswordSeen: false,
    challenged: false,
    setUpJustFailed: undefined,
  };
  for (const entry of session) then(standing, entry);
  return standing;
}

function then(standing, { challengeName, challengeResult, challengeMetadata }) {
  const kind = challengeName === "CUSTOM_CHALLENGE" ? challengeMetadata?.split(" ", 1)[0] : undefined;
  const ours = KINDS.includes(kind);
  // A name of Cognito's is never one of ours: those are known by the first word of challengeMetadata.
  const answered = ours ? kind : KINDS.includes(challengeName) ? undefined : challengeName;
  if (!standing.refusal) {
    const again = answered === "NEW_PASSWORD_REQUIRED" && standing.newPasswordSeen;
    const step = again ? undefined : AFTER[standing.progress]?.[`${answered} ${challengeResult ? "✓" : "✗"}`];
    if (!step) {
      standing.refusal = "NotInTheTable";
    } else if (step.wrong && standing.wrongAnswers + 1 >= WRONG_ANSWERS_ALLOWED) {
      standing.refusal = "TooManyWrongAnswers";
    } else if (step !== UNCHANGED) {
      standing.progress = step.progress;
      standing.wrongAnswers = step.wrong ? standing.wrongAnswers + 1 : 0;
    }
  }
  standing.setUpJustFailed = SET_UP.includes(answered) && !challengeResult ? answered : undefined;
  standing.newPasswordSeen ||= answered === "NEW_PASSWORD_REQUIRED";
  standing.challenged ||= ours;
}

export function attemptsLeft({ wrongAnswers }) {
  return WRONG_ANSWERS_ALLOWED - wrongAnswers;
}

export function progressOf({ progress, refusal }) {
  return refusal ? `Refused(${refusal})` : progress;
}

const fail = (refusal) => ({ decision: "Fail", refusal });
const ASK_PASSWORD = { decision: "AskPassword" };
const ASK_NEW_PASSWORD = { decision: "AskNewPassword" };
const ASK_SECOND_FACTOR = { decision: "AskSecondFactor" };
const ISSUE_TOKENS = { decision: "IssueTokens" };

export function nextStep(standing, { userNotFound, mustChangePassword, wish }) {
  const step = stepOf(standing, mustChangePassword, wish);
  return step === ISSUE_TOKENS && userNotFound ? fail("UserNotFound") : step;
}

function stepOf({ progress, refusal, newPasswordSeen }, mustChangePassword, wish) {
  if (refusal) return fail(refusal);
  if (progress === "Start") return fail("PasswordNotAsked");
  if (progress === "PasswordAsked") return ASK_PASSWORD;
  if (mustChangePassword && !newPasswordSeen) return ASK_NEW_PASSWORD;
  switch (progress) {
    case "PasswordProven":
    case "SecondFactorProvenCodesOwed":
    case "RecoveryCodesOwed":
      return ASK_SECOND_FACTOR;
    case "SecondFactorProven":
    case "RecoveryCodesRenewed":
      switch (wish) {
        case undefined:
        case "NOTHING":
          return ISSUE_TOKENS;
        case "REPLACE_AUTHENTICATOR":
          return ASK_SECOND_FACTOR;
        case "NEW_RECOVERY_CODES":
          return progress === "RecoveryCodesRenewed" ? ISSUE_TOKENS : ASK_SECOND_FACTOR;
        default:
          return fail("UnknownWish");
      }
    case "Changing":
      return wish === "NOTHING" ? ISSUE_TOKENS : ASK_SECOND_FACTOR;
    case "Done":
      return ISSUE_TOKENS;
  }
}

// The kind to pose to a user who signs in later.
export function kindToPose({ progress, refusal, challenged, setUpJustFailed }, holdings) {
  if (refusal || ["Start", "PasswordAsked", "Done"].includes(progress)) {
    throw new Error("the session asks for no challenge of ours");
  }
  if (progress === "PasswordProven" && !setUpJustFailed) {
    if (holdings === "AuthenticatorCodesOwed") return "TOTP_CODES_OWED";
    if (holdings === "Authenticator" || challenged) return "TOTP";
  }
  throw new Error("not among what is measured: a set-up challenge");
}

// The sign-in's tables, as shared/src/sign_in.rs has them, for ACCEPTED_COGNITO_MFA=NONE and ENROLLMENT=AT_SIGN_IN.

const WRONG_ANSWERS_ALLOWED = 3;
const KINDS = ["SECOND_FACTOR -", "SECOND_FACTOR C", "TOTP_SETUP", "RECOVERY_CODES"];
const SET_UP = ["TOTP_SETUP", "RECOVERY_CODES"];

// The progress after an entry, and how many wrong answers count then.
const to = (progress) => ({ progress, count: () => 0 });
const wrong = (progress) => ({ progress, count: (wrongAnswers) => wrongAnswers + 1 });
const unproven = (progress) => ({ progress, count: (wrongAnswers) => wrongAnswers });

const AFTER_PASSWORD = {
  // Cognito's own, before ours: they prove nothing.
  "SELECT_MFA_TYPE ✓": unproven("SecondFactorDue"),
  "MFA_SETUP ✓": unproven("SecondFactorDue"),
  "SOFTWARE_TOKEN_MFA ✓": unproven("SecondFactorDue"),
  "SMS_MFA ✓": unproven("SecondFactorDue"),
  "EMAIL_OTP ✓": unproven("SecondFactorDue"),
  // Ours. The flag says whether codes are owed.
  "SECOND_FACTOR - ✓": to("SecondFactorProven"),
  "SECOND_FACTOR - ✗": wrong("SecondFactorDue"),
  "SECOND_FACTOR C ✓": to("SecondFactorProvenCodesOwed"),
  "SECOND_FACTOR C ✗": wrong("SecondFactorDue"),
  "TOTP_SETUP ✓": to("RecoveryCodesOwed"),
  "TOTP_SETUP ✗": wrong("SecondFactorDue"),
};

// What is not a row is a refusal.
const AFTER = {
  Start: { "SRP_A ✓": to("PasswordAsked") },
  PasswordAsked: { "PASSWORD_VERIFIER ✓": to("PasswordProven") },
  PasswordProven: { "NEW_PASSWORD_REQUIRED ✓": to("SecondFactorDue"), ...AFTER_PASSWORD },
  SecondFactorDue: AFTER_PASSWORD,
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
  const kind = challengeName === "CUSTOM_CHALLENGE" ? kindOf(challengeMetadata) : undefined;
  const ours = KINDS.includes(kind);
  // A name of Cognito's is never one of ours: those are known by the first words of challengeMetadata.
  const answered = ours ? kind : KINDS.includes(challengeName) ? undefined : challengeName;
  if (!standing.refusal) {
    const step = AFTER[standing.progress]?.[`${answered} ${challengeResult ? "✓" : "✗"}`];
    const wrongAnswers = step?.count(standing.wrongAnswers);
    if (!step) {
      standing.refusal = "NotInTheTable";
    } else if (wrongAnswers >= WRONG_ANSWERS_ALLOWED) {
      standing.refusal = "TooManyWrongAnswers";
    } else {
      standing.progress = step.progress;
      standing.wrongAnswers = wrongAnswers;
    }
  }
  standing.setUpJustFailed = SET_UP.includes(answered) && !challengeResult ? answered : undefined;
  standing.newPasswordSeen ||= answered === "NEW_PASSWORD_REQUIRED";
  standing.challenged ||= ours;
}

function kindOf(metadata) {
  const words = metadata?.split(" ") ?? [];
  return words[0] === "SECOND_FACTOR" ? words.slice(0, 2).join(" ") : words[0];
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
  if (mustChangePassword && !newPasswordSeen) {
    return progress === "PasswordProven" ? ASK_NEW_PASSWORD : fail("PasswordReplaced");
  }
  switch (progress) {
    case "PasswordProven":
    case "SecondFactorDue":
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
  if (["PasswordProven", "SecondFactorDue"].includes(progress) && !setUpJustFailed) {
    if (holdings === "AuthenticatorCodesOwed") return "SECOND_FACTOR C";
    if (holdings === "Authenticator" || challenged) return "SECOND_FACTOR -";
  }
  throw new Error("not among what is measured: a set-up challenge");
}

// The sign-in's tables, as shared/src/sign_in.rs has them, for ACCEPTED_COGNITO_MFA=NONE and ENROLLMENT=AT_SIGN_IN.

const LAST_WRONG_ANSWER = 3;
const KINDS = ["SECOND_FACTOR -", "SECOND_FACTOR C", "TOTP_SETUP", "RECOVERY_CODES"];
const SET_UP = ["TOTP_SETUP", "RECOVERY_CODES"];

// The progress after an entry, and how many wrong answers count then.
const to = (progress) => ({ progress, count: () => 0 });
const wrong = (progress) => ({ progress, count: (wrongAnswers) => wrongAnswers + 1 });
const unproven = (progress) => ({ progress, count: (wrongAnswers) => wrongAnswers });

const AFTER_PASSWORD = {
  // Cognito's own challenges, before ours: they prove nothing.
  "SELECT_MFA_TYPE ✓": unproven("SecondFactorDue"),
  "MFA_SETUP ✓": unproven("SecondFactorDue"),
  "SOFTWARE_TOKEN_MFA ✓": unproven("SecondFactorDue"),
  "SMS_MFA ✓": unproven("SecondFactorDue"),
  "EMAIL_OTP ✓": unproven("SecondFactorDue"),
  // Ours. The flag says whether codes are due.
  "SECOND_FACTOR - ✓": to("SecondFactorProven"),
  "SECOND_FACTOR - ✗": wrong("SecondFactorDue"),
  "SECOND_FACTOR C ✓": to("SecondFactorProvenCodesDue"),
  "SECOND_FACTOR C ✗": wrong("SecondFactorDue"),
  "TOTP_SETUP ✓": to("RecoveryCodesDue"),
  "TOTP_SETUP ✗": wrong("SecondFactorDue"),
};

// What is not a row is a rejection.
const AFTER = {
  Start: { "SRP_A ✓": to("PasswordAsked") },
  PasswordAsked: { "PASSWORD_VERIFIER ✓": to("PasswordProven") },
  PasswordProven: { "NEW_PASSWORD_REQUIRED ✓": to("SecondFactorDue"), ...AFTER_PASSWORD },
  SecondFactorDue: AFTER_PASSWORD,
  SecondFactorProven: {
    "TOTP_SETUP ✓": to("RecoveryCodesDue"),
    "TOTP_SETUP ✗": wrong("Changing"),
    "RECOVERY_CODES ✓": to("RecoveryCodesRenewed"),
    "RECOVERY_CODES ✗": wrong("Changing"),
  },
  Changing: {
    "TOTP_SETUP ✓": to("RecoveryCodesDue"),
    "TOTP_SETUP ✗": wrong("Changing"),
    "RECOVERY_CODES ✓": to("RecoveryCodesRenewed"),
    "RECOVERY_CODES ✗": wrong("Changing"),
  },
  RecoveryCodesRenewed: {
    "TOTP_SETUP ✓": to("RecoveryCodesDue"),
    "TOTP_SETUP ✗": wrong("Changing"),
  },
  SecondFactorProvenCodesDue: {
    "TOTP_SETUP ✓": to("RecoveryCodesDue"),
    "TOTP_SETUP ✗": wrong("SecondFactorProvenCodesDue"),
    "RECOVERY_CODES ✓": to("RecoveryCodesRenewed"),
    "RECOVERY_CODES ✗": wrong("SecondFactorProvenCodesDue"),
  },
  RecoveryCodesDue: {
    "RECOVERY_CODES ✓": to("Done"),
    "RECOVERY_CODES ✗": wrong("RecoveryCodesDue"),
  },
};

export function stateOf(session) {
  const state = {
    progress: "Start",
    rejection: undefined,
    wrongAnswers: 0,
    newPasswordSeen: false,
    challenged: false,
    failedSetUp: undefined,
  };
  for (const entry of session) then(state, entry);
  return state;
}

function then(state, { challengeName, challengeResult, challengeMetadata }) {
  const kind = challengeName === "CUSTOM_CHALLENGE" ? kindOf(challengeMetadata) : undefined;
  const ours = KINDS.includes(kind);
  // Our challenges are recognized by challengeMetadata alone: a challengeName equal to one of our kinds counts for nothing.
  const answered = ours ? kind : KINDS.includes(challengeName) ? undefined : challengeName;
  if (!state.rejection) {
    const step = AFTER[state.progress]?.[`${answered} ${challengeResult ? "✓" : "✗"}`];
    const wrongAnswers = step?.count(state.wrongAnswers);
    if (!step) {
      state.rejection = "NotInTheTable";
    } else if (wrongAnswers >= LAST_WRONG_ANSWER) {
      state.rejection = "TooManyWrongAnswers";
    } else {
      state.progress = step.progress;
      state.wrongAnswers = wrongAnswers;
    }
  }
  state.failedSetUp = SET_UP.includes(answered) && !challengeResult ? answered : undefined;
  state.newPasswordSeen ||= answered === "NEW_PASSWORD_REQUIRED";
  state.challenged ||= ours;
}

function kindOf(metadata) {
  const words = metadata?.split(" ") ?? [];
  return words[0] === "SECOND_FACTOR" ? words.slice(0, 2).join(" ") : words[0];
}

export function attemptsLeft({ wrongAnswers }) {
  return LAST_WRONG_ANSWER - wrongAnswers;
}

export function progressOf({ progress, rejection }) {
  return rejection ? `Rejected(${rejection})` : progress;
}

const fail = (rejection) => ({ decision: "FailAuthentication", rejection });
const PASSWORD_VERIFIER = { decision: "PasswordVerifier" };
const NEW_PASSWORD_REQUIRED = { decision: "NewPasswordRequired" };
const CUSTOM_CHALLENGE = { decision: "CustomChallenge" };
const ISSUE_TOKENS = { decision: "IssueTokens" };

export function nextStep(state, { userNotFound, mustChangePassword, afterSecondFactor }) {
  const step = stepOf(state, mustChangePassword, afterSecondFactor);
  return step === ISSUE_TOKENS && userNotFound ? fail("UserNotFound") : step;
}

function stepOf({ progress, rejection, newPasswordSeen }, mustChangePassword, afterSecondFactor) {
  if (rejection) return fail(rejection);
  if (progress === "Start") return fail("PasswordNotAsked");
  if (progress === "PasswordAsked") return PASSWORD_VERIFIER;
  if (mustChangePassword && !newPasswordSeen) {
    return progress === "PasswordProven" ? NEW_PASSWORD_REQUIRED : fail("PasswordReplaced");
  }
  switch (progress) {
    case "PasswordProven":
    case "SecondFactorDue":
    case "SecondFactorProvenCodesDue":
    case "RecoveryCodesDue":
      return CUSTOM_CHALLENGE;
    case "SecondFactorProven":
    case "RecoveryCodesRenewed":
      switch (afterSecondFactor) {
        case undefined:
        case "NOTHING":
          return ISSUE_TOKENS;
        case "REPLACE_AUTHENTICATOR":
          return CUSTOM_CHALLENGE;
        case "NEW_RECOVERY_CODES":
          return progress === "RecoveryCodesRenewed" ? ISSUE_TOKENS : CUSTOM_CHALLENGE;
        default:
          return fail("UnknownAfterSecondFactor");
      }
    case "Changing":
      return afterSecondFactor === "NOTHING" ? ISSUE_TOKENS : CUSTOM_CHALLENGE;
    case "Done":
      return ISSUE_TOKENS;
  }
}

// The kind to issue to a user who signs in later.
export function kindToIssue({ progress, rejection, challenged, failedSetUp }, enrollmentStatus) {
  if (rejection || ["Start", "PasswordAsked", "Done"].includes(progress)) {
    throw new Error("the session expects no custom challenge");
  }
  if (["PasswordProven", "SecondFactorDue"].includes(progress) && !failedSetUp) {
    if (enrollmentStatus === "EnrolledCodesDue") return "SECOND_FACTOR C";
    if (enrollmentStatus === "Enrolled" || challenged) return "SECOND_FACTOR -";
  }
  throw new Error("not among what is measured: a set-up challenge");
}

// Verify Auth Challenge Response: verifies an answer and records the outcome before it leaves.

import { rateLimit, afterWrongPasscode, isAlerting } from "./passcode_limit.mjs";
import { open } from "./sealing.mjs";
import { requireMeasured } from "./settings.mjs";
import { load, save } from "./store.mjs";
import { matchPasscode, passcodeOf } from "./totp.mjs";
import { notThisTriggersEvent, trigger, userOf } from "./trigger.mjs";

// More than the competing passcodes that can be recorded before the limit rejects the rest.
const SAVE_ATTEMPTS = 8;
const OUTCOMES_REMEMBERED = 8;
const GRANT_SECONDS = 15 * 60;
const WRONG_PASSCODES_AT_MOST = 65535;
// With whether codes are due, and a generation of eight bytes.
const CHALLENGE = /^SECOND_FACTOR ([-C]) [\w-]{10}[AEIMQUYcgkosw048]$/;
// Sixteen bytes.
const NONCE = /^[\w-]{21}[AQgw]$/;

requireMeasured("ENROLLMENT");

export const handler = trigger("VerifyAuthChallengeResponse_Authentication", async (event, log) => {
  if (typeof event.challengeAnswer !== "string") throw notThisTriggersEvent("challengeAnswer");
  const { codesDue, nonce } = issuedIn(event.privateChallengeParameters);
  const { outcome, reason, guessed } = event.userNotFound
    ? rejected("UserNotFound")
    : await verifyAnswer(userOf(event), codesDue, nonce, event.challengeAnswer, event.clientId);
  const answerCorrect = outcome === "correct";
  log("INFO", "verified", { decision: answerCorrect, challenge: "SECOND_FACTOR", reason });
  if (guessed) log("ERROR", "passcodes are being guessed", { challenge: "SECOND_FACTOR" });
  return { answerCorrect };
});

function issuedIn({ challenge, nonce }) {
  const kind = challenge?.split(" ", 1)[0];
  if (kind === "TOTP_SETUP" || kind === "RECOVERY_CODES") {
    throw new Error("not among what is measured: a set-up challenge");
  }
  const flag = CHALLENGE.exec(challenge)?.[1];
  if (!flag || !NONCE.test(nonce)) throw new Error("Create did not issue this challenge");
  return { codesDue: flag === "C", nonce };
}

async function verifyAnswer(user, codesDue, nonce, typed, clientId) {
  const now = Math.floor(Date.now() / 1000);
  // Where codes are due, the grant comes with them.
  const proof = { factor: "totp", at: now };
  const grant = !codesDue && clientId ? { clientId, until: now + GRANT_SECONDS, proof } : undefined;
  // After a conflict the same secret need not be opened again.
  let opened;
  for (let attempt = 0; attempt < SAVE_ATTEMPTS; attempt += 1) {
    const { record, version } = await load(user);
    const { authenticator } = record;
    const recorded = record.outcomes.find((recorded) => recorded.nonce === nonce);
    if (recorded) return { outcome: recorded.outcome, reason: "AlreadyVerified" };

    const passcode = passcodeOf(typed);
    if (passcode === undefined) throw new Error("not among what is measured: a recovery code");
    if (rateLimit(record.passcodeLimit, now).word !== "Allow") return rejected("RateLimited");

    if (authenticator && opened?.id !== authenticator.id) {
      opened = { id: authenticator.id, secret: await open(user, authenticator) };
    }
    const verification = verify(record, passcode, now, grant, opened?.secret);
    const { outcome } = verification;
    verification.record.outcomes = [...record.outcomes, { nonce, outcome }].slice(-OUTCOMES_REMEMBERED);
    if (await save(user, verification.record, version)) {
      const guessed = outcome === "wrong" && isAlerting(verification.record.passcodeLimit);
      return { ...verification, guessed };
    }
  }
  throw new Error("others kept saving the same record");
}

function verify(record, passcode, now, grant, secret) {
  const { authenticator } = record;
  // Counted for everybody, so that the waits do not tell who has an authenticator.
  const match = authenticator
    ? matchPasscode(secret, authenticator.parameters, passcode, now, authenticator.lastStep)
    : { word: "Wrong" };
  if (match.word === "Accepted") {
    const lastProof = { factor: "totp", at: now };
    const proven = { ...record, authenticator: { ...authenticator, lastStep: match.step }, lastProof };
    if (grant) proven.grant = grant;
    return { outcome: "correct", reason: "PasscodeAccepted", record: proven };
  }
  return {
    outcome: "wrong",
    reason: match.word === "Wrong" ? "WrongPasscode" : "PasscodeReplayed",
    record: {
      ...record,
      passcodeLimit: afterWrongPasscode(record.passcodeLimit, now),
      wrongPasscodes: Math.min((record.wrongPasscodes ?? 0) + 1, WRONG_PASSCODES_AT_MOST),
    },
  };
}

function rejected(reason) {
  return { outcome: "wrong", reason };
}

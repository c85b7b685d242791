// Create Auth Challenge. Reads the record, never writes it.

import { randomBytes } from "node:crypto";

import { rateLimit } from "./passcode_limit.mjs";
import { requireMeasured } from "./settings.mjs";
import { attemptsLeft, kindToIssue, progressOf, stateOf } from "./sign_in.mjs";
import { NO_RECORD, load } from "./store.mjs";
import { trigger, userOf } from "./trigger.mjs";

const CODES_DUE_BELOW = 3;
// Of the salt and of each hash in a set of recovery codes.
const BLOCK_BYTES = 16;
const PROMPT_FOR_NOBODY = {
  challenge: `SECOND_FACTOR - ${NO_RECORD.generation}`,
  limit: { word: "Allow", seconds: 0 },
};

requireMeasured("ACCEPTED_COGNITO_MFA", "ENROLLMENT");

export const handler = trigger("CreateAuthChallenge_Authentication", async (event, log) => {
  const state = stateOf(event.session);
  const { challenge, limit, name } = event.userNotFound ? PROMPT_FOR_NOBODY : await issue(state, userOf(event));
  log("INFO", "issued", { decision: "SECOND_FACTOR", reason: progressOf(state) });
  return {
    publicChallengeParameters: {
      challenge: "SECOND_FACTOR",
      attemptsLeft: String(attemptsLeft(state)),
      accepts: limit.word === "Blocked" ? "RECOVERY_CODE" : "PASSCODE RECOVERY_CODE",
      retryAfterSeconds: String(limit.seconds),
      passcodeDigits: "6",
      ...(name && { friendlyDeviceName: name }),
    },
    privateChallengeParameters: { challenge, nonce: randomBytes(16).toString("base64url") },
    challengeMetadata: challenge,
  };
});

async function issue(state, user) {
  const { record } = await load(user);
  return {
    challenge: `${kindToIssue(state, enrollmentStatusOf(record))} ${record.generation}`,
    limit: rateLimit(record.passcodeLimit, Math.floor(Date.now() / 1000)),
    name: record.authenticator?.name,
  };
}

function enrollmentStatusOf({ authenticator, recovery, codesDue }) {
  if (!authenticator) return "NotEnrolled";
  const codesLeft = recovery ? Buffer.byteLength(recovery, "base64url") / BLOCK_BYTES - 1 : 0;
  return codesLeft >= CODES_DUE_BELOW && !codesDue ? "Enrolled" : "EnrolledCodesDue";
}

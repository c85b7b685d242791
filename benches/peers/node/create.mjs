// Create Auth Challenge. Reads the record, never writes it.

import { randomBytes } from "node:crypto";

import { admission } from "./lockout.mjs";
import { requireMeasured } from "./settings.mjs";
import { attemptsLeft, kindToPose, progressOf, standingOf } from "./sign_in.mjs";
import { NO_RECORD, load } from "./store.mjs";
import { trigger, userOf } from "./trigger.mjs";

const CODES_OWED_BELOW = 3;
// Of the salt and of each hash in a set of recovery codes.
const BLOCK_BYTES = 16;
const TOTP_FOR_NOBODY = {
  challenge: `SECOND_FACTOR - ${NO_RECORD.generation}`,
  admitted: { word: "Open", seconds: 0 },
};

requireMeasured("ACCEPTED_COGNITO_MFA", "ENROLLMENT");

export const handler = trigger("CreateAuthChallenge_Authentication", async (event, log) => {
  const standing = standingOf(event.session);
  const { challenge, admitted, name } = event.userNotFound ? TOTP_FOR_NOBODY : await pose(standing, userOf(event));
  log("INFO", "posed", { decision: "SECOND_FACTOR", reason: progressOf(standing) });
  return {
    publicChallengeParameters: {
      challenge: "SECOND_FACTOR",
      attemptsLeft: String(attemptsLeft(standing)),
      accepts: admitted.word === "Stopped" ? "RECOVERY_CODE" : "PASSCODE RECOVERY_CODE",
      retryAfterSeconds: String(admitted.seconds),
      ...(name && { friendlyDeviceName: name }),
    },
    privateChallengeParameters: { challenge, nonce: randomBytes(16).toString("base64url") },
    challengeMetadata: challenge,
  };
});

async function pose(standing, user) {
  const { record } = await load(user);
  return {
    challenge: `${kindToPose(standing, holdingsOf(record))} ${record.generation}`,
    admitted: admission(record.lockout, Math.floor(Date.now() / 1000)),
    name: record.authenticator?.name,
  };
}

function holdingsOf({ authenticator, recovery, codesOwed }) {
  if (!authenticator) return "Nothing";
  const codesLeft = recovery ? Buffer.byteLength(recovery, "base64url") / BLOCK_BYTES - 1 : 0;
  return codesLeft >= CODES_OWED_BELOW && !codesOwed ? "Authenticator" : "AuthenticatorCodesOwed";
}

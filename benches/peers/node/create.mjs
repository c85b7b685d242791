// Create Auth Challenge. Reads the record, never writes it.

import { randomBytes } from "node:crypto";

import { admission } from "./lockout.mjs";
import { requireMeasuredSignIn } from "./settings.mjs";
import { attemptsLeft, kindToPose, progressOf, standingOf } from "./sign_in.mjs";
import { load } from "./store.mjs";
import { trigger, userOf } from "./trigger.mjs";

const CODES_OWED_BELOW = 3;
// Of the salt and of each hash in a set of recovery codes.
const BLOCK_BYTES = 16;
const TOTP_FOR_NOBODY = { word: "Open", seconds: 0 };

requireMeasuredSignIn();

export const handler = trigger("CreateAuthChallenge_Authentication", async (event, log) => {
  const standing = standingOf(event.session);
  const { kind, admitted, name } = event.userNotFound
    ? { kind: "TOTP", admitted: TOTP_FOR_NOBODY }
    : await pose(standing, userOf(event));
  log("INFO", "posed", { decision: kind, reason: progressOf(standing) });
  return {
    publicChallengeParameters: {
      // To the client the two kinds are the same.
      challenge: "TOTP",
      attemptsLeft: String(attemptsLeft(standing)),
      accepts: admitted.word === "Stopped" ? "RECOVERY_CODE" : "PASSCODE RECOVERY_CODE",
      retryAfterSeconds: String(admitted.seconds),
      ...(name && { friendlyDeviceName: name }),
    },
    privateChallengeParameters: { challenge: kind, nonce: randomBytes(16).toString("base64url") },
    challengeMetadata: kind,
  };
});

async function pose(standing, user) {
  const { record } = await load(user);
  return {
    kind: kindToPose(standing, holdingsOf(record)),
    admitted: admission(record.lockout, Math.floor(Date.now() / 1000)),
    name: record.authenticator?.name,
  };
}

function holdingsOf({ authenticator, recovery, codesOwed }) {
  if (!authenticator) return "Nothing";
  const codesLeft = recovery ? Buffer.byteLength(recovery, "base64url") / BLOCK_BYTES - 1 : 0;
  return codesLeft >= CODES_OWED_BELOW && !codesOwed ? "Authenticator" : "AuthenticatorCodesOwed";
}

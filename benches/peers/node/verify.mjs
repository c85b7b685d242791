// Verify Auth Challenge Response: judges an answer and records the outcome before it leaves.

import { admission, afterWrongPasscode, isGuessed } from "./lockout.mjs";
import { open } from "./sealing.mjs";
import { requireMeasured } from "./settings.mjs";
import { load, save } from "./store.mjs";
import { matchPasscode, passcodeOf } from "./totp.mjs";
import { notThisTriggersEvent, trigger, userOf } from "./trigger.mjs";

// More than the saves that can succeed in between, since the fifth wrong passcode stops the rest.
const SAVE_ATTEMPTS = 8;
const JUDGED_REMEMBERED = 8;
const MARK_SECONDS = 15 * 60;
const WRONG_PASSCODES_AT_MOST = 65535;
// With whether codes are owed, and a generation of eight bytes.
const CHALLENGE = /^TOTP ([-C]) [\w-]{10}[AEIMQUYcgkosw048]$/;
// Sixteen bytes.
const NONCE = /^[\w-]{21}[AQgw]$/;

requireMeasured("ENROLLMENT");

export const handler = trigger("VerifyAuthChallengeResponse_Authentication", async (event, log) => {
  if (typeof event.challengeAnswer !== "string") throw notThisTriggersEvent("challengeAnswer");
  const { codesOwed, nonce } = posedIn(event.privateChallengeParameters);
  const { outcome, reason, guessed } = event.userNotFound
    ? refused("UserNotFound")
    : await settle(userOf(event), codesOwed, nonce, event.challengeAnswer, event.clientId);
  const answerCorrect = outcome === "right";
  log("INFO", "judged", { decision: answerCorrect, challenge: "SECOND_FACTOR", reason });
  if (guessed) log("ERROR", "passcodes are being guessed", { challenge: "SECOND_FACTOR" });
  return { answerCorrect };
});

function posedIn({ challenge, nonce }) {
  const kind = challenge?.split(" ", 1)[0];
  if (kind === "TOTP_SETUP" || kind === "RECOVERY_CODES") {
    throw new Error("not among what is measured: a set-up challenge");
  }
  const flag = CHALLENGE.exec(challenge)?.[1];
  if (!flag || !NONCE.test(nonce)) throw new Error("the challenge is none that Create posed");
  return { codesOwed: flag === "C", nonce };
}

async function settle(user, codesOwed, nonce, typed, clientId) {
  const now = Math.floor(Date.now() / 1000);
  // Where codes are owed, the tokens are paid for with them.
  const paid = !codesOwed && clientId ? { clientId, until: now + MARK_SECONDS } : undefined;
  // A conflict need not open the same secret again.
  let opened;
  for (let attempt = 0; attempt < SAVE_ATTEMPTS; attempt += 1) {
    const { record, version } = await load(user);
    const { authenticator } = record;
    const judged = record.judged.find((judged) => judged.nonce === nonce);
    if (judged) return { outcome: judged.outcome, reason: "AlreadyJudged" };

    const passcode = passcodeOf(typed);
    if (passcode === undefined) throw new Error("not among what is measured: a recovery code");
    if (admission(record.lockout, now).word !== "Open") return refused("PasscodesWait");

    if (authenticator && opened?.id !== authenticator.id) {
      opened = { id: authenticator.id, secret: await open(user, authenticator) };
    }
    const verdict = judge(record, passcode, now, paid, opened?.secret);
    verdict.record.judged = [...record.judged, { nonce, outcome: verdict.outcome }].slice(-JUDGED_REMEMBERED);
    if (await save(user, verdict.record, version)) {
      const guessed = verdict.outcome === "wrong" && isGuessed(verdict.record.lockout);
      return { ...verdict, guessed };
    }
  }
  throw new Error("others kept saving the same record");
}

function judge(record, passcode, now, paid, secret) {
  const { authenticator } = record;
  // Without an authenticator counted like anyone else's, so that the waits do not tell who has one.
  const match = authenticator
    ? matchPasscode(secret, authenticator.parameters, passcode, now, authenticator.lastStep)
    : { word: "Wrong" };
  if (match.word === "Fresh") {
    const proven = { factor: "totp", at: now };
    const right = { ...record, authenticator: { ...authenticator, lastStep: match.step }, proven };
    if (paid) right.paid = paid;
    return { outcome: "right", reason: "RightPasscode", record: right };
  }
  return {
    outcome: "wrong",
    reason: `${match.word}Passcode`,
    record: {
      ...record,
      lockout: afterWrongPasscode(record.lockout, now),
      wrongPasscodes: Math.min((record.wrongPasscodes ?? 0) + 1, WRONG_PASSCODES_AT_MOST),
    },
  };
}

function refused(reason) {
  return { outcome: "wrong", reason };
}

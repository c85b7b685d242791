// Time-based one-time passwords (RFC 6238), RFC 4226 §5.3 for the truncation.

import { createHmac, timingSafeEqual } from "node:crypto";

const WINDOW_STEPS = 1;
// RFC 4226 §4: 128 bits at least.
const SECRET_BYTES_AT_LEAST = 16;

// The typed passcode without spaces; undefined if it does not have the shape of one: six or eight digits.
export function passcodeOf(typed) {
  const passcode = typed.replaceAll(" ", "");
  return /^([0-9]{6}|[0-9]{8})$/.test(passcode) ? passcode : undefined;
}

// Compares with all steps of the window. A match is accepted if its step is above the last one used (§5.2).
export function matchPasscode(secret, { algorithm, digits, period }, passcode, now, lastStep) {
  if (secret.length < SECRET_BYTES_AT_LEAST) {
    throw new Error("the record holds parameters that RFC 6238 does not allow");
  }
  if (passcode.length !== digits) return { word: "Wrong" };
  const present = Math.floor(now / period);
  const typed = Buffer.from(passcode);
  let match = { word: "Wrong" };
  for (let step = present - WINDOW_STEPS; step <= present + WINDOW_STEPS; step += 1) {
    if (!timingSafeEqual(Buffer.from(passcodeAt(secret, algorithm, digits, step)), typed)) continue;
    if (step > lastStep) match = { word: "Accepted", step };
    else if (match.word === "Wrong") match = { word: "Replayed" };
  }
  return match;
}

function passcodeAt(secret, algorithm, digits, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac(algorithm, secret).update(counter).digest();
  const truncated = hash.readUInt32BE(hash.at(-1) & 0xf) & 0x7fffffff;
  return String(truncated % 10 ** digits).padStart(digits, "0");
}

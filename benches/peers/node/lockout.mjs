// The limit across sign-ins, as shared/src/lockout.rs has it. Times are seconds since 1970.

const FREE_FAILURES = 4;
const STOP_AT = 20;
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3600;
const FALL_SECONDS = 24 * 3600;

const since = (later, earlier) => Math.max(0, later - earlier);

export function admission(lockout, now) {
  const { failures, asOf } = fallen(lockout, now);
  const wait = since(lockout.lockedUntil, now);
  if (failures >= STOP_AT) {
    return { word: "Stopped", seconds: Math.max(since(FALL_SECONDS, since(now, asOf)), wait) };
  }
  return wait ? { word: "Wait", seconds: wait } : { word: "Open", seconds: 0 };
}

export function afterWrongPasscode(lockout, now) {
  const { failures: before, asOf } = fallen(lockout, now);
  const failures = Math.min(before + 1, 255);
  return { failures, asOf, lockedUntil: now + waitSeconds(failures) };
}

export function fallen({ failures: before, asOf }, now) {
  const days = Math.floor(since(now, asOf) / FALL_SECONDS);
  const failures = Math.max(0, before - days);
  // A count of zero has no past: days without failures are not saved up.
  return { failures, asOf: failures === 0 ? now : asOf + days * FALL_SECONDS };
}

function waitSeconds(failures) {
  const doublings = failures - FREE_FAILURES - 1;
  return doublings < 0 ? 0 : Math.min(FIRST_WAIT_SECONDS * 2 ** doublings, LONGEST_WAIT_SECONDS);
}

// The limit across sign-ins, as shared/src/lockout.rs has it. Times are seconds since 1970.

const FREE_FAILURES = 4;
const STOP_AT = 20;
const GUESSED_AT = 10;
const GUESSED_SLOWLY_AT = 20;
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3600;
const FALL_SECONDS = 24 * 3600;
const SLOW_FALL_SECONDS = 7 * 24 * 3600;
// What a record leaves out.
const ZERO = { count: 0, since: 0 };

const since = (later, earlier) => Math.max(0, later - earlier);

export function admission({ asOf, failures = ZERO, lockedUntil }, clock) {
  const now = Math.max(clock, asOf);
  const { count, since: from } = fallen(failures, FALL_SECONDS, now);
  const wait = since(lockedUntil, now);
  if (count >= STOP_AT) {
    return { word: "Stopped", seconds: Math.max(since(from + FALL_SECONDS, now), wait) };
  }
  return wait ? { word: "Wait", seconds: wait } : { word: "Open", seconds: 0 };
}

export function afterWrongPasscode(lockout, clock) {
  const now = Math.max(clock, lockout.asOf);
  const failures = oneMore(lockout.failures ?? ZERO, FALL_SECONDS, now);
  const forgiven = fallen(lockout.forgiven ?? ZERO, FALL_SECONDS, now);
  return {
    asOf: now,
    lockedUntil: now + waitSeconds(failures.count),
    failures,
    ...(forgiven.count && { forgiven }),
    slow: oneMore(lockout.slow ?? ZERO, SLOW_FALL_SECONDS, now),
  };
}

// Whether so many passcodes were wrong, fast or slowly, that somebody guesses who knows the password.
export function isGuessed({ failures, slow }) {
  return failures.count >= GUESSED_AT || slow.count >= GUESSED_SLOWLY_AT;
}

// A count falls by one every so many seconds; a count of zero has no past.
function fallen({ count: before, since: from }, fallSeconds, now) {
  const falls = Math.floor(since(now, from) / fallSeconds);
  return before > falls ? { count: before - falls, since: from + falls * fallSeconds } : ZERO;
}

function oneMore(before, fallSeconds, now) {
  const { count, since: from } = fallen(before, fallSeconds, now);
  return { count: Math.min(count + 1, 255), since: count === 0 ? now : from };
}

function waitSeconds(failures) {
  const doublings = failures - FREE_FAILURES - 1;
  return doublings < 0 ? 0 : Math.min(FIRST_WAIT_SECONDS * 2 ** doublings, LONGEST_WAIT_SECONDS);
}

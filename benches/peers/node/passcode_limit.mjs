// The limit on wrong passcodes, as shared/src/passcode_limit.rs has it. Times are seconds since 1970.

const FREE_FAILURES = 4;
const BLOCK_AT = 20;
const ALERT_AT = 10;
const SLOW_ALERT_AT = 20;
const FIRST_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 3600;
const DECAY_SECONDS = 24 * 3600;
const SLOW_DECAY_SECONDS = 7 * 24 * 3600;
// What a record leaves out.
const ZERO = { count: 0, since: 0 };

const since = (later, earlier) => Math.max(0, later - earlier);

export function rateLimit({ asOf, failures = ZERO, retryAt }, clock) {
  const now = Math.max(clock, asOf);
  const { count, since: from } = decayed(failures, DECAY_SECONDS, now);
  const wait = since(retryAt, now);
  if (count >= BLOCK_AT) {
    return { word: "Blocked", seconds: Math.max(since(from + DECAY_SECONDS, now), wait) };
  }
  return wait ? { word: "RetryAfter", seconds: wait } : { word: "Allow", seconds: 0 };
}

export function afterWrongPasscode(passcodeLimit, clock) {
  const now = Math.max(clock, passcodeLimit.asOf);
  const failures = oneMore(passcodeLimit.failures ?? ZERO, DECAY_SECONDS, now);
  const forgiven = decayed(passcodeLimit.forgiven ?? ZERO, DECAY_SECONDS, now);
  return {
    asOf: now,
    retryAt: now + waitSeconds(failures.count),
    failures,
    ...(forgiven.count && { forgiven }),
    slow: oneMore(passcodeLimit.slow ?? ZERO, SLOW_DECAY_SECONDS, now, SLOW_ALERT_AT),
  };
}

// Whether there were so many wrong passcodes, fast or slowly, that somebody who knows the password is guessing.
export function isAlerting({ failures, slow }) {
  return failures.count >= ALERT_AT || slow.count >= SLOW_ALERT_AT;
}

// A count decays by one every so many seconds; a count of zero has no past.
function decayed({ count: before, since: from }, decaySeconds, now) {
  const periods = Math.floor(since(now, from) / decaySeconds);
  return before > periods ? { count: before - periods, since: from + periods * decaySeconds } : ZERO;
}

function oneMore(before, decaySeconds, now, limit = 255) {
  const { count, since: from } = decayed(before, decaySeconds, now);
  return { count: Math.min(count + 1, limit), since: count === 0 ? now : from };
}

function waitSeconds(failures) {
  const doublings = failures - FREE_FAILURES - 1;
  return doublings < 0 ? 0 : Math.min(FIRST_WAIT_SECONDS * 2 ** doublings, LONGEST_WAIT_SECONDS);
}

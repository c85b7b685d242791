//! The limit on wrong passcodes across sign-ins: they cost a wait, and in the end passcodes are blocked until the count decays.
//!
//! Cognito's own lockout does not cover custom challenges. Nothing that somebody who knows the password can do lowers a count:
//! neither a correct password nor a correct passcode changes it, and neither does a host whose clock is behind. A recovery code
//! lowers the count, but not without bound, since guesses can drive the owner to use one every day. Recovery codes themselves
//! are never limited, so nobody can lock the owner out for good.
//!
//! Invariant: at any time at most [`BLOCK_AT`] + 1 a day wrong passcodes are checked, and at most [`FORGIVEN_AT_MOST`] + 1 a
//! day more, however many recovery codes the owner uses.
//! Source: NIST SP 800-63B-4 §3.2.2 (rate limiting).

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;

/// Wrong passcodes that cost no wait.
pub const FREE_FAILURES: u8 = 4;
/// The count at which passcodes are blocked.
pub const BLOCK_AT: u8 = 20;
/// The count that typing errors hardly reach: from here on each wrong passcode alerts the operator.
pub const ALERT_AT: u8 = 10;
/// The same for the slow count, which shows guesses that stay below [`ALERT_AT`].
pub const SLOW_ALERT_AT: u8 = 20;
/// Wrong passcodes that recovery codes may forgive at most, before the first of them are a day old: two full counts.
pub const FORGIVEN_AT_MOST: u8 = 40;
/// Seconds of the first wait; each further failure doubles it.
pub const FIRST_WAIT_SECONDS: u64 = 30;
/// Seconds of the longest wait.
pub const LONGEST_WAIT_SECONDS: u64 = 3600;
/// Seconds in which the count decays by one, and so does the number of those forgiven.
pub const DECAY_SECONDS: u64 = 24 * 3600;
/// Seconds in which the slow count decays by one.
pub const SLOW_DECAY_SECONDS: u64 = 7 * 24 * 3600;

/// A user's wrong passcodes, as the record keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasscodeLimit {
    /// The latest time at which anything was counted. Nothing here goes by an earlier one: a host whose clock is years back
    /// would make a count decay on all others.
    as_of: UnixTime,
    retry_at: UnixTime,
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    failures: Count<DECAY_SECONDS>,
    /// Failures that recovery codes have taken off.
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    forgiven: Count<DECAY_SECONDS>,
    /// The same failures as `failures`, which nothing takes off.
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    slow: Count<SLOW_DECAY_SECONDS>,
}

/// Whether a passcode is checked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// It is checked.
    Allow,
    /// No passcode is checked for so many seconds.
    RetryAfter {
        /// Seconds until passcodes are checked again.
        seconds: u64,
    },
    /// Passcodes are blocked until the count decays.
    Blocked {
        /// Seconds until passcodes are checked again.
        seconds: u64,
    },
}

impl PasscodeLimit {
    /// Whether a passcode is checked at `now`.
    #[must_use]
    pub fn rate_limit(&self, now: UnixTime) -> RateLimit {
        let now = now.max(self.as_of);
        let failures = self.failures.decayed(now);
        let wait = self.retry_at.since(now);
        if failures.count >= BLOCK_AT {
            return RateLimit::Blocked { seconds: failures.seconds_to_decay(now).max(wait) };
        }
        match wait {
            0 => RateLimit::Allow,
            seconds => RateLimit::RetryAfter { seconds },
        }
    }

    /// The same user after one more wrong passcode.
    #[must_use]
    pub fn after_wrong_passcode(&self, now: UnixTime) -> Self {
        let now = now.max(self.as_of);
        let failures = self.failures.plus(1, now);
        let retry_at = now.plus(wait_seconds(failures.count));
        // Capped, so that the alert ends a week after the guesses do, and not years later.
        let slow = self.slow.plus(1, now).at_most(SLOW_ALERT_AT);
        Self { as_of: now, retry_at, failures, forgiven: self.forgiven.decayed(now), slow }
    }

    /// The same user after a recovery code: as many failures are taken off as may still be forgiven, and the wait with them.
    #[must_use]
    pub fn after_recovery_code(&self, now: UnixTime) -> Self {
        let now = now.max(self.as_of);
        let forgiven_now = self.failures(now).min(FORGIVEN_AT_MOST.saturating_sub(self.forgiven.decayed(now).count));
        if forgiven_now == 0 {
            return *self;
        }
        let (failures, forgiven) = (self.failures.minus(forgiven_now, now), self.forgiven.plus(forgiven_now, now));
        Self { as_of: now, retry_at: now, failures, forgiven, slow: self.slow.decayed(now) }
    }

    /// Wrong passcodes that still count at `now`.
    #[must_use]
    pub fn failures(&self, now: UnixTime) -> u8 {
        self.failures.decayed(now.max(self.as_of)).count
    }

    /// Whether there were so many wrong passcodes, fast or slowly, that somebody who knows the password is guessing.
    #[must_use]
    pub fn is_alerting(&self, now: UnixTime) -> bool {
        let now = now.max(self.as_of);
        self.failures(now) >= ALERT_AT || self.slow.decayed(now).count >= SLOW_ALERT_AT
    }
}

/// A count that decays by one every `PERIOD` seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Count<const PERIOD: u64> {
    count: u8,
    /// When `count` was true; the next period starts here.
    since: UnixTime,
}

impl<const PERIOD: u64> Count<PERIOD> {
    fn decayed(self, now: UnixTime) -> Self {
        let periods = now.since(self.since).checked_div(PERIOD).unwrap_or_default();
        match self.count.saturating_sub(u8::try_from(periods).unwrap_or(u8::MAX)) {
            // A count of zero has no past: time without failures is not saved up.
            0 => Self::default(),
            count => Self { count, since: self.since.plus(periods.saturating_mul(PERIOD)) },
        }
    }

    fn plus(self, more: u8, now: UnixTime) -> Self {
        let decayed = self.decayed(now);
        let since = if decayed.is_zero() { now } else { decayed.since };
        Self { count: decayed.count.saturating_add(more), since }.decayed(now)
    }

    fn minus(self, fewer: u8, now: UnixTime) -> Self {
        let decayed = self.decayed(now);
        Self { count: decayed.count.saturating_sub(fewer), ..decayed }.decayed(now)
    }

    fn at_most(self, limit: u8) -> Self {
        Self { count: self.count.min(limit), ..self }
    }

    fn seconds_to_decay(self, now: UnixTime) -> u64 {
        self.since.plus(PERIOD).since(now)
    }

    fn is_zero(&self) -> bool {
        self.count == 0
    }
}

fn wait_seconds(failures: u8) -> u64 {
    match failures.checked_sub(FREE_FAILURES.saturating_add(1)) {
        None => 0,
        Some(doublings) => {
            let factor = 1_u64.checked_shl(doublings.into()).unwrap_or(u64::MAX);
            FIRST_WAIT_SECONDS.saturating_mul(factor).min(LONGEST_WAIT_SECONDS)
        }
    }
}

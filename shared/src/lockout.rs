//! The limit across sign-ins: wrong passcodes cost a wait, and in the end a stop until the count has fallen.
//!
//! Cognito's own lockout does not cover custom challenges. Nothing that a password-knower can do lowers a count: neither a
//! right password nor a right passcode changes it, and a host whose clock is wrong does not either. A recovery code of the
//! owner's lifts the count, but not without bound: whoever guesses can drive the owner to use one every day. Recovery codes
//! themselves are never limited, so nobody can lock the owner out for good.
//!
//! Invariant: in any time at most [`STOP_AT`] + 1 a day wrong passcodes are judged, and at most [`FORGIVEN_AT_MOST`] + 1 a
//! day more, however many recovery codes the owner uses.
//! Source: NIST SP 800-63B-4 §3.2.2 (rate limiting).

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;

/// Wrong passcodes that cost no wait.
pub const FREE_FAILURES: u8 = 4;
/// The count at which passcodes stop.
pub const STOP_AT: u8 = 20;
/// The count that typing errors hardly come to: from here on each wrong passcode alerts the operator.
pub const GUESSED_AT: u8 = 10;
/// The slow count that typing errors hardly come to, likewise: it shows guesses that stay below [`GUESSED_AT`].
pub const GUESSED_SLOWLY_AT: u8 = 20;
/// Wrong passcodes that recovery codes may forgive at most, before the first of them are a day old: two full counts.
pub const FORGIVEN_AT_MOST: u8 = 40;
/// Seconds of the first wait; each further failure doubles it.
pub const FIRST_WAIT_SECONDS: u64 = 30;
/// Seconds of the longest wait.
pub const LONGEST_WAIT_SECONDS: u64 = 3600;
/// Seconds in which the count falls by one, and so does the number of those forgiven.
pub const FALL_SECONDS: u64 = 24 * 3600;
/// Seconds in which the slow count falls by one.
pub const SLOW_FALL_SECONDS: u64 = 7 * 24 * 3600;

/// A user's wrong passcodes, as the record keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lockout {
    /// The latest time at which anything was counted. Nothing here goes by an earlier one: a host whose clock is years back
    /// would make a count fall on all others.
    as_of: UnixTime,
    locked_until: UnixTime,
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    failures: Count<FALL_SECONDS>,
    /// Failures that recovery codes have lifted.
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    forgiven: Count<FALL_SECONDS>,
    /// The same failures as `failures`, which nothing lifts.
    #[serde(default, skip_serializing_if = "Count::is_zero")]
    slow: Count<SLOW_FALL_SECONDS>,
}

/// Whether a passcode is judged now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is judged.
    Open,
    /// A wait; no answer is judged for so many seconds.
    Wait {
        /// Seconds until passcodes are judged again.
        seconds: u64,
    },
    /// Passcodes have stopped until the count falls.
    Stopped {
        /// Seconds until passcodes are judged again.
        seconds: u64,
    },
}

impl Lockout {
    /// Whether a passcode is judged at `now`.
    #[must_use]
    pub fn admission(&self, now: UnixTime) -> Admission {
        let now = now.max(self.as_of);
        let failures = self.failures.fallen(now);
        let wait = self.locked_until.since(now);
        if failures.count >= STOP_AT {
            return Admission::Stopped { seconds: failures.seconds_to_fall(now).max(wait) };
        }
        match wait {
            0 => Admission::Open,
            seconds => Admission::Wait { seconds },
        }
    }

    /// The same user after one wrong passcode more.
    #[must_use]
    pub fn after_wrong_passcode(&self, now: UnixTime) -> Self {
        let now = now.max(self.as_of);
        let failures = self.failures.plus(1, now);
        let locked_until = now.plus(wait_seconds(failures.count));
        Self { as_of: now, locked_until, failures, forgiven: self.forgiven.fallen(now), slow: self.slow.plus(1, now) }
    }

    /// The same user after a recovery code: as many failures are lifted as may still be forgiven, and the wait with them.
    #[must_use]
    pub fn after_recovery_code(&self, now: UnixTime) -> Self {
        let now = now.max(self.as_of);
        let lifted = self.failures(now).min(FORGIVEN_AT_MOST.saturating_sub(self.forgiven.fallen(now).count));
        let locked_until = if lifted > 0 { now } else { self.locked_until };
        let (failures, forgiven) = (self.failures.minus(lifted, now), self.forgiven.plus(lifted, now));
        Self { as_of: now, locked_until, failures, forgiven, slow: self.slow.fallen(now) }
    }

    /// Wrong passcodes that still count at `now`.
    #[must_use]
    pub fn failures(&self, now: UnixTime) -> u8 {
        self.failures.fallen(now.max(self.as_of)).count
    }

    /// Whether there were so many wrong passcodes, fast or slowly, that somebody guesses who knows the password.
    #[must_use]
    pub fn is_guessed(&self, now: UnixTime) -> bool {
        let now = now.max(self.as_of);
        self.failures(now) >= GUESSED_AT || self.slow.fallen(now).count >= GUESSED_SLOWLY_AT
    }
}

/// A count that falls by one every `FALL` seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count<const FALL: u64> {
    count: u8,
    /// When `count` was true; the next fall is counted from here.
    since: UnixTime,
}

impl<const FALL: u64> Count<FALL> {
    fn fallen(self, now: UnixTime) -> Self {
        let falls = now.since(self.since).checked_div(FALL).unwrap_or_default();
        match self.count.saturating_sub(u8::try_from(falls).unwrap_or(u8::MAX)) {
            // A count of zero has no past: time without failures is not saved up.
            0 => Self::default(),
            count => Self { count, since: self.since.plus(falls.saturating_mul(FALL)) },
        }
    }

    fn plus(self, more: u8, now: UnixTime) -> Self {
        let fallen = self.fallen(now);
        let since = if fallen.is_zero() { now } else { fallen.since };
        Self { count: fallen.count.saturating_add(more), since }.fallen(now)
    }

    fn minus(self, fewer: u8, now: UnixTime) -> Self {
        let fallen = self.fallen(now);
        Self { count: fallen.count.saturating_sub(fewer), ..fallen }.fallen(now)
    }

    fn seconds_to_fall(self, now: UnixTime) -> u64 {
        self.since.plus(FALL).since(now)
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

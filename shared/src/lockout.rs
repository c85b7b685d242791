//! The limit across sign-ins: wrong passcodes cost a wait, and in the end a stop until the count has fallen.
//!
//! Cognito's own lockout does not cover custom challenges. Nothing that a password-knower can do lowers the count:
//! neither a right password nor a right passcode changes it. A recovery code or the operator lifts it, and recovery
//! codes are never limited, so nobody can lock the owner out for good.
//!
//! Invariant: between two recovery codes of the owner's at most [`STOP_AT`] + 1 a day wrong passcodes are judged.
//! Source: NIST SP 800-63B-4 §3.2.2 (rate limiting).

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;

/// Wrong passcodes that cost no wait.
pub const FREE_FAILURES: u8 = 4;
/// The count at which passcodes stop.
pub const STOP_AT: u8 = 20;
/// The count that typing errors hardly come to: from here on an operator hears of each wrong passcode.
pub const GUESSED_AT: u8 = 10;
/// Seconds of the first wait; each further failure doubles it.
pub const FIRST_WAIT_SECONDS: u64 = 30;
/// Seconds of the longest wait.
pub const LONGEST_WAIT_SECONDS: u64 = 3600;
/// Seconds in which the count falls by one.
pub const FALL_SECONDS: u64 = 24 * 3600;

/// A user's wrong passcodes, as the record keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lockout {
    failures: u8,
    /// When `failures` was true; the fall is counted from here.
    as_of: UnixTime,
    locked_until: UnixTime,
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
        let fallen = self.fallen(now);
        let wait = self.locked_until.since(now);
        if fallen.failures >= STOP_AT {
            let fall = FALL_SECONDS.saturating_sub(now.since(fallen.as_of));
            return Admission::Stopped { seconds: fall.max(wait) };
        }
        match wait {
            0 => Admission::Open,
            seconds => Admission::Wait { seconds },
        }
    }

    /// The same user after one wrong passcode more.
    #[must_use]
    pub fn after_wrong_passcode(&self, now: UnixTime) -> Self {
        let fallen = self.fallen(now);
        let failures = fallen.failures.saturating_add(1);
        Self { failures, as_of: fallen.as_of, locked_until: now.plus(wait_seconds(failures)) }
    }

    /// Wrong passcodes that still count at `now`.
    #[must_use]
    pub fn failures(&self, now: UnixTime) -> u8 {
        self.fallen(now).failures
    }

    fn fallen(&self, now: UnixTime) -> Self {
        let days = now.since(self.as_of) / FALL_SECONDS;
        let failures = self.failures.saturating_sub(u8::try_from(days).unwrap_or(u8::MAX));
        // A count of zero has no past: days without failures are not saved up.
        let as_of = if failures == 0 { now } else { self.as_of.plus(days.saturating_mul(FALL_SECONDS)) };
        Self { failures, as_of, locked_until: self.locked_until }
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

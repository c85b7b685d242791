//! The code that an operator gives to a user who has no authenticator, or has it no longer: one of 80 bits, typed where a recovery
//! code is typed, for one sign-in that must then set up an authenticator.
//!
//! Invariant: it is never kept; what is kept is its hash, until it was used.
//! Source: NIST SP 800-63B-4 §4.2 (account recovery).

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::recovery_codes::{CodeSet, RecoveryCode};

/// The longest lifetime of a code, in hours.
pub const OPERATOR_CODE_HOURS: u64 = 72;
/// How far an operator's clock may be ahead; a code that lasts longer than this allows was recorded by a clock that is wrong.
const CLOCK_SKEW_SECONDS: u64 = 3600;

/// A code as it is kept; without a hash once it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorCode {
    codes: CodeSet,
    until: UnixTime,
}

impl OperatorCode {
    /// Hashes a code that can be used until then.
    #[must_use]
    pub fn new(code: &RecoveryCode, salt: [u8; 16], until: UnixTime) -> Self {
        Self { codes: CodeSet::new(std::slice::from_ref(code), salt), until }
    }

    /// The same when it can no longer be used.
    pub(crate) fn withdrawn(&self) -> Self {
        Self { codes: CodeSet::new(&[], *self.codes.salt()), until: self.until }
    }

    /// Until when it can be used; `None` when it was used, or is too old.
    pub(crate) fn valid_until(&self, now: UnixTime) -> Option<UnixTime> {
        let longest = OPERATOR_CODE_HOURS.saturating_mul(3600).saturating_add(CLOCK_SKEW_SECONDS);
        (self.codes.left() > 0 && now < self.until && self.until.since(now) <= longest).then_some(self.until)
    }

    /// The same after `code` was used; `None` when it is another, or can no longer be used.
    pub(crate) fn without(&self, code: &RecoveryCode, now: UnixTime) -> Option<Self> {
        self.valid_until(now)?;
        Some(Self { codes: self.codes.without(code)?, until: self.until })
    }
}
